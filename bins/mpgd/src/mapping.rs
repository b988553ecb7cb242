//! Which directory is worked on in which channel: found by name, picked, or made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mpg_config::expand_home;
use mpg_discord::{PLATFORM, TextChannel};

use crate::cli::PlaceOptions;
use crate::configuration::absolute;
use crate::document::Entry;
use crate::exit::{self, Failure};
use crate::prompt::{Prompt, Question};
use crate::repositories;
use crate::server::{Account, Joined};
use crate::shown::one_line;

/// The flag that answers both questions.
const FLAG: &str = "DIR=CHANNEL (of `init`: --project DIR=CHANNEL)";

/// How much of a name that others gave is shown, in characters.
const NAME: usize = 100;

/// The longest name of a channel that is made, in characters.
///
/// Source: the page on channels of Discord's documentation.
const MADE: usize = 100;

/// A directory, and the channel that somebody named for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    name: String,
    directory: PathBuf,
    channel: Option<String>,
}

/// What is there already.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    names: BTreeSet<String>,
    directories: BTreeSet<PathBuf>,
    channels: BTreeSet<String>,
}

impl Taken {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut taken = Self::default();
        for entry in entries {
            taken.names.insert(entry.name.clone());
            taken.directories.insert(PathBuf::from(&entry.directory));
            let channels = entry.channels.iter().map(|(channel, _)| channel.clone());
            taken.channels.extend(channels);
        }
        taken
    }

    /// The name of a directory, with a number where it is taken.
    fn name(&mut self, directory: &Path) -> String {
        let last = directory.file_name().unwrap_or_default().to_string_lossy();
        let base: String = last.chars().filter(|c| !c.is_control()).collect();
        let base = match base.trim() {
            "" => "project",
            base => base,
        };
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let name = std::iter::once(base.to_owned())
            .chain(numbered)
            .find(|name| !self.names.contains(name))
            .unwrap_or_default();
        self.names.insert(name.clone());
        name
    }
}

/// The directories that are to be projects: the named ones, or the ones that are picked of the
/// repositories near by.
pub(crate) fn wanted(
    named: &[String],
    environment: &BTreeMap<String, String>,
    working_dir: &str,
    taken: &mut Taken,
    prompt: &mut dyn Prompt,
) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = Vec::new();
    if named.is_empty() {
        for directory in picked(environment, working_dir, taken, prompt)? {
            let name = taken.name(&directory);
            wanted.push(Wanted {
                name,
                directory,
                channel: None,
            });
        }
    }
    for text in named {
        let path = |text: &str| {
            let text = expand_home(text, environment).unwrap_or_else(|| text.to_owned());
            PathBuf::from(absolute(working_dir, &text))
        };
        // A directory may have the sign in its name.
        let (directory, channel) = match text.rsplit_once('=') {
            Some((directory, channel)) if !path(text).is_dir() => (directory, Some(channel)),
            Some(_) | None => (text.as_str(), None),
        };
        let directory = existing(&path(directory))?;
        wanted.push(Wanted {
            name: taken.name(&directory),
            directory,
            channel: channel.map(str::to_owned),
        });
    }
    Ok(wanted)
}

fn existing(path: &Path) -> Result<PathBuf, Failure> {
    match fs::canonicalize(path) {
        Ok(directory) if directory.is_dir() => Ok(directory),
        Ok(_) | Err(_) => Err(Failure::Usage(format!(
            "there is no directory {}",
            path.display()
        ))),
    }
}

fn picked(
    environment: &BTreeMap<String, String>,
    working_dir: &str,
    taken: &Taken,
    prompt: &mut dyn Prompt,
) -> Result<Vec<PathBuf>, Failure> {
    let here = PathBuf::from(working_dir);
    let home = environment.get("HOME").map(PathBuf::from);
    let near: Vec<PathBuf> = std::iter::once(here.clone()).chain(home).collect();
    let mut found = repositories::near(&near);
    found.retain(|directory| !taken.directories.contains(directory));
    let question = Question {
        text: "Which directories shall the bot work in?",
        flag: FLAG,
    };
    let mut choices: Vec<(String, bool)> = found
        .iter()
        .map(|directory| (directory.display().to_string(), *directory == here))
        .collect();
    let another = choices.len();
    if prompt.is_answered() {
        choices.push(("another directory …".to_owned(), choices.is_empty()));
    }
    let chosen = prompt.choose_any(question, &choices)?;
    let mut directories: Vec<PathBuf> = chosen
        .iter()
        .filter_map(|index| found.get(*index).cloned())
        .collect();
    if chosen.contains(&another) {
        let question = Question {
            text: "Directory",
            flag: FLAG,
        };
        let answer = prompt.line(question, Some(working_dir))?;
        let answer = expand_home(&answer, environment).unwrap_or(answer);
        directories.push(existing(Path::new(&absolute(working_dir, &answer)))?);
    }
    Ok(directories)
}

