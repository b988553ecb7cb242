//! `mpgd init` and `mpgd project` against a loopback Discord: with flags alone, and with a person at
//! a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mpg_testkit::claude_cli;
use mpg_testkit::discord::{Discord, Permission};
use tokio::process::Command;

use crate::home::{Home, output, shown};
use crate::pty::Pty;

/// A home without a configuration, and with a Discord to set one up against.
async fn empty() -> Home {
    prepared(Home::new("").await)
}

fn prepared(home: Home) -> Home {
    fs::remove_file(home.path("mpg.toml")).unwrap();
    let programs = home.path("programs");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(claude_cli::claude(), programs.join("claude")).unwrap();
    fs::create_dir_all(home.path("one/.git")).unwrap();
    home
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    let programs = home.path("programs");
    command
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
        )
        .env("MPG_DISCORD_API_URL", home.discord.origin())
        .env("MPG_DISCORD_GATEWAY_URL", home.discord.gateway_url());
    command
}

async fn run(home: &Home, arguments: &[&str]) -> String {
    let mut command = command(home, arguments);
    let said = shown(&output(&mut command).await, &home.path(""));
    assert!(!said.contains(home.discord.token()), "{said}");
    said
}

const FILE: &str = ".mpg/profiles/default/mpg.toml";
const TOKEN: &str = ".mpg/profiles/default/discord-token";

fn mode(home: &Home, file: &str) -> u32 {
    fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn flags_alone_set_up_a_bot_that_answers() {
    let home = empty().await;
    let said = run(
        &home,
        &["init", "--project", "one", "--project", "two=#TWO"],
    )
    .await;
    assert!(said.starts_with("exit 0"), "{said}");
    assert_eq!(mode(&home, TOKEN), 0o600);
    let token = fs::read_to_string(home.path(TOKEN)).unwrap();
    assert_eq!(token.trim(), home.discord.token());
    let written = fs::read_to_string(home.path(FILE)).unwrap();
    let home_of = home.path("").display().to_string();
    let home_of = home_of.trim_end_matches('/');
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9]{17,}", "[id]");
    settings.add_filter(r"version [0-9][^,\s]*", "version [version]");
    settings.add_filter(r"tmux: (.*\n  )?[^\n]*", "tmux: [as it is]");
    settings.bind(|| {
        insta::assert_snapshot!("init_with_flags", said);
        insta::assert_snapshot!("init_written", written.replace(home_of, "[home]"));
    });

    // By its path: what is found among temporary files is not there in a sandbox.
    let claude = format!("\n[claude]\ncommand = {:?}\n", claude_cli::claude());
    let written = written + &claude;
    fs::write(home.path(FILE), &written).unwrap();

    // The variable is not needed any more: the token is in its file.
    let mut daemon = command(&home, &["run"]);
    daemon.env_remove("DISCORD_BOT_TOKEN");
    let daemon = home.start_by(daemon).await;
    let message = home.say(home.two, "SAY:set up");
    // What stands before it says that the project has no worktrees.
    let answers = home.answers(message, 2).await;
    assert!(answers[1].contains("set up"), "{answers:?}");
    assert_eq!(daemon.stop().await.code(), Some(0));

    // Nothing is written over.
    let again = run(&home, &["init", "--project", "one"]).await;
    assert!(again.starts_with("exit 78"), "{again}");
    assert!(
        again.contains("is there already; nothing was written"),
        "{again}"
    );
    assert_eq!(fs::read_to_string(home.path(FILE)).unwrap(), written);
}

#[tokio::test]
async fn a_person_at_a_terminal_types_a_token_and_picks_the_rest() {
    let home = empty().await;
    let mut command = command(&home, &["init"]);
    command.env_remove("DISCORD_BOT_TOKEN");
    let mut terminal = Pty::spawn(&mut command);
    terminal.see("Token (it is not shown)").await;
    terminal.type_hidden("wrong\n").await;
    terminal.see("Discord does not take this token").await;
    terminal.see("Token (it is not shown)").await;
    let token = format!("{}\n", home.discord.token());
    terminal.type_hidden(&token).await;
    terminal.see("this is the token of mpg").await;
    terminal
        .see("Which directories shall the bot work in?")
        .await;
    terminal.see("/one").await;
    terminal.type_keys(" \r");
    terminal.see("Which channel leads to one?").await;
    terminal.see("make a new channel #one").await;
    // The bot may not: what was answered stays answered, and one made by hand is there then.
    let guild = home
        .discord
        .look(|world| world.channel(home.one).unwrap().guild.unwrap());
    home.discord.add_channel(guild, "by-hand");
    terminal.type_keys("\x1b[A\r");
    terminal.see("the channel one was not made").await;
    terminal.see("#by-hand").await;
    terminal.type_keys("\r");
    terminal.see("is in order").await;
    assert_eq!(terminal.ended().await, Some(0), "{}", terminal.screen());
    assert!(!terminal.screen().contains(home.discord.token()));
    let written = fs::read_to_string(home.path(FILE)).unwrap();
    assert!(
        written.contains(&format!("\"discord:{}\"", home.one)),
        "{written}"
    );
    assert!(!written.contains(&home.two.to_string()), "{written}");
}

#[tokio::test]
async fn an_interrupt_writes_nothing() {
    let home = empty().await;
    let mut command = command(&home, &["init"]);
    command.env_remove("DISCORD_BOT_TOKEN");
    let mut terminal = Pty::spawn(&mut command);
    terminal.see("Token (it is not shown)").await;
    let pid = terminal.pid();
    crate::home::signal(&pid.to_string(), "INT");
    assert_eq!(terminal.ended().await, Some(130));
    assert!(!home.path(FILE).exists());
    assert!(!home.path(TOKEN).exists());
}

