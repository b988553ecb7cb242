//! What is shown of a turn while it runs: a typing notice, the message that it has where a channel's
//! messages can be changed, and its text where the channel can append. All of it may be lost.

mod message;
mod signs;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::AgentEvent;
use mpg_core::config::Verbosity;
use mpg_core::event::{RunTurn, TurnNotice};
use mpg_core::id::{Place, RequestId};
use mpg_core::live::{LiveMessage, LiveView, Results};
use mpg_core::port::{DeliveryError, Outbox};
use tokio::time::{Instant, sleep_until, timeout};

use self::message::Message;
use self::signs::Signs;
use crate::edits::Edits;

/// How often the typing notice is renewed. The shortest-lived one known lasts ten seconds.
const TYPING_EVERY: Duration = Duration::from_secs(8);

/// How long one notice or frame is tried; a newer one is worth more then.
const LIMIT: Duration = Duration::from_secs(10);

/// How long the last frame may hold up the answer.
const LAST_FRAME_LIMIT: Duration = Duration::from_secs(1);

/// The view of one running turn on its channel.
pub(crate) struct Show {
    view: LiveView,
    /// When the turn began, those times before a restart included.
    began: Instant,
    target: Option<Target>,
    pending: Option<Attempt>,
    verbosity: Verbosity,
    /// Whether nothing more is shown.
    over: bool,
}

/// Something that is on its way to the channel.
pub(crate) type Attempt = BoxFuture<'static, Shown>;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is shown, or is worth nothing any more.
    Yes,
    /// It may be shown after this time.
    Later(Duration),
    /// Nothing of the sort can be shown there.
    Never,
}

struct Target {
    outbox: Arc<dyn Outbox>,
    place: Place,
    typing_at: Option<Instant>,
    /// Where the channel can append: how often, and when next.
    appended: Option<(Duration, Instant)>,
    message: Option<Message>,
    signs: Option<Signs>,
}

/// One thing to do now.
enum Next {
    Attempt(Attempt),
    Tell(TurnNotice),
    Nothing,
}

impl Show {
    pub(crate) fn new(turn: &RunTurn, outbox: Option<Arc<dyn Outbox>>, edits: &Edits) -> Self {
        let now = Instant::now();
        let mut view = LiveView::new(turn.turn, turn.persona.clone());
        let target = turn.place.clone().zip(outbox).map(|(place, outbox)| {
            let can = outbox.capabilities(&place);
            let message = Message::new(turn, &can, edits.clone(), now);
            Target {
                typing_at: can.typing.then_some(now),
                appended: can.live.map(|pace| (pace.interval, now)),
                message,
                signs: can.status.then(|| Signs::new(now)),
                outbox,
                place,
            }
        });
        if target.as_ref().is_some_and(|t| t.appended.is_some()) {
            view = view.with_whole_text();
        }
        Self {
            view,
            began: now.checked_sub(turn.ran).unwrap_or(now),
            target,
            pending: None,
            verbosity: turn.verbosity,
            over: false,
        }
    }

    /// Forgets what was taken in: it belongs to an earlier turn.
    pub(crate) fn begin_again(&mut self) {
        self.view = self.view.anew();
    }

    /// Takes in what the agent reports.
    pub(crate) fn apply(&mut self, event: &AgentEvent) {
        self.view.apply(event, self.began.elapsed());
    }

    /// Takes in what the agent reported before this gateway heard of it.
    pub(crate) fn apply_replayed(&mut self, event: &AgentEvent) {
        self.view.apply_replayed(event);
    }

    /// A question of the agent is answered.
    pub(crate) fn answered(&mut self, question: &RequestId) {
        self.view.answered(question);
    }

    /// The agent has shown no sign of life for long.
    pub(crate) fn fell_silent(&mut self) {
        self.view.fell_silent();
    }

    /// The turn has its message: from now on it is kept up to date.
    pub(crate) fn show_in(&mut self, live: &LiveMessage) {
        let ours = live.turn == self.view.turn();
        if let Some(message) = self.message().filter(|_| ours) {
            message.show_in(live);
        }
    }

    /// Shows more or less from now on.
    pub(crate) fn show_as(&mut self, verbosity: Verbosity) {
        self.verbosity = verbosity;
        if let Some(message) = self.message() {
            message.verbosity = verbosity;
        }
    }

    /// Shows nothing more: the turn is being stopped, and what its message says then is the gateway's.
    pub(crate) fn stop(&mut self) {
        self.over = true;
    }

    /// What the steps gave, where all of it is to be seen.
    pub(crate) fn results(&self) -> Option<Box<Results>> {
        let all = self.verbosity == Verbosity::Full;
        all.then(|| self.view.results()).flatten().map(Box::new)
    }

    /// What is still on its way: whatever the turn's message says next must come behind it.
    pub(crate) fn take_pending(&mut self) -> Option<Attempt> {
        self.pending.take()
    }