/// The project of a directory, with its channel.
pub(crate) fn entry(
    wanted: &Wanted,
    account: &Account<'_>,
    joined: Option<&mut Joined>,
    options: &PlaceOptions,
    taken: &mut Taken,
    prompt: &mut dyn Prompt,
) -> Result<Entry, Failure> {
    let channel = match joined {
        Some(joined) => Some(channel(wanted, account, joined, options, taken, prompt)?),
        None => None,
    };
    let channels = match (channel, &wanted.channel) {
        (Some(channel), _) => {
            for need in &channel.missing {
                exit::print(&format!(
                    "in #{} the bot may not {}: {}\n",
                    one_line(&channel.name, NAME),
                    need.name,
                    need.without
                ));
            }
            vec![(key(&channel), Some(format!("#{}", channel.name)))]
        }
        (None, Some(id)) if mpg_discord::config::channel_problem(id).is_none() => {
            vec![(format!("{PLATFORM}:{id}"), None)]
        }
        (None, Some(name)) => {
            return Err(Failure::Refused(format!(
                "the channel {name} cannot be found by its name: the bot is in no server yet\n  \
                 help: give its id, or add the bot first"
            )));
        }
        (None, None) => Vec::new(),
    };
    taken
        .channels
        .extend(channels.iter().map(|(channel, _)| channel.clone()));
    Ok(Entry {
        name: wanted.name.clone(),
        directory: wanted.directory.to_string_lossy().into_owned(),
        channels,
    })
}

fn key(channel: &TextChannel) -> String {
    format!("{PLATFORM}:{}", channel.id)
}

fn channel(
    wanted: &Wanted,
    account: &Account<'_>,
    joined: &mut Joined,
    options: &PlaceOptions,
    taken: &Taken,
    prompt: &mut dyn Prompt,
) -> Result<TextChannel, Failure> {
    let called = wanted.channel.as_deref().unwrap_or(&wanted.name);
    let called = called.trim_start_matches('#');
    if wanted.channel.is_none() && !options.create_channels && prompt.is_answered() {
        return picked_channel(called, account, joined, taken, prompt);
    }
    let free = free(joined, taken);
    if let Some(found) = named(called, &free) {
        return Ok(free[found].clone());
    }
    if options.create_channels {
        return create(called, account, joined);
    }
    let names: Vec<&str> = free.iter().map(|channel| channel.name.as_str()).collect();
    Err(Failure::Refused(format!(
        "there is no free channel {called} for {}; there are: {}\n  help: answer with {FLAG}, or \
         let it be made with --create-channels",
        wanted.directory.display(),
        one_line(&names.join(", "), 10 * NAME)
    )))
}

fn picked_channel(
    called: &str,
    account: &Account<'_>,
    joined: &mut Joined,
    taken: &Taken,
    prompt: &mut dyn Prompt,
) -> Result<TextChannel, Failure> {
    let text = format!("Which channel leads to {called}?");
    let question = Question {
        text: &text,
        flag: FLAG,
    };
    loop {
        let mut free = free(joined, taken);
        let mut choices: Vec<String> = free
            .iter()
            .map(|channel| format!("#{}", channel.name))
            .collect();
        choices.push(format!("make a new channel #{}", alike(called)));
        let chosen = prompt.choose(question, &choices, named(called, &free))?;
        if chosen < free.len() {
            return Ok(free.swap_remove(chosen));
        }
        match create(called, account, joined) {
            // Nothing that was answered before is lost by it, and what somebody makes by hand
            // meanwhile is there to be picked.
            Err(Failure::Refused(why)) => exit::print(&format!("{why}\n")),
            made => return made,
        }
        joined.channels = account.channels(&joined.server)?;
    }
}

/// The channels that lead nowhere yet.
fn free(joined: &Joined, taken: &Taken) -> Vec<TextChannel> {
    let channels = joined.channels.iter();
    channels
        .filter(|channel| !taken.channels.contains(&key(channel)))
        .cloned()
        .collect()
}

/// Which of the channels is called so.
fn named(called: &str, channels: &[TextChannel]) -> Option<usize> {
    channels
        .iter()
        .position(|channel| channel.id.as_str() == called || alike(&channel.name) == alike(called))
}

fn create(name: &str, account: &Account<'_>, joined: &mut Joined) -> Result<TextChannel, Failure> {
    let name: String = alike(name).chars().take(MADE).collect();
    let made = account.create(&joined.server, &name)?;
    joined.channels.push(made.clone());
    Ok(made)
}

/// A name as Discord writes the names of text channels.
fn alike(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}
