//! Look-ups that cannot succeed: the messages behind them get through.

use std::time::Duration;

use mpg_core::message::Link;
use mpg_testkit::discord::{Fault, Snowflake};

use crate::subject::{Subject, place, thread};

/// How long a look-up may take here.
const LIMIT: Duration = Duration::from_secs(2);

/// Enough for every request of a test.
const ALWAYS: u32 = 100_000;

/// An adapter that knows its place in the stream and nothing else, and a thread of the mapped
/// channel. The person has the role `dev`. Requests for the paths are answered with the status.
async fn without_knowledge(status: u16, paths: &[&str]) -> (Subject, Snowflake) {
    let mut subject = Subject::start().await;
    let role = subject.discord.add_role(subject.guild, "dev");
    subject
        .discord
        .give_role(subject.guild, subject.person, role);
    let root = subject.say("root");
    subject.message().await;
    let opened = subject.discord.open_thread(root, subject.person, "thread");
    subject.say("last");
    let (_, position) = subject.message().await;
    let stopped = subject.stop().await;
    for path in paths {
        stopped
            .discord
            .fault("GET", path, Fault::Status(status), ALWAYS);
    }
    let mut subject = stopped
        .restart_with(Some(position), |settings| settings.look_up_limit = LIMIT)
        .await;
    assert_eq!(subject.link().await, Link::Resumed);
    (subject, opened)
}

/// An outage, and a path that a proxy does not have.
const STATUSES: [u16; 2] = [503, 404];

#[tokio::test]
async fn messages_get_through_while_nothing_can_be_looked_up() {
    for status in STATUSES {
        let paths = ["/channels/*", "/guilds/**"];
        let (mut subject, opened) = without_knowledge(status, &paths).await;
        for number in 0..20 {
            subject
                .discord
                .say_in_thread(opened, subject.person, &format!("inside {number}"));
            subject.say(&format!("outside {number}"));
        }
        for number in 0..20 {
            let (inside, _) = subject.message().await;
            assert_eq!(inside.text, format!("inside {number}"));
            let (outside, _) = subject.message().await;
            assert_eq!(outside.text, format!("outside {number}"));
            assert_eq!(outside.place, place(subject.channel));
            assert_eq!(outside.author.roles.len(), 1);
            assert_eq!(outside.author.roles[0].name, None);
        }
    }
}

#[tokio::test]
async fn a_place_that_was_given_up_is_asked_for_again() {
    for status in STATUSES {
        let (mut subject, opened) = without_knowledge(status, &["/channels/*"]).await;
        subject
            .discord
            .say_in_thread(opened, subject.person, "first");
        let (first, _) = subject.message().await;
        assert_eq!(first.place, place(opened), "{status}");
        subject.discord.clear_faults();
        subject
            .discord
            .say_in_thread(opened, subject.person, "second");
        let (second, _) = subject.message().await;
        assert_eq!(second.place, thread(subject.channel, opened), "{status}");
        assert_eq!(second.author.roles[0].name.as_deref(), Some("dev"));
    }
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let (mut subject, opened) = without_knowledge(503, &[]).await;
    subject
        .discord
        .fault("GET", "/channels/*", Fault::Status(503), 1);
    subject
        .discord
        .say_in_thread(opened, subject.person, "first");
    let (first, _) = subject.message().await;
    assert_eq!(first.place, thread(subject.channel, opened));
}

#[tokio::test]
async fn roles_that_were_given_up_are_asked_for_again() {
    for status in STATUSES {
        let (mut subject, _) = without_knowledge(status, &["/guilds/**"]).await;
        subject.say("first");
        let (first, _) = subject.message().await;
        assert_eq!(first.author.roles.len(), 1);
        assert_eq!(first.author.roles[0].name, None, "{status}");
        subject.discord.clear_faults();
        subject.say("second");
        let (second, _) = subject.message().await;
        assert_eq!(
            second.author.roles[0].name.as_deref(),
            Some("dev"),
            "{status}"
        );
    }
}