    /// Shows what is due, one thing at a time, until there is something to tell the gateway; pending
    /// while nothing is.
    ///
    /// Cancel safe.
    pub(crate) async fn advance(&mut self) -> TurnNotice {
        loop {
            if let Some(pending) = self.pending.as_mut() {
                let shown = pending.await;
                self.pending = None;
                let now = Instant::now();
                if let Some(message) = self.message() {
                    message.attempted(shown, now);
                }
            }
            let Some(at) = self.due() else {
                return std::future::pending().await;
            };
            sleep_until(at).await;
            match self.next() {
                Next::Attempt(attempt) => self.pending = Some(attempt),
                Next::Tell(notice) => return notice,
                Next::Nothing => {}
            }
        }
    }

    /// Shows the newest state once more where the channel appends, so that what follows it stands
    /// behind it. Elsewhere the answer does not wait for anything.
    pub(crate) async fn finish(&mut self) {
        self.over = true;
        let changed = self.view.has_changed() && self.appends();
        let target = self.target.as_ref().filter(|t| t.appended.is_some());
        let Some(target) = target else {
            return;
        };
        let (outbox, place) = (Arc::clone(&target.outbox), target.place.clone());
        let pending = self.pending.take();
        let frame = changed.then(|| self.view.frame(self.verbosity));
        let last = async move {
            if let Some(pending) = pending {
                pending.await;
            }
            if let Some(frame) = frame {
                // A frame that is not shown is no loss: the answer follows.
                drop(outbox.show(&place, &frame).await);
            }
        };
        drop(timeout(LAST_FRAME_LIMIT, last).await);
    }

    /// Whether anything is shown where the channel appends.
    fn appends(&self) -> bool {
        self.verbosity != Verbosity::Quiet
    }

    fn message(&mut self) -> Option<&mut Message> {
        self.target.as_mut()?.message.as_mut()
    }

    fn due(&self) -> Option<Instant> {
        let target = self.target.as_ref().filter(|_| !self.over)?;
        let changed = self.view.has_changed() && self.appends();
        let appended = target.appended.map(|(_, at)| at).filter(|_| changed);
        let message = target.message.as_ref();
        let message = message.and_then(|message| message.due(&self.view));
        let sign = target.signs.as_ref();
        let sign = sign.and_then(|signs| signs.due(self.view.doing()));
        let due = target.typing_at.into_iter().chain(appended);
        due.chain(message).chain(sign).min()
    }

    fn next(&mut self) -> Next {
        let appends = self.appends();
        let Some(target) = self.target.as_mut().filter(|_| !self.over) else {
            return Next::Nothing;
        };
        let now = Instant::now();
        let (outbox, place) = (Arc::clone(&target.outbox), target.place.clone());
        if target.typing_at.is_some_and(|at| at <= now) {
            target.typing_at = Some(now + TYPING_EVERY);
            let typing = attempt(async move { outbox.typing(&place).await });
            return Next::Attempt(typing.map(|_| Shown::Yes).boxed());
        }
        let doing = self.view.doing();
        if let Some(signs) = &mut target.signs
            && signs.due(doing).is_some_and(|at| at <= now)
        {
            signs.shown(doing, now);
            return Next::Tell(TurnNotice::Doing(doing));
        }
        if let Some((interval, at)) = &mut target.appended {
            if *at <= now && appends && self.view.has_changed() {
                *at = now + *interval;
                let frame = self.view.frame(self.verbosity);
                let shown = attempt(async move { outbox.show(&place, &frame).await });
                return Next::Attempt(shown.map(|_| Shown::Yes).boxed());
            }
            return Next::Nothing;
        }
        let Some(message) = target.message.as_mut() else {
            return Next::Nothing;
        };
        if message.due(&self.view).is_none_or(|at| at > now) {
            return Next::Nothing;
        }
        message.next(&mut self.view, self.began.elapsed(), &outbox, now)
    }
}

/// Tries to show something, whatever the adapter makes of it.
fn attempt(showing: impl Future<Output = Result<(), DeliveryError>> + Send + 'static) -> Attempt {
    let showing = timeout(LIMIT, AssertUnwindSafe(showing).catch_unwind());
    let shown = showing.map(|shown| match shown {
        Ok(Ok(Ok(()))) | Err(_) => Shown::Yes,
        Ok(Ok(Err(DeliveryError::Transient { retry_after, .. }))) => {
            Shown::Later(retry_after.unwrap_or(LIMIT))
        }
        Ok(Ok(Err(DeliveryError::Unknown(_)))) => Shown::Later(LIMIT),
        Ok(Ok(Err(
            DeliveryError::Gone(_)
            | DeliveryError::Removed(_)
            | DeliveryError::Rejected(_)
            | DeliveryError::Unsupported,
        ))) => Shown::Never,
        Ok(Err(_)) => {
            tracing::error!("showing a running turn panicked");
            Shown::Never
        }
    });
    shown.boxed()
}
