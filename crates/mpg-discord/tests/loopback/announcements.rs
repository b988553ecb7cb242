//! What announces a reply to a command does not stay where the reply comes as something else.

use std::time::Duration;

use mpg_core::post::PostKind;
use mpg_testkit::discord::Snowflake;
use serde_json::json;

use crate::interactions::{start, to};
use crate::subject::{Subject, place};

/// How long Discord takes a token, less what a request needs.
const NEARLY_A_TOKENS_LIFE: Duration = Duration::from_mins(14);

impl Subject {
    /// Uses a command, and waits until its reply is announced.
    async fn announced(&mut self) -> Snowflake {
        let used = self
            .discord
            .command(self.channel, self.person, "kill", &json!([]));
        self.interaction().await;
        self.discord
            .wait_for(|world| announcements(world, used) == 1)
            .await;
        used
    }
}

/// How many messages announce the reply to an interaction.
fn announcements(world: &mpg_testkit::discord::World, used: Snowflake) -> usize {
    let reply = world.interaction(used).and_then(|used| used.reply);
    let message = reply.and_then(|reply| world.message(reply));
    message
        .iter()
        .filter(|message| message.is_awaited())
        .count()
}

#[tokio::test]
async fn a_reply_after_a_restart_leaves_no_announcement() {
    let mut subject = start().await;
    let used = subject.announced().await;
    let other = subject.announced().await;
    let mut subject = subject.stop().await.restart(None).await;
    subject.link().await;
    let reply = to(used, 1, PostKind::Reply, "ended");
    let outbox = subject.outbox();
    outbox.post(&place(subject.channel), &reply).await.unwrap();
    let left = |used| subject.discord.look(|world| announcements(world, used));
    assert_eq!((left(used), left(other)), (0, 1));
    assert_eq!(subject.discord.bot_texts(subject.channel), ["ended"]);
    // What was said to somebody's message is looked for nowhere.
    let said = to(subject.say("!help"), 2, PostKind::Reply, "help");
    let before = subject.discord.call_count("GET", "/channels/*/messages");
    outbox.post(&place(subject.channel), &said).await.unwrap();
    let after = subject.discord.call_count("GET", "/channels/*/messages");
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_reply_whose_token_is_dead_leaves_no_announcement() {
    let mut subject = start().await;
    let used = subject.announced().await;
    subject.discord.expire_interactions();
    let reply = to(used, 1, PostKind::Reply, "late");
    let outbox = subject.outbox();
    outbox.post(&place(subject.channel), &reply).await.unwrap();
    let left = subject.discord.look(|world| announcements(world, used));
    assert_eq!(left, 0);
    assert_eq!(subject.discord.bot_texts(subject.channel), ["late"]);
}

#[tokio::test]
async fn an_announcement_is_taken_back_before_its_token_ends() {
    let mut subject = start().await;
    let answered = subject.announced().await;
    let used = subject.announced().await;
    let outbox = subject.outbox();
    let channel = place(subject.channel);
    let reply = to(answered, 1, PostKind::Reply, "at once");
    outbox.post(&channel, &reply).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(NEARLY_A_TOKENS_LIFE).await;
    tokio::time::resume();
    subject
        .discord
        .wait_for(|world| announcements(world, used) == 0)
        .await;
    // The reply itself is a post, whenever it comes.
    let reply = to(used, 2, PostKind::Reply, "late");
    outbox.post(&channel, &reply).await.unwrap();
    let texts = subject.discord.bot_texts(subject.channel);
    assert_eq!(texts, ["at once", "late"]);
}
