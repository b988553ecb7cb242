//! `mpgd init`: from nothing to a bot that answers. Nothing is written before everything is known,
//! and nothing that is there is written over.

mod token;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use mpg_config::Search;
use tokio::runtime::Runtime;

use self::token::Found;
use crate::cli::{Global, Init};
use crate::configuration::{absolute, api_url, without_parents, working_dir};
use crate::document::{Document, Entry, TokenPlace};
use crate::exit::{self, Failure};
use crate::mapping::{self, Taken};
use crate::new_files::{NewFiles, TOKEN_FILE};
use crate::programs::{self, Program};
use crate::{check, environment, import, prompt, run};

/// What to do where a configuration is in the way.
const IN_THE_WAY: &str = "add a project to it with `mpgd project add`, or write another one with \
                          --profile NAME or --config FILE";

pub(crate) fn init(global: &Global, arguments: &Init) -> Result<ExitCode, Failure> {
    if arguments.migrate {
        return import::migrate(global);
    }
    let environment = environment::read();
    let working_dir = working_dir()?;
    let out = target(global, arguments, &environment, &working_dir)?;
    let out = Path::new(&out);
    drop(NewFiles::new(out, None, IN_THE_WAY)?);
    let runtime = run::runtime()?;
    let mut prompt = prompt::of(&runtime, arguments.places.yes);
    let prompt = prompt.as_mut();

    let mut left = look_at_programs(&runtime, &environment);
    let api_url = api_url(&environment)?;
    let search = token::Search {
        options: &arguments.token,
        environment: &environment,
        working_dir: &working_dir,
        file: &out.with_file_name(TOKEN_FILE),
        api_url: api_url.as_deref(),
        runtime: &runtime,
    };
    let Found {
        mut account,
        place,
        new,
    } = search.find(prompt)?;
    let name = account.bot.name.clone();
    exit::print(&format!("this is the token of {name}\n"));
    if !account.need_messages(prompt)? {
        left.push(format!(
            "switch on the Message Content Intent: {}",
            mpg_discord::intents_url(&account.bot.application)
        ));
    }
    let options = &arguments.places;
    let servers = account.servers(!arguments.no_wait, options.create_channels)?;
    let mut joined = account.pick(servers, options.server.as_deref(), prompt)?;
    if joined.is_none() {
        left.push("add the bot to your server with the link above".to_owned());
    }
    let mut taken = Taken::default();
    let wanted = mapping::wanted(
        &arguments.projects,
        &environment,
        &working_dir,
        &mut taken,
        prompt,
    )?;
    let mut document = Document::new(&place, &name);
    for wanted in &wanted {
        let joined = joined.as_mut();
        let entry = mapping::entry(wanted, &account, joined, options, &mut taken, prompt)?;
        if entry.channels.is_empty() {
            left.push(channelless(&entry));
        }
        document.add(&entry);
    }

    let token_file = match (&place, &new) {
        (TokenPlace::File(file), Some(_)) => Some(Path::new(file)),
        (TokenPlace::File(_) | TokenPlace::Env(_), _) => None,
    };
    NewFiles::new(out, token_file, IN_THE_WAY)?
        .write(&document.text(), new.as_deref().unwrap_or_default())?;
    exit::print(&format!("\nwrote {}\n", out.display()));
    if let Some(file) = token_file {
        exit::print(&format!(
            "wrote the token to {}, for this user alone\n",
            file.display()
        ));
    }
    let written = Global {
        config: Some(out.to_string_lossy().into_owned()),
        profile: None,
        data_dir: global.data_dir.clone(),
        log_level: None,
    };
    let code = check::check(&written)?;
    exit::print(&farewell(global, &left));
    Ok(code)
}

/// The file that is written.
fn target(
    global: &Global,
    arguments: &Init,
    environment: &BTreeMap<String, String>,
    working_dir: &str,
) -> Result<String, Failure> {
    if let Some(config) = &global.config {
        return without_parents(&absolute(working_dir, config));
    }
    if arguments.here {
        return Ok(absolute(working_dir, mpg_config::FILE));
    }
    let search = Search {
        config: None,
        profile: global.profile.as_deref(),
        working_dir,
        env: environment,
    };
    Ok(search.own_file()?)
}

/// Says how the programs are that are needed, and returns what is to be done about them.
fn look_at_programs(runtime: &Runtime, environment: &BTreeMap<String, String>) -> Vec<String> {
    let programs: [Program; 3] = runtime.block_on(async {
        let (claude, git, tmux) = tokio::join!(
            programs::claude("claude", environment),
            programs::other("git", "--version", environment, "install git"),
            programs::other(
                "tmux",
                "-V",
                environment,
                "only needed for persistence = \"tmux\""
            ),
        );
        [claude, git, tmux]
    });
    let mut left = Vec::new();
    for program in programs {
        let help = program.help.as_deref();
        let help_text = help.map(|help| format!("\n  {help}")).unwrap_or_default();
        exit::print(&format!("{}: {}{help_text}\n", program.name, program.found));
        if !program.usable && program.name != "tmux" {
            left.push(format!(
                "{}: {}",
                program.name,
                help.unwrap_or(&program.found)
            ));
        }
    }
    left
}

fn channelless(entry: &Entry) -> String {
    format!(
        "name the channel of {0}: `channels = [\"discord:ID\"]` below [projects.{0}]",
        entry.name
    )
}

/// What is left to do, and how it goes on.
fn farewell(global: &Global, left: &[String]) -> String {
    let mut text = String::new();
    if !left.is_empty() {
        text.push_str("\nleft to do:\n");
        for left in left {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {left}");
        }
    }
    let named = match (&global.config, &global.profile) {
        (Some(config), _) => format!(" --config {config}"),
        (None, Some(profile)) => format!(" --profile {profile}"),
        (None, None) => String::new(),
    };
    let _ = writeln!(text, "\nstart it: mpgd{named} run");
    text
}
