//! Direct messages: they lead nowhere, unless their conversation is mapped.

use mpg_testkit::discord::Snowflake;

use crate::subject::Server;

const REFUSAL: &str = "direct messages lead nowhere: write in a channel that belongs to a project";

impl Server {
    async fn posts(&self, place: Snowflake, count: usize) -> Vec<String> {
        self.discord
            .wait_for(|world| world.bot_messages(place).len() >= count)
            .await;
        self.discord.bot_texts(place)
    }
}

#[tokio::test]
async fn a_direct_message_is_refused_and_starts_nothing() {
    let server = Server::start().await;
    let direct = server.discord.add_direct(server.ann);
    let gateway = server.gateway().await;
    for text in ["say hello", "!sessions", "@pm plan it"] {
        server.say(direct, text);
    }
    assert_eq!(server.posts(direct, 1).await, [REFUSAL]);
    // Somebody else is told too, once.
    let bob = server.discord.add_user("bob");
    let of_bob = server.discord.add_direct(bob);
    server.discord.say(of_bob, bob, "say hello");
    assert_eq!(server.posts(of_bob, 1).await, [REFUSAL]);
    let last = server.say(server.one, "say last");
    assert_eq!(server.answers(last, 1).await, ["last"]);
    gateway.stop().await.unwrap();
    assert_eq!(server.posts(direct, 1).await, [REFUSAL]);
    assert_eq!(server.posts(of_bob, 1).await, [REFUSAL]);
}

#[tokio::test]
async fn what_was_said_directly_while_nobody_listened_is_no_task() {
    let server = Server::start().await;
    let direct = server.discord.add_direct(server.ann);
    let gateway = server.gateway().await;
    server.say(direct, "say before");
    assert_eq!(server.posts(direct, 1).await, [REFUSAL]);
    gateway.stop().await.unwrap();
    server.say(direct, "say meanwhile");
    let gateway = server.gateway().await;
    let last = server.say(server.one, "say last");
    assert_eq!(server.answers(last, 1).await, ["last"]);
    gateway.stop().await.unwrap();
    // The hour in which nothing is said again does not outlive the process.
    assert_eq!(server.posts(direct, 2).await, [REFUSAL; 2]);
}

#[tokio::test]
async fn a_direct_conversation_that_is_mapped_is_a_projects_channel() {
    let mut server = Server::start().await;
    server.two = server.discord.add_direct(server.ann);
    let gateway = server.gateway().await;
    server.say(server.two, "remember 7");
    let first = server.posts(server.two, 1).await;
    assert!(first.contains(&"re: remember 7".to_owned()), "{first:?}");
    gateway.stop().await.unwrap();
    let before = server.discord.bot_texts(server.two).len();
    server.say(server.two, "recall");
    let gateway = server.gateway().await;
    let texts = server.posts(server.two, before + 1).await;
    assert_eq!(
        texts.last().map(String::as_str),
        Some("remember 7"),
        "{texts:?}"
    );
    gateway.stop().await.unwrap();
    assert!(
        !server
            .discord
            .bot_texts(server.two)
            .contains(&REFUSAL.to_owned())
    );
}
