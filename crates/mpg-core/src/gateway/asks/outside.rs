//! What agents ask, for those who look at it and answer from outside of every platform.

use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use super::verdicts::waited;
use crate::ask::{self, Given, Said, Unsaid};
use crate::capability::Controls;
use crate::control::Control;
use crate::gateway::Gateway;
use crate::id::{AskId, ConversationId, ProjectName, TurnId, UserId};
use crate::snapshot::{Answerer, Ask, Verdict};
use crate::wording::asks;

/// How many requests that are over are remembered.
pub(super) const MOST_PAST: usize = 256;

/// Something that waits for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// What is asked.
    pub ask: Ask,
    /// The conversation whose turn waits.
    pub conversation: ConversationId,
    /// Its project.
    pub project: ProjectName,
    /// The turn.
    pub turn: TurnId,
    /// Whose message the turn answers.
    pub author: UserId,
    /// What is asked, in one line.
    pub summary: String,
    /// Until when it waits.
    pub until: Timestamp,
}

impl OpenRequest {
    /// What is asked, whole, as Markdown. Of several questions, the one that is open.
    pub fn text(&self) -> String {
        asks::request(&self.ask, usize::MAX)
    }

    /// How it is answered in words.
    pub fn how(&self, now: Timestamp) -> String {
        let left = self.until.duration_since(now);
        let left = Duration::try_from(left).unwrap_or_default();
        asks::how_to_answer(&self.ask, Controls::None, left)
    }

    /// The controls by which it is answered.
    pub fn controls(&self) -> Vec<Control> {
        ask::controls(&self.ask, true)
    }
}

/// Something that waited for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRequest {
    /// Its id.
    pub id: AskId,
    /// The conversation whose turn waited.
    pub conversation: ConversationId,
    /// One word for what was asked.
    pub kind: &'static str,
    /// What was asked, in one line.
    pub summary: String,
    /// What came of it.
    pub end: RequestEnd,
}

/// What came of something that waited for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// Somebody answered.
    Answered {
        /// Who; `None` for an operator of the gateway.
        by: Option<Answerer>,
        /// The answer, for people.
        outcome: String,
    },
    /// Nobody did in time.
    Expired,
    /// The agent does not wait any more, or its turn has ended.
    Over,
}

impl RequestEnd {
    fn of(ask: &Ask, verdict: &Verdict) -> Self {
        if verdict.said.is_none() {
            return Self::Expired;
        }
        Self::Answered {
            by: verdict.by.clone(),
            outcome: asks::outcome(verdict, waited(ask, verdict)),
        }
    }
}

/// A request, open or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyRequest {
    /// It waits for people.
    Open(Box<OpenRequest>),
    /// It does not any more.
    Past(PastRequest),
}

/// Why an answer is none; nothing is changed then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerRefusal {
    /// There is no such request.
    #[error("nothing waits for an answer under this id; it may be forgotten")]
    NotKnown,
    /// Somebody was faster.
    #[error("{by} answered this already")]
    Answered {
        /// Who.
        by: String,
    },
    /// The question that it is about was answered, and another one is open.
    #[error("this question was answered already, and another one is open; look again")]
    Earlier,
    /// It waited long enough.
    #[error("nobody answered this in time, and the agent went on without")]
    Expired,
    /// Its agent waits for nothing any more.
    #[error("the agent does not wait for this any more")]
    Over,
    /// Something is missing.
    #[error("something that is needed is missing; nothing was sent")]
    Incomplete,
    /// It fits nothing that is asked.
    #[error("this is no answer to what is asked, and nothing was sent")]
    NoAnswer,
}

impl Gateway {
    /// Everything that waits for people, oldest first. It is for people, not for messages.
    pub fn open_requests(&self) -> Vec<OpenRequest> {
        self.oldest_requests(usize::MAX)
    }

    /// The first so many of what waits for people, oldest first.
    pub fn oldest_requests(&self, most: usize) -> Vec<OpenRequest> {
        let mut open: Vec<(Timestamp, AskId)> = self
            .asks
            .open
            .keys()
            .filter_map(|id| Some((self.open_ask_of(*id)?.1.at, *id)))
            .collect();
        open.sort_unstable();
        let oldest = open.into_iter().take(most);
        oldest.filter_map(|(_, id)| self.open_request(id)).collect()
    }

