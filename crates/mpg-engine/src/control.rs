//! What is asked of a running engine from outside of every platform.

use std::collections::BTreeMap;
use std::sync::Arc;

use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::config::Config;
use mpg_core::gateway::{
    AnswerRefusal, AnyRequest, OpenRequest, Order, Overview, Prompt, PromptRefusal,
};
use mpg_core::id::{AskId, DeliveryId, PlatformId, RootId, SessionId};
use mpg_core::message::Link;
use mpg_core::out_file::{Offer, OfferRefusal, OfferTerms};
use mpg_core::snapshot::{Answerer, DeadLetter};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// How many questions may wait for the loop; who asks then waits too.
const WAITING: usize = 16;

/// How many requests are told of at once.
pub(crate) const MOST_REQUESTS: usize = 200;

/// Asks a running engine, and tells it what an operator wants. Clones speak to the same engine.
///
/// The loop itself answers, between two events: an answer shows that it is alive. Before
/// [`run`](crate::Engine::run), questions wait.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    requests: mpsc::Sender<Asked>,
    /// In whose name it speaks.
    by: Actor,
}

/// What an engine is doing at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The conversations, turns and posts.
    pub overview: Overview,
    /// The last that each platform told of its connection; those that have told nothing yet are not
    /// in it.
    pub links: BTreeMap<PlatformId, Link>,
    /// The posts that were given up, oldest first.
    pub dead_letters: Vec<DeadLetter>,
    /// Whether the engine was told to end.
    pub draining: bool,
}

/// Why an engine did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ControlError {
    /// There is no thread of this id.
    #[error("there is no such thread; it may be forgotten")]
    NoThread,
    /// There is no dead letter with this id.
    #[error("there is no dead letter with this id; it may have been posted or replaced meanwhile")]
    NotFound,
    /// What was to be asked is not.
    #[error(transparent)]
    Prompt(#[from] PromptRefusal),
    /// What was to be answered is not.
    #[error(transparent)]
    Answer(#[from] AnswerRefusal),
    /// The engine has ended, or ended before it answered.
    #[error("the gateway has ended")]
    Ended,
}

/// A question, and who asks.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) by: Actor,
    pub(crate) request: Request,
}

/// A question with the way back to who asked.
#[derive(Debug)]
pub(crate) enum Request {
    Status(oneshot::Sender<Status>),
    Order(RootId, Order, oneshot::Sender<Result<String, ControlError>>),
    Ask(
        Box<Prompt>,
        oneshot::Sender<Result<DeliveryId, ControlError>>,
    ),
    Requests(oneshot::Sender<Vec<OpenRequest>>),
    CountRequests(oneshot::Sender<usize>),
    OfId(AskId, oneshot::Sender<Option<AnyRequest>>),
    Answer(
        AskId,
        Given,
        Option<Answerer>,
        oneshot::Sender<Result<(), ControlError>>,
    ),
    Redeliver(DeliveryId, oneshot::Sender<Result<(), ControlError>>),
    OfferTerms(SessionId, oneshot::Sender<Result<OfferTerms, OfferRefusal>>),
    Offer(Box<Offer>, oneshot::Sender<Result<(), OfferRefusal>>),
    Reconfigure(Arc<Config>, oneshot::Sender<()>),
}

/// A handle, and the engine's end of it.
pub(crate) fn control() -> (ControlHandle, mpsc::Receiver<Asked>) {
    let (sender, requests) = mpsc::channel(WAITING);
    let handle = ControlHandle {
        requests: sender,
        by: Actor::default(),
    };
    (handle, requests)
}

impl ControlHandle {
    /// A handle in somebody's name: the audit log says that what is asked for with it was theirs.
    #[must_use]
    pub fn on_behalf_of(&self, by: Actor) -> Self {
        Self {
            requests: self.requests.clone(),
            by,
        }
    }

    /// What the engine is doing.
    ///
    /// # Errors
    ///
    /// [`ControlError::Ended`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn status(&self) -> Result<Status, ControlError> {
        self.ask(Request::Status).await
    }

    /// Plans a dead letter again: in its thread if that is still there, else in the thread's
    /// channel. Returns once it is planned, not once it is posted; a post that fails again is a dead
    /// letter again.
    ///
    /// # Errors
    ///
    /// [`ControlError::NotFound`] if it is no dead letter; [`ControlError::Ended`] if there is no
    /// engine any more.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have done it or not; asking again does no harm.
    pub async fn redeliver(&self, delivery: DeliveryId) -> Result<(), ControlError> {
        self.ask(|reply| Request::Redeliver(delivery, reply))
            .await?
    }

    /// Does something in a thread, and says what a person would be told who asks for it there.
    /// Returns once it is decided, not once it is stored.
    ///
    /// # Errors
    ///
    /// [`ControlError::NoThread`] if the thread is not known; [`ControlError::Ended`] if there is no
    /// engine any more.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have done it or not.
    pub async fn order(&self, root: RootId, order: Order) -> Result<String, ControlError> {
        self.ask(|reply| Request::Order(root, order, reply)).await?
    }

    /// What agents ask and nobody has answered yet, oldest first, at most 200.
    ///
    /// # Errors
    ///
    /// [`ControlError::Ended`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn requests(&self) -> Result<Vec<OpenRequest>, ControlError> {
        self.ask(Request::Requests).await
    }

    /// How many requests of agents wait for people.
    ///
    /// # Errors
    ///
    /// [`ControlError::Ended`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn request_count(&self) -> Result<usize, ControlError> {
        self.ask(Request::CountRequests).await
    }

    /// A request that waits for people, or waited for them not long ago.
    ///
    /// # Errors
    ///
    /// [`ControlError::Ended`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn request(&self, request: AskId) -> Result<Option<AnyRequest>, ControlError> {
        self.ask(|reply| Request::OfId(request, reply)).await
    }

    /// Answers what an agent asks, in somebody's name, or in that of an operator. Returns once that
    /// is decided; the first answer counts, whoever gives it.
    ///
    /// # Errors
    ///
    /// [`ControlError::Answer`] if nothing is answered by it; [`ControlError::Ended`] if there is no
    /// engine any more.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have done it or not; asking again does no harm.
    pub async fn answer(
        &self,
        request: AskId,
        given: Given,
        by: Option<Answerer>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| Request::Answer(request, given, by, reply))
            .await?
    }

    /// Asks an agent or tells people something. Returns once it is stored: with the post that it
    /// becomes, from which a thread grows where it is asked in a channel.
    ///
    /// # Errors
    ///
    /// [`ControlError::Prompt`] if it is not said; [`ControlError::Ended`] if there is no engine any
    /// more, or it could not store it: then it may be said or not.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have done it or not; saying it again with the same key does no
    /// harm.
    pub async fn prompt(&self, prompt: Prompt) -> Result<DeliveryId, ControlError> {
        self.ask(|reply| Request::Ask(Box::new(prompt), reply))
            .await?
    }

    /// Puts a configuration in force. What was accepted before keeps what it was accepted with.
    ///
    /// # Errors
    ///
    /// [`ControlError::Ended`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have done it or not; doing it again does no harm.
    pub async fn reconfigure(&self, config: Arc<Config>) -> Result<(), ControlError> {
        self.ask(|reply| Request::Reconfigure(config, reply)).await
    }

    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked {
            by: self.by.clone(),
            request: request(reply),
        };
        let sent = self.requests.send(asked).await;
        sent.map_err(|_| ControlError::Ended)?;
        answer.await.map_err(|_| ControlError::Ended)
    }
}
