//! Side questions, and threads that go on with another one's conversation.

use mpg_core::wording::forks;
use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, Snowflake};

use crate::subject::Server;

/// Says what the session was asked before, and hangs where it is told to.
fn script(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    let asked = |text: &str| {
        let last = text.rsplit("\n\n").next().unwrap_or_default();
        last.to_owned()
    };
    if prompt.text == "hang" {
        return vec![ScriptStep::Hang];
    }
    let earlier: Vec<String> = prompt.earlier.iter().map(|text| asked(text)).collect();
    let said = format!("{} after [{}]", asked(prompt.text), earlier.join(", "));
    vec![ScriptStep::Say(said)]
}

async fn server() -> Server {
    Server::with(Discord::builder(), script).await
}

impl Server {
    async fn thread_from(&self, message: Snowflake) -> Snowflake {
        let discord = &self.discord;
        discord.wait_until(|world| world.thread_of(message)).await
    }

    /// Waits for the post in a channel from which a fork grows.
    async fn fork_in(&self, channel: Snowflake) -> (Snowflake, String) {
        self.discord
            .wait_until(|world| {
                let posts = world.bot_messages(channel);
                let mut forks = posts.iter().filter(|post| post.text().contains("a fork"));
                forks.next().map(|post| (post.id, post.text().to_owned()))
            })
            .await
    }
}

#[tokio::test]
async fn a_side_question_is_answered_while_the_turn_runs() {
    let server = server().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "one");
    assert_eq!(server.answers(message, 1).await, ["one after []"]);
    let thread = server.thread_from(message).await;
    server.discord.say_in_thread(thread, server.ann, "hang");
    let aside = server
        .discord
        .say_in_thread(thread, server.ann, "!btw why?");
    let expected = format!("{}\n\nwhy? after [one]", forks::aside());
    let answer = &server.answers(message, 2).await[1];
    // Whether the turn that runs has begun by then is nobody's to say.
    let known = [expected.clone(), expected.replace("[one]", "[one, hang]")];
    assert!(known.contains(answer), "{answer}");
    server.sign(aside, "✅").await;
    server.discord.say_in_thread(thread, server.ann, "!stop");
    server.answers(message, 3).await;
    server.discord.say_in_thread(thread, server.ann, "two");
    let last = server.answers(message, 4).await[3].clone();
    assert!(last.starts_with("two after [one"), "{last}");
    assert!(
        !last.contains("why?"),
        "it is no part of the conversation: {last}"
    );
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_fork_is_a_thread_that_knows_what_was_said_and_leads_back() {
    let server = server().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "one");
    server.answers(message, 1).await;
    let thread = server.thread_from(message).await;
    server
        .discord
        .say_in_thread(thread, server.ann, "!fork two");
    let (root, text) = server.fork_in(server.one).await;
    assert!(text.contains(&format!("<#{thread}>")), "{text}");
    assert_eq!(server.answers(root, 1).await, ["two after [one]"]);
    gateway.kill().await;

    let gateway = server.gateway().await;
    let fork = server.thread_from(root).await;
    server.discord.say_in_thread(fork, server.ann, "three");
    assert_eq!(server.answers(root, 2).await[1], "three after [one, two]");
    server.discord.say_in_thread(thread, server.ann, "four");
    assert_eq!(server.answers(message, 3).await[2], "four after [one]");
    gateway.stop().await.unwrap();
}
