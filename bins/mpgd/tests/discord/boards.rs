//! The message of a channel that tells what its threads do.

use std::time::Duration;

use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, Permission, Snowflake, World};

use crate::subject::Server;

/// Four seconds of work.
fn works(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    vec![
        ScriptStep::Wait(Duration::from_secs(4)),
        ScriptStep::Say(format!("re: {}", prompt.text)),
    ]
}

/// The bot's messages in the channel.
fn messages(server: &Server) -> Vec<(Snowflake, String)> {
    server.discord.look(|world| {
        let posts = world.bot_messages(server.one).into_iter();
        posts
            .map(|post| (post.id, post.text().to_owned()))
            .collect()
    })
}

async fn says(server: &Server, text: &str) -> String {
    server
        .discord
        .wait_until(|world| {
            let posts = world.bot_messages(server.one);
            let said = posts.first()?.text();
            said.contains(text).then(|| said.to_owned())
        })
        .await
}

#[tokio::test]
async fn a_channel_has_one_pinned_message_that_leads_to_its_threads_and_outlives_the_gateway() {
    let mut server = Server::with(Discord::builder(), works).await;
    server.status_message = true;
    let gateway = server.gateway().await;
    let root = server.say(server.one, "one");
    let said = says(&server, "at work · <t:").await;
    assert!(
        said.contains(&format!("⏳ <#{root}> · at work · <t:")),
        "{said}"
    );
    let (message, _) = messages(&server)[0].clone();
    let pinned = |server: &Server| {
        let look = |world: &World| world.channel(server.one).map(|found| found.pinned.clone());
        server.discord.look(look)
    };
    assert_eq!(pinned(&server), Some(vec![message]));
    gateway.kill().await;
    let gateway = server.gateway().await;
    let said = says(&server, "nothing runs").await;
    assert!(
        said.contains(&format!("💤 <#{root}> · idle · <t:")),
        "{said}"
    );
    server.say(server.one, "two");
    says(&server, "at work").await;
    gateway.stop().await.unwrap();
    let all = messages(&server);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].1.contains("nothing runs"), "{all:?}");
    assert_eq!(pinned(&server), Some(vec![message]));
    let calls = server
        .discord
        .call_count("PUT", "/channels/*/messages/pins/*");
    assert_eq!(calls, 1, "it is pinned once");
}

#[tokio::test]
async fn where_nothing_may_be_pinned_the_message_is_there_all_the_same() {
    let mut server = Server::with(Discord::builder(), works).await;
    server.status_message = true;
    server
        .discord
        .deny_permission(server.one, Permission::PinMessages);
    let gateway = server.gateway().await;
    server.say(server.one, "one");
    says(&server, "at work").await;
    says(&server, "nothing runs").await;
    gateway.stop().await.unwrap();
    assert_eq!(messages(&server).len(), 1);
}
