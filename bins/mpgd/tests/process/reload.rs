//! A changed configuration is taken up while the gateway runs; what it wrote down is shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mpg_testkit::discord::Snowflake;

use crate::home::{Home, output, shown};

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

/// Makes a channel and the directory of a project for it.
fn third(home: &Home) -> (Snowflake, String) {
    let guild = home
        .discord
        .look(|world| world.channel(home.one).unwrap().guild.unwrap());
    let channel = home.discord.add_channel(guild, "three");
    fs::create_dir(home.path("three")).unwrap();
    let project =
        format!("[projects.three]\ndirectory = \"~/three\"\nchannels = [\"discord:{channel}\"]\n");
    (channel, project)
}

fn write(home: &Home, text: &str) {
    // As a whole, so that no half of it is ever read.
    fs::write(home.path("new.toml"), text).unwrap();
    fs::rename(home.path("new.toml"), home.path("mpg.toml")).unwrap();
}

#[tokio::test]
async fn a_command_takes_up_what_is_in_order_and_nothing_else() {
    let home = Home::new("").await;
    let down = run(&home, &["reload"]).await;
    assert!(down.contains("no gateway is running"), "{down}");

    let daemon = home.start().await;
    let (three, project) = third(&home);
    let before = fs::read_to_string(home.path("mpg.toml")).unwrap();
    // A turn that was accepted before goes on as it began.
    let running = home.say(home.one, "HOLD:it\nSAY:to the end");

    write(&home, &format!("{before}\n[projects.three]\ncolour = 1\n"));
    let refused = run(&home, &["reload"]).await;
    assert!(refused.starts_with("exit 78\n"), "{refused}");
    assert!(refused.contains("colour"), "{refused}");

    let slower = format!("[gateway]\ndrain-limit = \"31s\"\n{before}{project}");
    write(&home, &slower);
    let said = run(&home, &["reload"]).await;
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("`drain-limit` takes effect at the next start"),
        "{said}"
    );
    let message = home.say(three, "SAY:hello from three");
    assert!(home.answers(message, 1).await[0].contains("hello from three"));
    home.api.release("it");
    assert!(home.answers(running, 1).await[0].contains("to the end"));

    write(&home, &before);
    let said = run(&home, &["reload"]).await;
    assert!(said.contains("three is gone"), "{said}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_changed_file_is_seen_and_a_signal_obeyed() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let (three, project) = third(&home);
    let before = fs::read_to_string(home.path("mpg.toml")).unwrap();
    write(&home, &format!("{before}{project}"));
    home.logged("three is new").await;
    let message = home.say(three, "SAY:seen by itself");
    assert!(home.answers(message, 1).await[0].contains("seen by itself"));

    daemon.signal("HUP");
    home.logged("SIGHUP").await;
    write(&home, "no configuration");
    home.logged("the one before stays").await;
    let message = home.say(three, "SAY:still there");
    assert!(home.answers(message, 1).await[0].contains("still there"));
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test]
async fn what_was_written_down_is_shown() {
    let home = Home::new("").await;
    let none = run(&home, &["logs"]).await;
    assert!(none.contains("there is no log"), "{none}");
    home.start().await.stop().await;
    let file = home.state().join("log/mpgd.log");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let all = run(&home, &["logs"]).await;
    assert!(all.contains("INFO  starting configuration="), "{all}");
    assert!(all.contains("INFO  stopped"), "{all}");
    assert!(!all.contains(home.discord.token()), "{all}");
    let last = run(&home, &["logs", "-n", "1", "--json"]).await;
    assert_eq!(last.matches("\"level\"").count(), 1, "{last}");
    let errors = run(&home, &["logs", "--level", "error"]).await;
    assert!(!errors.contains("stopped"), "{errors}");
    let nowhere = run(&home, &["logs", "--project", "four"]).await;
    assert!(nowhere.contains("there is no project four"), "{nowhere}");
}
