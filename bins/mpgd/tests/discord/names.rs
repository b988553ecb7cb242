//! Agents with names on Discord: their posts are embeds, which are found again and come once.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::AgentSpec;
use mpg_core::config::NamedAgent;
use mpg_core::id::AgentName;
use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, Fault, Snowflake};

use crate::subject::{Server, script};

/// How posts are asked for.
const POSTS: &str = "/channels/*/messages";

fn agent(role: &str) -> Arc<NamedAgent> {
    Arc::new(NamedAgent {
        role: role.to_owned(),
        color: None,
        agent: Arc::new(AgentSpec::default()),
        timeout: Duration::from_mins(3),
        budget: None,
    })
}

/// A server whose projects have an agent, and which remembers no nonce: what is posted twice is
/// there twice.
async fn forgetful() -> Server {
    let builder = Discord::builder().nonce_window(Duration::ZERO);
    let mut server = Server::with(builder, script).await;
    server.adjust = |_, project| {
        project.answer_as_file = 0;
        project.agents.insert(AgentName::new("pm"), agent("plans"));
    };
    server
}

impl Server {
    /// What stands in the thread of a message: the name above each post, and its text.
    async fn named(&self, message: Snowflake, count: usize) -> Vec<(Option<String>, String)> {
        self.discord
            .wait_until(|world| {
                let posts = world.bot_messages(world.thread_of(message)?);
                let named = posts.iter().map(|post| {
                    let name = post.embed_author().map(str::to_owned);
                    (name, post.text().to_owned())
                });
                (posts.len() >= count).then(|| named.collect())
            })
            .await
    }
}

fn of_pm(text: &str) -> (Option<String>, String) {
    (Some("plans".to_owned()), text.to_owned())
}

#[tokio::test]
async fn an_embed_whose_answer_was_lost_is_found_after_a_restart() {
    // The first post of an answer, or one in the middle.
    for before in [0, 1] {
        let mut server = forgetful().await;
        let gateway = server.gateway().await;
        let quick = Fault::Delay(Duration::ZERO);
        server.discord.fault("POST", POSTS, quick, before);
        server.discord.fault("POST", POSTS, Fault::HoldAnswer, 1);
        let message = server.say(server.one, "@pm long");
        server
            .discord
            .wait_for(|world| world.held_count() == 1)
            .await;
        gateway.kill().await;
        // Longer than Discord knows a nonce: only the history tells.
        server.ahead = Duration::from_hours(1);
        let gateway = server.gateway().await;
        let thread = server.discord.thread_of(message).unwrap();
        server.discord.say_in_thread(thread, server.ann, "say last");
        server
            .discord
            .wait_for(|world| {
                let posts = world.bot_messages(thread);
                posts.last().is_some_and(|post| post.text() == "last")
            })
            .await;
        gateway.stop().await.unwrap();
        let posts = server.named(message, 2).await;
        assert!(
            posts
                .iter()
                .all(|(name, _)| name.as_deref() == Some("plans"))
        );
        let mut texts: Vec<&str> = posts.iter().map(|(_, text)| text.as_str()).collect();
        assert!(texts.len() > 4, "{}", texts.len());
        texts.sort_unstable();
        let all = texts.len();
        texts.dedup();
        assert_eq!(texts.len(), all, "nothing stands there twice");
    }
}

#[tokio::test]
async fn an_embed_is_known_by_its_echo() {
    let server = forgetful().await;
    let gateway = server.gateway().await;
    server.discord.fault("POST", POSTS, Fault::HoldAnswer, 1);
    let message = server.say(server.one, "@pm say planned");
    assert_eq!(server.named(message, 1).await, [of_pm("planned")]);
    // Behind the echo.
    let other = server.say(server.two, "@pm say more");
    assert_eq!(server.named(other, 1).await, [of_pm("more")]);
    gateway.kill().await;
    let posted = server.discord.call_count("POST", POSTS);
    let gateway = server.gateway().await;
    let thread = server.discord.thread_of(message).unwrap();
    server.discord.say_in_thread(thread, server.ann, "say last");
    assert_eq!(
        server.named(message, 2).await,
        [of_pm("planned"), of_pm("last")]
    );
    gateway.stop().await.unwrap();
    assert_eq!(server.discord.call_count("POST", POSTS), posted + 1);
}

#[tokio::test]
async fn where_embeds_are_refused_the_name_stands_in_the_text() {
    let server = forgetful().await;
    let gateway = server.gateway().await;
    let refused = Fault::Error {
        status: 403,
        code: 50_013,
    };
    server.discord.fault("POST", POSTS, refused, 1);
    let message = server.say(server.one, "@pm say planned");
    let posts = server.named(message, 1).await;
    let [(None, text)] = posts.as_slice() else {
        panic!("{posts:?}");
    };
    assert!(
        text.contains("plans") && text.ends_with("\nplanned"),
        "{text}"
    );
    gateway.stop().await.unwrap();
    assert_eq!(server.named(message, 1).await.len(), 1);
}

/// An agent that names another one, and one that says what it was asked.
fn named(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    let plans = prompt.text.contains("plan the search");
    let answer = if plans && !prompt.text.contains("you were named here") {
        "By prefix, which @qa will like.".to_owned()
    } else {
        format!("asked: {}", prompt.text)
    };
    vec![ScriptStep::Say(answer)]
}

#[tokio::test]
async fn an_agent_that_was_only_named_is_asked_with_its_button() {
    let mut server = Server::with(Discord::builder(), named).await;
    server.adjust = |_, project| {
        project.agents.insert(AgentName::new("pm"), agent("plans"));
        project.agents.insert(AgentName::new("qa"), agent("tests"));
    };
    let gateway = server.gateway().await;
    let message = server.say(server.one, "@pm plan the search");
    server
        .says(
            message,
            "`@qa` is named but not asked; to ask, write `@qa` and a task",
        )
        .await;
    let offer = server.discord.look(|world| {
        let posts = world.bot_messages(world.thread_of(message).unwrap());
        let mut posts = posts.into_iter();
        let offer = posts.find(|post| post.text().contains("is named but not asked"));
        offer.unwrap().id
    });
    // The gateway that made the offer need not be the one that hears of it.
    gateway.kill().await;
    let gateway = server.gateway().await;
    server.press_for(offer, "Ask qa");
    let posts = server.named(message, 4).await;
    assert_eq!(
        posts[2].1,
        "`ann`: !ask qa you were named here: go on with what is yours to do"
    );
    assert_eq!(posts[3].0.as_deref(), Some("tests"));
    let asked = &posts[3].1;
    assert!(asked.contains("By prefix, which @qa will like."), "{asked}");
    assert!(asked.contains("you were named here"), "{asked}");
    gateway.stop().await.unwrap();
}
