//! A gateway that says what it is told to, and remembers what it was told.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{
    AnswerRefusal, AnyRequest, OpenRequest, Order, Prompt, PromptRefusal, RequestEnd,
};
use mpg_core::id::{AskId, DeliveryId, RootId};
use mpg_core::snapshot::Answerer;
use mpg_web::{AnswerError, Closed, Desk, Process, PromptError, Refusal, Status};

use super::{dead_letter, root, routing, turn_id};
use crate::asking::past_requests;

/// A gateway that says what it is told to.
#[derive(Debug)]
pub(crate) struct FakeDesk {
    pub(super) status: Mutex<Option<Status>>,
    /// What it was told to do.
    pub(crate) orders: Mutex<Vec<(RootId, Order)>>,
    /// What waits for people.
    pub(crate) open: Mutex<Vec<OpenRequest>>,
    /// What was answered.
    pub(crate) answers: Mutex<Vec<(AskId, Given, Answerer)>>,
    /// What was asked and told.
    pub(crate) prompts: Mutex<Vec<(Prompt, Actor)>>,
    /// Who told it.
    pub(crate) actors: Mutex<Vec<Actor>>,
}

impl FakeDesk {
    /// What it says from now on; `None` as one that has ended.
    pub(crate) fn says(&self, status: Option<Status>) {
        *self.status.lock().unwrap() = status;
    }
}

#[async_trait]
impl Desk for FakeDesk {
    async fn status(&self) -> Result<Status, Closed> {
        self.status.lock().unwrap().clone().ok_or(Closed)
    }

    async fn redeliver(&self, delivery: DeliveryId, by: Actor) -> Result<(), Refusal> {
        self.actors.lock().unwrap().push(by);
        let known = delivery == dead_letter().post.id;
        known.then_some(()).ok_or(Refusal::NotThere)
    }

    async fn order(&self, thread: RootId, order: Order, by: Actor) -> Result<String, Refusal> {
        self.actors.lock().unwrap().push(by);
        if thread != root() {
            return Err(Refusal::NotThere);
        }
        self.orders.lock().unwrap().push((thread, order));
        Ok("done".to_owned())
    }

    async fn waiting(&self) -> Result<usize, Closed> {
        self.requests().await.map(|open| open.len())
    }

    async fn requests(&self) -> Result<Vec<OpenRequest>, Closed> {
        self.status().await?;
        Ok(self.open.lock().unwrap().clone())
    }

    async fn request(&self, id: AskId) -> Result<Option<AnyRequest>, Closed> {
        self.status().await?;
        let open = self.open.lock().unwrap();
        let open = open.iter().find(|open| open.ask.id == id).cloned();
        let past = past_requests().into_iter().find(|past| past.id == id);
        let open = open.map(|open| AnyRequest::Open(Box::new(open)));
        Ok(open.or(past.map(AnyRequest::Past)))
    }

    async fn answer(&self, id: AskId, given: Given, by: Answerer) -> Result<(), AnswerError> {
        match self.request(id).await? {
            None => return Err(AnswerRefusal::NotKnown.into()),
            Some(AnyRequest::Past(past)) => {
                return Err(match past.end {
                    RequestEnd::Answered { .. } => AnswerRefusal::Answered {
                        by: "bob".to_owned(),
                    },
                    RequestEnd::Expired => AnswerRefusal::Expired,
                    RequestEnd::Over => AnswerRefusal::Over,
                }
                .into());
            }
            Some(AnyRequest::Open(_)) => {}
        }
        if given == Given::Written("perhaps".to_owned()) {
            return Err(AnswerRefusal::NoAnswer.into());
        }
        self.answers.lock().unwrap().push((id, given, by));
        Ok(())
    }

    async fn prompt(&self, prompt: Prompt, by: Actor) -> Result<DeliveryId, PromptError> {
        self.status().await?;
        if let Some(earlier) = prompt.earlier {
            return match prompt.text.as_str() {
                "another" => Err(PromptRefusal::KeyTaken.into()),
                _ => Ok(earlier),
            };
        }
        if routing().project(&prompt.project).is_none() {
            return Err(PromptRefusal::NoProject(prompt.project).into());
        }
        if prompt.text.is_empty() {
            return Err(PromptRefusal::Empty.into());
        }
        let elsewhere = prompt.thread.as_ref().is_some_and(|it| *it != root());
        if elsewhere {
            return Err(PromptRefusal::NoThread(prompt.project).into());
        }
        if prompt.text == "full" {
            return Err(PromptRefusal::Busy.into());
        }
        self.prompts.lock().unwrap().push((prompt, by));
        Ok(DeliveryId::of_turn(turn_id(5), 0))
    }

    async fn processes(&self) -> Vec<Process> {
        let conversation = Some("chat:general#1".to_owned());
        let kept = Process {
            session: "5e55104e".to_owned(),
            project: Some("demo".to_owned()),
            conversation,
            state: "busy",
            orphaned: true,
            unread: false,
            started: Some(Timestamp::UNIX_EPOCH),
            keeper_pid: Some(10),
            agent_pid: Some(11),
            keeper_memory: 1_126_400,
            agent_memory: 188_743_680,
        };
        let left = Process {
            session: "dead".to_owned(),
            project: None,
            conversation: None,
            state: "dead",
            orphaned: false,
            unread: true,
            started: None,
            keeper_pid: None,
            agent_pid: None,
            keeper_memory: 0,
            agent_memory: 0,
        };
        vec![kept, left]
    }

    fn resident_memory(&self) -> Option<u64> {
        Some(4_096)
    }
}