    /// How many requests wait for people.
    pub fn open_request_count(&self) -> usize {
        self.asks.open.len()
    }

    /// A request that waits for people, or waited for them not long ago.
    pub fn request(&self, id: AskId) -> Option<AnyRequest> {
        if let Some(open) = self.open_request(id) {
            return Some(AnyRequest::Open(Box::new(open)));
        }
        let mut past = self.asks.past.iter();
        past.find(|past| past.id == id)
            .cloned()
            .map(AnyRequest::Past)
    }

    /// What somebody says who answers from outside.
    ///
    /// # Errors
    ///
    /// [`AnswerRefusal`] where it is no answer, or comes too late.
    pub fn reads_as(&self, id: AskId, given: &Given) -> Result<Said, AnswerRefusal> {
        let Some((_, ask)) = self.open_ask_of(id) else {
            return Err(match self.request(id) {
                Some(AnyRequest::Past(past)) => too_late(past.end),
                Some(AnyRequest::Open(_)) | None => AnswerRefusal::NotKnown,
            });
        };
        match given {
            Given::Written(text) => ask::written(ask, text, true).ok_or(AnswerRefusal::NoAnswer),
            Given::Used {
                control,
                values,
                fields,
            } => {
                let (of, what) = ask::of_action(control).ok_or(AnswerRefusal::NoAnswer)?;
                if of != id {
                    return Err(AnswerRefusal::NoAnswer);
                }
                let said = ask::said(ask, what, values, fields);
                said.map_err(|unsaid| match unsaid {
                    Unsaid::Earlier => AnswerRefusal::Earlier,
                    Unsaid::Incomplete => AnswerRefusal::Incomplete,
                    Unsaid::Unknown => AnswerRefusal::NoAnswer,
                })
            }
        }
    }

    fn open_request(&self, id: AskId) -> Option<OpenRequest> {
        let (conversation, ask) = self.open_ask_of(id)?;
        let running = self.conversation(conversation)?.running.as_deref()?;
        let project = self.project_of(&conversation.root.channel)?;
        Some(OpenRequest {
            ask: ask.clone(),
            conversation: conversation.clone(),
            project: project.name.clone(),
            turn: running.turn.id,
            author: running.turn.author.clone(),
            summary: asks::about(ask),
            until: self.asks.due_of(ask),
        })
    }

    pub(super) fn open_ask_of(&self, ask: AskId) -> Option<(&ConversationId, &Ask)> {
        let (id, _) = self.asks.open.get(&ask)?;
        let running = self.conversation(id)?.running.as_deref()?;
        Some((id, running.ask(ask)?))
    }
}

impl super::Asks {
    /// Remembers what came of a request, for those who ask or answer too late.
    pub(super) fn settled(&mut self, id: &ConversationId, ask: &Ask, verdict: &Verdict) {
        self.remember(id, ask, RequestEnd::of(ask, verdict));
    }

    /// The same of one that nobody can answer any more.
    pub(super) fn over(&mut self, id: &ConversationId, ask: &Ask) {
        self.remember(id, ask, RequestEnd::Over);
    }

    fn remember(&mut self, id: &ConversationId, ask: &Ask, end: RequestEnd) {
        if self.past.len() >= MOST_PAST {
            self.past.pop_front();
        }
        self.past.push_back(PastRequest {
            id: ask.id,
            conversation: id.clone(),
            kind: ask.about.name(),
            summary: asks::about(ask),
            end,
        });
    }
}

fn too_late(end: RequestEnd) -> AnswerRefusal {
    match end {
        RequestEnd::Answered { by, .. } => AnswerRefusal::Answered {
            by: by.map_or_else(|| asks::OPERATOR.to_owned(), |by| by.name),
        },
        RequestEnd::Expired => AnswerRefusal::Expired,
        RequestEnd::Over => AnswerRefusal::Over,
    }
}
