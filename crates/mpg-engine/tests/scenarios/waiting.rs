//! Turns that are limited, silent, cut off or left, and go on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use mpg_core::agent::tool::ToolKind;
use mpg_core::agent::{AgentEvent, Seq, TurnReport, Usage};
use mpg_core::config::{OnInterrupted, Patience};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, Submission,
    Submitted,
};
use mpg_core::request::Answer;
use mpg_engine::ScriptStep;
use mpg_testkit::fake::World;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::stage::{Stage, say, script, wait};

const PATIENCE: Patience = Patience {
    notice: Duration::from_secs(30),
    limit: Duration::from_mins(5),
};

fn patient(runtime: impl AgentRuntime + 'static) -> Stage {
    let mut stage = Stage::new(runtime);
    stage.patience = PATIENCE;
    stage.turn_timeout = Duration::from_hours(2);
    stage
}

fn limit_of_an_hour() -> ScriptStep {
    let origin = Timestamp::from_second(1_000_000).expect("a time of 1970");
    ScriptStep::Limit(origin.checked_add(SignedDuration::from_hours(1)).ok())
}

#[tokio::test(start_paused = true)]
async fn a_usage_limit_ends_by_itself_and_others_go_on_meanwhile() {
    let mut stage = patient(script(|text, earlier| match (text, earlier) {
        ("work", 0) => vec![wait(1), limit_of_an_hour()],
        (text, _) => vec![say(text)],
    }));
    stage.slots = 1;
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    posts(&stage, 1).await;
    stage
        .chat
        .say(&stage.chat.thread_of(&first), "ann", "behind it");
    stage.chat.say(&stage.general, "ann", "elsewhere");
    posts(&stage, 4).await;
    engine.drain().await;
    insta::assert_snapshot!(without_typing(&stage));
}

#[tokio::test(start_paused = true)]
async fn a_usage_limit_outlives_the_gateway() {
    let stage = patient(script(|_, earlier| match earlier {
        0 => vec![ScriptStep::Limit(None)],
        _ => vec![say("done")],
    }));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    posts(&stage, 1).await;
    engine.drain().await;
    let engine = stage.start().await;
    posts(&stage, 2).await;
    engine.drain().await;
    assert_eq!(
        stage.texts()[1],
        "*(resumed after an interruption)*\n\ndone"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_told_of_and_goes_on_after_an_interrupt() {
    let stage = patient(script(|_, earlier| match earlier {
        0 => vec![say("so far"), wait(40), say(" and on"), ScriptStep::Hang],
        _ => vec![say("done")],
    }));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    posts(&stage, 4).await;
    engine.drain().await;
    insta::assert_snapshot!(without_typing(&stage));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_no_interrupt_is_ended_and_asked_again_and_given_up() {
    let stage = patient(script(|_, _| vec![ScriptStep::Freeze]));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    let given_up = |world: &World| {
        let mut posts = world.posts().iter();
        posts.any(|posted| posted.post.text.starts_with("failed after 3 attempts"))
    };
    until(&stage, given_up).await;
    engine.drain().await;
    insta::assert_snapshot!(without_typing(&stage));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_runs_is_a_sign_of_life() {
    let stage = patient(Busy);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    posts(&stage, 1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["done"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_cut_off_waits_for_a_word() {
    let mut stage = patient(script(|_, earlier| match earlier {
        0 => vec![ScriptStep::Exit],
        _ => vec![say("done")],
    }));
    stage.on_interrupted = OnInterrupted::Ask;
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    posts(&stage, 1).await;
    engine.drain().await;
    let engine = stage.start().await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "!resume");
    posts(&stage, 3).await;
    engine.drain().await;
    insta::assert_snapshot!(without_typing(&stage));
}

/// Waits until so many posts stand on the platform, for hours if need be.
async fn posts(stage: &Stage, count: usize) {
    until(stage, |world| world.posts().len() >= count).await;
}

async fn until(stage: &Stage, is_it: impl Fn(&World) -> bool) {
    let waiting = tokio::time::timeout(Duration::from_hours(24), stage.chat.until(is_it));
    let came = waiting.await.is_ok();
    assert!(came, "it never came true:\n{}", without_typing(stage));
}

fn without_typing(stage: &Stage) -> String {
    let transcript = stage.chat.transcript();
    let lines = transcript.lines().filter(|line| !line.ends_with(" typing"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Agents that run a tool for an hour, and report the end of an earlier turn before that.
#[derive(Debug)]
struct Busy;

#[derive(Debug)]
struct BusyControl(mpsc::UnboundedSender<SubmitId>);

#[derive(Debug)]
struct BusyEvents {
    submits: mpsc::UnboundedReceiver<SubmitId>,
    events: Vec<(u64, AgentEvent)>,
    seq: u64,
}

#[async_trait]
impl AgentRuntime for Busy {
    async fn open(&self, _spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let (submit, submits) = mpsc::unbounded_channel();
        Ok(AgentSession {
            control: Arc::new(BusyControl(submit)),
            events: Box::new(BusyEvents {
                submits,
                events: Vec::new(),
                seq: 0,
            }),
            outdated: false,
            replayed: Seq::default(),
        })
    }
}

#[async_trait]
impl AgentControl for BusyControl {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        self.0
            .send(submission.id)
            .map_err(|_| OpenError::NotRunning)?;
        Ok(Submitted::New)
    }

    async fn interrupt(&self) {}

    async fn respond(&self, _request: &RequestId, _answer: Answer) {}

    async fn close(&self, _grace: Duration) {}
}

#[async_trait]
impl AgentEvents for BusyEvents {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        if self.events.is_empty() {
            let submit = self.submits.recv().await?;
            let tool = |id: &str| AgentEvent::ToolStarted {
                id: id.to_owned(),
                parent: None,
                kind: ToolKind::Running,
                name: "Bash".to_owned(),
                summary: String::new(),
            };
            let ended = |id, text: &str| {
                AgentEvent::Ended(TurnReport {
                    submits: vec![id],
                    result: Ok(text.to_owned()),
                    usage: Usage::default(),
                    partial: None,
                })
            };
            let earlier = SubmitId::from_uuid(Uuid::nil());
            self.events = vec![
                (0, tool("never ended")),
                (0, ended(earlier, "of an earlier turn")),
                (0, tool("make")),
                (
                    3_600,
                    AgentEvent::ToolEnded {
                        id: "make".to_owned(),
                        is_error: false,
                        excerpt: String::new(),
                    },
                ),
                (29, AgentEvent::Alive),
                (29, ended(submit, "done")),
            ];
        }
        let (seconds, _) = self.events.first()?;
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
        self.seq += 1;
        Some((Seq(self.seq), self.events.remove(0).1))
    }
}
