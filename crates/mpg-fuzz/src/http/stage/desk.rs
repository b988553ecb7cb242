//! A gateway that does what it is told, and notes that it did something.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{
    ActiveConversation, Activity, AnswerRefusal, AnyRequest, OpenRequest, Order, Overview, Prompt,
};
use mpg_core::id::{AskId, DeliveryId, ProjectName, RequestId, RootId, UserId};
use mpg_core::post::{Post, PostKind};
use mpg_core::request::{About, Question, QuestionOption};
use mpg_core::snapshot::{Answerer, Ask, DeadLetter};
use mpg_web::{AnswerError, Closed, Desk, Process, PromptError, Refusal, Status};

use super::{ask_id, conversation, delivery, root, turn_id};

/// A gateway with one conversation, one post that was given up, and one request.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    /// Whether it was told to do anything.
    pub(super) acted: AtomicBool,
}

impl Gateway {
    fn act(&self) {
        self.acted.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Desk for Gateway {
    async fn status(&self) -> Result<Status, Closed> {
        let active = ActiveConversation {
            conversation: conversation(),
            project: ProjectName::new("demo"),
            session: None,
            directory: Some("/srv/demo".to_owned()),
            active_at: Some(Timestamp::UNIX_EPOCH),
            activity: Activity::Working(Some(Timestamp::UNIX_EPOCH)),
            queued: 3,
        };
        let kind = PostKind::Answer {
            turn: turn_id(),
            agent: None,
        };
        let letter = DeadLetter {
            root: root(),
            post: Post::new(delivery(), kind, "an answer"),
            reason: "the place is gone".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        Ok(Status {
            overview: Overview {
                conversations: 1,
                turns: 1,
                queued: 3,
                posts: 1,
                active: vec![active],
            },
            links: [].into(),
            dead_letters: vec![letter],
            draining: false,
        })
    }

    async fn redeliver(&self, id: DeliveryId, _by: Actor) -> Result<(), Refusal> {
        self.act();
        (id == delivery()).then_some(()).ok_or(Refusal::NotThere)
    }

    async fn order(&self, thread: RootId, order: Order, _by: Actor) -> Result<String, Refusal> {
        self.act();
        let known = thread == root();
        known.then(|| format!("{order:?}")).ok_or(Refusal::NotThere)
    }

    async fn waiting(&self) -> Result<usize, Closed> {
        Ok(1)
    }

    async fn requests(&self) -> Result<Vec<OpenRequest>, Closed> {
        Ok(vec![open_request()])
    }

    async fn request(&self, id: AskId) -> Result<Option<AnyRequest>, Closed> {
        Ok((id == ask_id()).then(|| AnyRequest::Open(Box::new(open_request()))))
    }

    async fn answer(&self, id: AskId, _: Given, _by: Answerer) -> Result<(), AnswerError> {
        self.act();
        let known = id == ask_id();
        known.then_some(()).ok_or(AnswerRefusal::NotKnown.into())
    }

    async fn prompt(&self, prompt: Prompt, _by: Actor) -> Result<DeliveryId, PromptError> {
        self.act();
        Ok(prompt.earlier.unwrap_or_else(delivery))
    }

    async fn processes(&self) -> Vec<Process> {
        let kept = Process {
            session: "5e55104e".to_owned(),
            project: Some("demo".to_owned()),
            conversation: Some("chat:general~1".to_owned()),
            state: "busy",
            orphaned: true,
            unread: false,
            started: Some(Timestamp::UNIX_EPOCH),
            keeper_pid: Some(10),
            agent_pid: Some(11),
            keeper_memory: 1_126_400,
            agent_memory: 188_743_680,
        };
        vec![kept]
    }

    fn resident_memory(&self) -> Option<u64> {
        Some(4_096)
    }
}

fn open_request() -> OpenRequest {
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        description: String::new(),
    };
    let question = Question {
        header: "Checks".to_owned(),
        text: "Which checks?".to_owned(),
        options: vec![option("unit"), option("lint")],
        multiple: true,
    };
    OpenRequest {
        ask: Ask {
            id: ask_id(),
            request: RequestId::new("r"),
            about: About::Questions(vec![question]),
            at: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            replies: Vec::new(),
            verdict: None,
        },
        conversation: conversation(),
        project: ProjectName::new("demo"),
        turn: turn_id(),
        author: UserId::new("ann"),
        summary: "Which checks?".to_owned(),
        until: Timestamp::UNIX_EPOCH,
    }
}
