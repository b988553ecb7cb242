//! The running gateway, as far as it is asked and told things over HTTP.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{
    AnswerRefusal, AnyRequest, OpenRequest, Order, Overview, Prompt, PromptRefusal,
};
use mpg_core::id::{AskId, DeliveryId, PlatformId, RootId};
use mpg_core::message::Link;
use mpg_core::snapshot::{Answerer, DeadLetter};
use thiserror::Error;

/// Asks the running gateway, and tells it what somebody wants.
#[async_trait]
pub trait Desk: Debug + Send + Sync {
    /// What the gateway is doing. Its own loop answers, so that an answer shows that it is alive.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn status(&self) -> Result<Status, Closed>;

    /// Plans a post again that was given up; `by` is who wants it.
    async fn redeliver(&self, delivery: DeliveryId, by: Actor) -> Result<(), Refusal>;

    /// Does something in a thread, and says what a person would be told; `by` is who wants it.
    async fn order(&self, root: RootId, order: Order, by: Actor) -> Result<String, Refusal>;

    /// How many requests of agents wait for people.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn waiting(&self) -> Result<usize, Closed>;

    /// The requests of agents that wait for people, oldest first; of very many, the oldest.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn requests(&self) -> Result<Vec<OpenRequest>, Closed>;

    /// A request that waits for people, or waited for them not long ago.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn request(&self, id: AskId) -> Result<Option<AnyRequest>, Closed>;

    /// Answers one in somebody's name. The first answer counts, whoever gives it.
    async fn answer(&self, id: AskId, given: Given, by: Answerer) -> Result<(), AnswerError>;

    /// Asks an agent or tells people something, and returns once it is stored: with the post that it
    /// becomes. `by` is who wants it.
    async fn prompt(&self, prompt: Prompt, by: Actor) -> Result<DeliveryId, PromptError>;

    /// The agents that are kept, with their processes.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn processes(&self) -> Vec<Process>;

    /// How much memory the gateway's process has resident, in bytes, where that is known.
    fn resident_memory(&self) -> Option<u64>;
}

/// What a gateway is doing at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The conversations, turns and posts.
    pub overview: Overview,
    /// The last that each platform told of its connection.
    pub links: BTreeMap<PlatformId, Link>,
    /// The posts that were given up, oldest first.
    pub dead_letters: Vec<DeadLetter>,
    /// Whether the gateway was told to end.
    pub draining: bool,
}

/// An agent that is kept, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The session.
    pub session: String,
    /// Its project's name, as far as it is known.
    pub project: Option<String>,
    /// Its conversation, as far as it is known.
    pub conversation: Option<String>,
    /// One word: what it does.
    pub state: &'static str,
    /// Whether it runs and no gateway is connected to it.
    pub orphaned: bool,
    /// Whether it holds an outcome that no gateway has stored.
    pub unread: bool,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// The process that keeps it.
    pub keeper_pid: Option<i32>,
    /// Its own process.
    pub agent_pid: Option<i32>,
    /// What the keeper has resident, in bytes.
    pub keeper_memory: u64,
    /// What the agent and what it started have resident, in bytes.
    pub agent_memory: u64,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// What it is about is not there.
    #[error("it is not there")]
    NotThere,
    /// There is no gateway any more.
    #[error("the gateway has ended")]
    Closed,
}

/// Why a request was not answered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// It is no answer, or comes too late.
    #[error(transparent)]
    Refused(#[from] AnswerRefusal),
    /// There is no gateway any more.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Why something is neither asked nor told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PromptError {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] PromptRefusal),
    /// There is no gateway any more.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// There is no gateway any more that could answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the gateway has ended")]
pub struct Closed;