#[tokio::test]
async fn what_discord_says_is_said_before_anything_is_written() {
    let home = empty().await;
    let mut wrong = command(&home, &["init", "--project", "one"]);
    wrong.env("DISCORD_BOT_TOKEN", "wrong");
    let said = shown(&output(&mut wrong).await, &home.path(""));
    assert!(said.starts_with("exit 1\n"), "{said}");
    assert!(said.contains("Discord does not take this token"), "{said}");

    let said = run(&home, &["init", "--project", "one=nowhere"]).await;
    assert!(said.contains("there is no free channel nowhere"), "{said}");
    assert!(said.contains("there are: one, two"), "{said}");

    let said = run(&home, &["init", "--project", "three"]).await;
    assert!(said.starts_with("exit 64"), "{said}");

    home.discord
        .deny_permission(home.one, Permission::ViewChannel);
    let said = run(&home, &["init", "--project", "one"]).await;
    assert!(said.contains("there are: two"), "{said}");
    assert!(!home.path(FILE).exists());
    assert!(!home.path(TOKEN).exists());

    home.discord
        .deny_permission(home.two, Permission::AddReactions);
    let said = run(&home, &["init", "--project", "two"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(
        said.contains("in #two the bot may not Add Reactions"),
        "{said}"
    );
}

#[tokio::test]
async fn an_intent_that_is_off_is_said_with_where_to_switch_it_on() {
    let discord = Discord::builder().message_content_off().start().await;
    let home = prepared(Home::with("", discord).await);
    let said = run(&home, &["init", "--yes", "--project", "one"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    let bot = home.discord.bot();
    let place = format!("https://discord.com/developers/applications/{bot}/bot");
    assert!(said.contains("the Message Content Intent is off"), "{said}");
    assert_eq!(said.matches(&place).count(), 2, "{said}");
}

#[tokio::test]
async fn channels_are_made_where_the_bot_may() {
    let home = empty().await;
    fs::create_dir(home.path("Web Shop")).unwrap();
    let arguments = ["init", "--create-channels", "--project", "Web Shop"];
    let said = run(&home, &arguments).await;
    assert!(said.contains("the channel web-shop was not made"), "{said}");
    assert!(
        said.contains("let the bot manage channels with https://"),
        "{said}"
    );
    assert!(!home.path(FILE).exists());

    let permissions = [Permission::BOT.as_slice(), &[Permission::ManageChannels]].concat();
    let discord = Discord::builder().permissions(&permissions).start().await;
    let home = prepared(Home::with("", discord).await);
    fs::create_dir(home.path("Web Shop")).unwrap();
    let said = run(&home, &arguments).await;
    assert!(said.starts_with("exit 0"), "{said}");
    let calls = home
        .discord
        .look(|world| world.call_count("POST", "/guilds/*/channels"));
    assert_eq!(calls, 1);
    let written = fs::read_to_string(home.path(FILE)).unwrap();
    assert!(written.contains("[projects.\"Web Shop\"]"), "{written}");
    assert!(written.contains("# #web-shop"), "{written}");
}

#[tokio::test]
async fn a_bot_in_no_server_is_invited_and_waited_for() {
    let discord = Discord::start().await;
    let home = prepared(Home::with_nothing(discord).await);
    let said = run(&home, &["init", "--no-wait", "--here", "--project", "one"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(
        said.contains("add the bot to your server with this link"),
        "{said}"
    );
    assert!(said.contains("name the channel of one"), "{said}");
    assert!(home.path("mpg.toml").exists());

    let waiting = command(&home, &["init", "--project", "one"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let asked = |times: usize| {
        home.discord
            .wait_for(move |world| world.call_count("GET", "/users/@me/guilds") > times)
    };
    asked(1).await;
    let guild = home.discord.add_guild("guild");
    let channel = home.discord.add_channel(guild, "one");
    let ended = waiting.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let written = fs::read_to_string(home.path(FILE)).unwrap();
    assert!(written.contains(&channel.to_string()), "{written}");
}

#[tokio::test]
async fn projects_are_added_listed_and_removed_below_comments() {
    let home = Home::new("# mine").await;
    fs::create_dir(home.path("three")).unwrap();
    let guild = home
        .discord
        .look(|world| world.channel(home.one).unwrap().guild.unwrap());
    let three = home.discord.add_channel(guild, "three");
    let before = fs::read_to_string(home.path("mpg.toml")).unwrap();
    assert!(before.contains("# mine"));

    let said = run(&home, &["project", "add", "three"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    let added = fs::read_to_string(home.path("mpg.toml")).unwrap();
    assert!(added.starts_with(&before), "{added}");
    assert!(
        added.contains(&format!("channels = [\"discord:{three}\"] # #three")),
        "{added}"
    );

    let listed = output(&mut command(&home, &["project", "list", "--json"])).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|project| project["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one", "two", "three"]);

    // A channel leads to one project.
    let said = run(&home, &["project", "add", "one=three"]).await;
    assert!(said.contains("there is no free channel three"), "{said}");

    let said = run(&home, &["project", "remove", "three"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    assert_eq!(fs::read_to_string(home.path("mpg.toml")).unwrap(), before);
    let said = run(&home, &["project", "remove", "three"]).await;
    assert!(
        said.contains("there is no project three; there are: one, two"),
        "{said}"
    );

    // The last one stays: a file has at least one.
    run(&home, &["project", "remove", "two"]).await;
    let last = fs::read_to_string(home.path("mpg.toml")).unwrap();
    let said = run(&home, &["project", "remove", "one"]).await;
    assert!(said.starts_with("exit 78"), "{said}");
    assert_eq!(fs::read_to_string(home.path("mpg.toml")).unwrap(), last);
}
