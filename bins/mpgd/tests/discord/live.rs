//! Running turns, as people see them.

use std::fmt::Write as _;
use std::time::Duration;

use mpg_core::agent::AgentEvent;
use mpg_core::agent::tool::{LineCount, Task, TaskState, ToolKind};
use mpg_core::config::{Limits, Verbosity};
use mpg_core::id::UserId;
use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, Message, RateLimits, Snowflake};

use crate::subject::Server;

/// How many threads are at work at once.
const THREADS: usize = 20;

/// Seven seconds of text.
fn writes(_: Prompt<'_>) -> Vec<ScriptStep> {
    let words = (0..70).flat_map(|number| {
        [
            ScriptStep::Say(format!("word{number} ")),
            ScriptStep::Wait(Duration::from_millis(100)),
        ]
    });
    words.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_threads_at_once_meet_no_limit_of_discord() {
    let builder = Discord::builder().rate_limits(RateLimits::discord());
    let mut server = Server::with(builder, writes).await;
    server.verbosity = Verbosity::Normal;
    server.requests_per_second = 50;
    server.limits = Limits {
        max_concurrent_turns: 20,
        max_warm_sessions: 20,
        ..Limits::default()
    };
    let gateway = server.gateway().await;
    let roots: Vec<_> = (0..THREADS)
        .map(|number| server.say(server.one, &format!("write {number}")))
        .collect();
    for root in roots {
        let ended = server
            .discord
            .wait_until(|world| {
                let thread = world.thread_of(root)?;
                let posts = world.bot_messages(thread);
                let ended = posts.first()?.text().starts_with("✓ done in");
                (posts.len() == 2 && ended).then(|| {
                    let changes = world.call_count("PATCH", &format!("/channels/{thread}/**"));
                    (changes, posts[1].text().to_owned())
                })
            })
            .await;
        let (changes, answer) = ended;
        assert!(answer.ends_with("word69"), "{answer}");
        assert!(changes >= 2, "{changes} changes");
    }
    gateway.stop().await.unwrap();
    let refused = server.discord.look(|world| {
        let calls = world.calls().into_iter();
        let refused = calls.filter(|call| call.status == Some(429));
        refused.map(ToString::to_string).collect::<Vec<_>>()
    });
    assert!(refused.is_empty(), "{refused:#?}");
}

fn report(event: AgentEvent) -> ScriptStep {
    ScriptStep::Report(event)
}

fn start(id: &str, parent: Option<&str>, kind: ToolKind, summary: &str) -> ScriptStep {
    report(AgentEvent::ToolStarted {
        id: id.to_owned(),
        parent: parent.map(ToOwned::to_owned),
        kind,
        name: "Tool".to_owned(),
        summary: summary.to_owned(),
    })
}

fn end(id: &str, is_error: bool, excerpt: &str) -> ScriptStep {
    report(AgentEvent::ToolEnded {
        id: id.to_owned(),
        is_error,
        excerpt: excerpt.to_owned(),
    })
}

#[tokio::test]
async fn a_turn_grows_in_one_message_and_shrinks_to_a_line_above_its_answer() {
    let mut server = Server::with(Discord::builder(), |_| {
        let pause = || ScriptStep::Wait(Duration::from_millis(1_500));
        vec![
            ScriptStep::Say("I look at the list first.".to_owned()),
            report(AgentEvent::TextEnded),
            start("1", None, ToolKind::Reading, "src/list.rs"),
            end("1", false, "fn list()"),
            pause(),
            report(AgentEvent::Tasks(vec![Task {
                text: "sort it".to_owned(),
                state: TaskState::Active,
            }])),
            start("2", None, ToolKind::SubAgent, "review the list"),
            start(
                "3",
                Some("2"),
                ToolKind::Editing(LineCount {
                    added: 4,
                    removed: 1,
                }),
                "src/list.rs",
            ),
            pause(),
            ScriptStep::Say("It is sorted.".to_owned()),
        ]
    })
    .await;
    server.verbosity = Verbosity::Normal;
    let gateway = server.gateway().await;
    let root = server.say(server.one, "sort the list");
    let message: Message = server
        .discord
        .wait_until(|world| {
            let posts = world.bot_messages(world.thread_of(root)?);
            let first = (*posts.first()?).clone();
            (posts.len() == 2 && first.text().starts_with('✓')).then_some(first)
        })
        .await;
    server.sign(root, "✅").await;
    gateway.stop().await.unwrap();
    let mut shown = String::new();
    for text in message
        .earlier
        .iter()
        .map(String::as_str)
        .chain([message.text()])
    {
        // How long it took is the machine's.
        let text = text.replace(|c: char| c.is_ascii_digit(), "0");
        writeln!(shown, "---\n{text}").unwrap();
    }
    for part in [
        "✓ read `src/list.rs`",
        "▣ **sort it**",
        "sub-agent: review the list",
        "+0 −0",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(message.notified.is_empty());
}

/// What an interaction is answered with, for one person.
async fn told(server: &Server, pressed: Snowflake) -> String {
    server
        .discord
        .wait_until(|world| {
            let texts = world.interaction(pressed)?.private_texts();
            texts.first().map(|text| (*text).to_owned())
        })
        .await
}

/// The message that the turn of `root` is shown in, once it is there.
async fn shown(server: &Server, root: Snowflake) -> (Snowflake, Snowflake) {
    server
        .discord
        .wait_until(|world| {
            let thread = world.thread_of(root)?;
            let message = world.bot_messages(thread).first()?.id;
            Some((thread, message))
        })
        .await
}

#[tokio::test]
async fn the_button_of_a_running_turn_stops_it_once_and_for_nobody_else() {
    let mut server = Server::with(Discord::builder(), |_| vec![ScriptStep::Hang]).await;
    server.verbosity = Verbosity::Normal;
    server.adjust = |server, project| {
        project.access.users = [UserId::new(server.ann.to_string())].into();
    };
    let gateway = server.gateway().await;
    let root = server.say(server.one, "work");
    let (_, message) = shown(&server, root).await;
    let mallory = server.discord.add_user("mallory");
    let strangers = server.discord.press_labelled(message, mallory, "Stop");
    let refused = told(&server, strangers).await;
    assert_eq!(refused, "you are not allowed to use this project");
    let stop = server.discord.look(|world| {
        let shown = world.message(message)?;
        let button = &shown.components[0]["components"][0];
        button["custom_id"].as_str().map(ToOwned::to_owned)
    });
    let stop = stop.expect("it has a button");
    let pressed = server.discord.press(message, server.ann, &stop);
    let again = server.discord.press(message, server.ann, &stop);
    assert!(told(&server, pressed).await.contains("stopp"));
    assert!(told(&server, again).await.contains("no longer open"));
    server.sign(root, "⏹️").await;
    let ended = |text: &str| text.starts_with("◼ stopped after");
    server
        .discord
        .wait_for(|world| world.message(message).is_some_and(|it| ended(it.text())))
        .await;
    let late = server.discord.press(message, server.ann, &stop);
    assert!(told(&server, late).await.contains("no longer open"));
    gateway.stop().await.unwrap();
    let buttons = server
        .discord
        .look(|world| Some(world.message(message)?.components.clone()));
    assert!(buttons.is_some_and(|buttons| buttons.is_empty()));
}

#[tokio::test]
async fn a_thread_that_is_deleted_while_its_turn_is_shown_harms_nobody() {
    let mut server = Server::with(Discord::builder(), writes).await;
    server.verbosity = Verbosity::Normal;
    let gateway = server.gateway().await;
    let root = server.say(server.one, "write");
    let (thread, message) = shown(&server, root).await;
    let other = server.say(server.one, "write, too");
    shown(&server, other).await;
    let stop = server.discord.look(|world| {
        let shown = world.message(message)?;
        let button = &shown.components[0]["components"][0];
        button["custom_id"].as_str().map(ToOwned::to_owned)
    });
    let pressed = server
        .discord
        .press(message, server.ann, &stop.expect("it has a button"));
    server.discord.delete_thread(thread);
    // The other one goes on to its end, and what comes after both is answered.
    assert!(server.answers(other, 2).await[1].ends_with("word69"));
    let third = server.say(server.one, "and once more");
    assert!(server.answers(third, 2).await[1].ends_with("word69"));
    let heard = server.discord.look(|world| {
        world
            .interaction(pressed)
            .is_some_and(|it| it.answer.is_some())
    });
    assert!(heard, "who pressed a button of what is gone is answered");
    gateway.stop().await.unwrap();
}
