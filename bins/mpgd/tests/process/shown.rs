//! What people are shown of a turn of the real `claude`, and what is left of it.

use serde_json::json;

use crate::files::posted;
use crate::home::Home;

#[tokio::test]
async fn steps_are_shown_while_they_run_and_what_they_gave_follows_as_a_file() {
    let home = Home::new("allowed-tools = [\"Bash\", \"Read\"]").await;
    home.configure("verbosity = \"quiet\"", "verbosity = \"full\"");
    let daemon = home.start().await;
    std::fs::write(home.path("one/notes.md"), "bring milk\n").unwrap();
    let read = json!({ "file_path": home.path("one/notes.md") });
    let gate = "echo begun; until [ -e go ]; do sleep 0.05; done; echo passed";
    let wait = json!({ "command": gate, "description": "a command" });
    let fail = json!({ "command": "echo no such thing; exit 3", "description": "a command" });
    let prompt = format!("TOOL:Read:{read}\nTOOL:Bash:{wait}\nTOOL:Bash:{fail}\nSAY:there it is");
    let message = home.say(home.one, &prompt);
    let shown = home.asked(message, "running `echo begun").await;
    let text = home.discord.look(|world| {
        let thread = world.thread_of(message).unwrap();
        let mut posts = world.bot_messages(thread).into_iter();
        let post = posts.find(|post| post.id == shown);
        post.unwrap().text().to_owned()
    });
    assert!(text.contains("✓ read `notes.md`"), "{text}");
    assert!(text.contains("bring milk"), "{text}");
    std::fs::write(home.path("one/go"), "").unwrap();
    home.says(message, "there it is").await;
    home.says(message, "✓ done in").await;
    home.says(message, "what the steps gave is in `steps.md`")
        .await;
    let files = posted(&home, message);
    let [(name, document)] = files.as_slice() else {
        panic!("{files:?}");
    };
    assert_eq!(name, "steps.md");
    let document = String::from_utf8(document.clone()).unwrap();
    let order = [
        "## ✓ read `notes.md`",
        "bring milk",
        "## ✓ ran `echo begun",
        "begun\npassed\n```",
        "## ✗ ran `echo no such thing",
        "no such thing",
    ];
    let mut rest = document.as_str();
    for part in order {
        let Some((_, behind)) = rest.split_once(part) else {
            panic!("no {part:?} in its place: {document}");
        };
        rest = behind;
    }
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
