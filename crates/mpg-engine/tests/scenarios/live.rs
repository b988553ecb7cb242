//! What is shown of a turn while it runs.

use mpg_core::agent::AgentEvent;
use mpg_core::agent::tool::ToolKind;
use mpg_core::capability::{Capabilities, FileLimits};
use mpg_core::config::Verbosity;
use mpg_core::port::DeliveryError;
use mpg_engine::{ScriptStep, ScriptedRuntime};
use mpg_testkit::fake::{FakePlatform, Fault, Happening, Verb, World};

use crate::stage::{Stage, say, script, wait, with_live_text};

#[tokio::test(start_paused = true)]
async fn live_text_grows_in_order_and_stands_before_the_answer() {
    let chat = FakePlatform::with(with_live_text());
    let stage = Stage::on(
        chat,
        script(|_, _| {
            vec![
                say("one "),
                wait(1),
                say("two "),
                wait(3),
                ScriptStep::Tool("Read".to_owned()),
                say("three "),
                wait(3),
                say("four"),
            ]
        }),
    );
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "count");
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

/// A turn that thinks, writes, and uses a tool that gives something.
fn with_a_step() -> ScriptedRuntime {
    script(|_, _| {
        vec![
            ScriptStep::Report(AgentEvent::Thinking {
                delta: "where is it".to_owned(),
            }),
            say("I look. "),
            ScriptStep::Report(AgentEvent::ToolStarted {
                id: "1".to_owned(),
                parent: None,
                kind: ToolKind::Reading,
                name: "Read".to_owned(),
                summary: "a.rs".to_owned(),
            }),
            wait(3),
            ScriptStep::Report(AgentEvent::ToolEnded {
                id: "1".to_owned(),
                is_error: false,
                excerpt: "fn a() {}".to_owned(),
            }),
            wait(3),
            say("There."),
        ]
    })
}

/// What a channel that appends is shown of it, and the files that are posted.
async fn shown(verbosity: Verbosity) -> String {
    let can = Capabilities {
        files: Some(FileLimits {
            count: 1,
            size: 100_000,
        }),
        ..with_live_text()
    };
    let mut stage = Stage::on(FakePlatform::with(can), with_a_step());
    stage.verbosity = verbosity;
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "find it");
    stage.posts(1).await;
    engine.drain().await;
    format!("--- {}\n{}", verbosity.name(), stage.chat.transcript())
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_appends_shows_what_steps_came_to_as_much_as_is_wanted() {
    let mut all = String::new();
    for verbosity in Verbosity::ALL {
        all += &shown(verbosity).await;
    }
    insta::assert_snapshot!(all);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_goes_on_while_no_gateway_listens_is_shown_without_a_time() {
    let runtime = with_a_step().surviving();
    let stage = Stage::on(FakePlatform::with(with_live_text()), runtime);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "find it");
    let reads = |world: &World| {
        let mut entries = world.entries().iter();
        entries.any(|entry| {
            matches!(&entry.happening, Happening::Live { frame, .. } if frame.activity.is_some())
        })
    };
    stage.chat.wait_until(reads).await;
    engine.abort().await;
    let engine = stage.start().await;
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_fails_or_hangs_does_not_stop_the_answer() {
    let stage = Stage::on(
        FakePlatform::with(with_live_text()),
        script(|_, _| vec![say("one "), wait(5), say("two "), wait(5), say("three")]),
    );
    let retry_after = None;
    stage
        .chat
        .fault(Verb::Show, Fault::Transient { retry_after });
    stage.chat.fault(Verb::Show, Fault::Hang);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "count");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["one two three"]);
}

#[tokio::test(start_paused = true)]
async fn typing_is_shown_and_renewed() {
    let stage = Stage::new(script(|_, _| vec![wait(20), say("done")]));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "take your time");
    stage.posts(1).await;
    engine.drain().await;
    let typing: Vec<u64> = stage.chat.look(|world| {
        let entries = world.entries().iter();
        entries
            .filter(|entry| matches!(entry.happening, Happening::Typing(_)))
            .map(|entry| entry.at.as_secs())
            .collect()
    });
    assert_eq!(typing, [0, 8, 16]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_without_live_text_is_shown_none() {
    let stage = Stage::new(script(|_, _| vec![say("one"), wait(10)]));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "count");
    stage.posts(1).await;
    engine.drain().await;
    let outbox = stage.chat.connect().outbox;
    let frame = mpg_core::port::LiveFrame {
        turn: mpg_core::id::TurnId::from_uuid(uuid::Uuid::nil()),
        text: String::new(),
        lines: Vec::new(),
        activity: None,
        persona: None,
    };
    let refused = outbox.show(&stage.general, &frame).await;
    assert!(matches!(refused, Err(DeliveryError::Unsupported)));
    let shown = stage.chat.look(|world| {
        let mut entries = world.entries().iter();
        entries.any(|entry| matches!(entry.happening, Happening::Live { .. }))
    });
    assert!(!shown);
}
