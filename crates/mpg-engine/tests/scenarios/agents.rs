//! Agents that ask, fail, exit and hang.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Exit, Permissions, Seq};
use mpg_core::id::RequestId;
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, Submission,
    Submitted,
};
use mpg_core::request::Answer;
use mpg_engine::ScriptStep;
use tokio::sync::watch;

use crate::stage::{Stage, say, script, wait};

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_not_allowed_is_denied_and_said_once() {
    let mut stage = Stage::new(script(|_, _| {
        let ask = || ScriptStep::Ask("Bash(rm *)".to_owned());
        vec![ask(), say(" and "), ask()]
    }));
    stage.permissions = Permissions::Deny;
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "clean up");
    stage.posts(2).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_fails_says_why_and_the_agent_stays() {
    let stage = Stage::new(script(|_, earlier| match earlier {
        0 => vec![say("so far"), ScriptStep::Fail("out of memory".to_owned())],
        _ => vec![say("better")],
    }));
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "try");
    stage.posts(1).await;
    stage
        .chat
        .say(&stage.chat.thread_of(&first), "ann", "again");
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["the agent failed: out of memory", "better"]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_exits_in_its_turn_is_started_again_and_goes_on() {
    let stage = Stage::new(script(|_, earlier| match earlier {
        0 => vec![say("half of "), wait(1), ScriptStep::Exit],
        _ => vec![say("the whole answer")],
    }));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "answer");
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_exits_each_time_is_given_up() {
    let stage = Stage::new(script(|_, _| vec![ScriptStep::Exit]));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "answer");
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_takes_too_long_is_stopped_and_the_session_is_kept() {
    let stage = Stage::new(script(|_, earlier| match earlier {
        0 => vec![ScriptStep::Hang],
        _ => vec![say("here I am")],
    }));
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "think");
    stage.posts(1).await;
    stage
        .chat
        .say(&stage.chat.thread_of(&first), "ann", "hello?");
    stage.posts(2).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_no_interrupt_is_ended() {
    let stage = Stage::new(Deaf);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "think");
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

/// Agents that take a turn and then nothing but being closed.
#[derive(Debug)]
struct Deaf;

#[derive(Debug)]
struct DeafControl(watch::Sender<bool>);

#[derive(Debug)]
struct DeafEvents(watch::Receiver<bool>, bool);

#[async_trait]
impl AgentRuntime for Deaf {
    async fn open(&self, _spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let (close, closed) = watch::channel(false);
        Ok(AgentSession {
            control: Arc::new(DeafControl(close)),
            events: Box::new(DeafEvents(closed, false)),
            outdated: false,
            replayed: Seq::default(),
        })
    }
}

#[async_trait]
impl AgentControl for DeafControl {
    async fn submit(&self, _submission: Submission) -> Result<Submitted, OpenError> {
        Ok(Submitted::New)
    }

    async fn interrupt(&self) {
        std::future::pending::<()>().await;
    }

    async fn respond(&self, _request: &RequestId, _answer: Answer) {
        std::future::pending::<()>().await;
    }

    async fn close(&self, grace: Duration) {
        tokio::time::sleep(grace).await;
        self.0.send_replace(true);
    }
}

#[async_trait]
impl AgentEvents for DeafEvents {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        if self.1 {
            return None;
        }
        drop(self.0.wait_for(|closed| *closed).await);
        self.1 = true;
        let exit = Exit {
            code: Some(137),
            stderr: String::new(),
        };
        Some((Seq(1), AgentEvent::Exited(exit)))
    }
}
