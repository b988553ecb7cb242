//! Native commands of the daemon itself.

use std::fs;

use serde_json::json;

use crate::home::Home;

#[tokio::test]
async fn native_commands_are_declared_and_taken_back_as_the_configuration_says() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let declared = home
        .discord
        .wait_for(|world| !world.commands(None).is_empty());
    declared.await;
    let used = home
        .discord
        .command(home.one, home.ann, "sessions", &json!([]));
    let replied = home.discord.wait_until(|world| {
        let posts = world.bot_messages(home.one);
        Some(posts.first()?.content.clone())
    });
    let text = replied.await;
    assert!(text.starts_with("no session"), "{text}");
    assert_eq!(home.discord.private_replies(used), [""; 0]);
    assert_eq!(daemon.stop().await.code(), Some(0));

    let path = home.path("mpg.toml");
    let config = fs::read_to_string(&path).unwrap();
    let off = config.replacen("[discord]\n", "[discord]\nnative-commands = false\n", 1);
    fs::write(&path, off).unwrap();
    let daemon = home.start().await;
    home.discord
        .wait_for(|world| world.commands(None).is_empty())
        .await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
