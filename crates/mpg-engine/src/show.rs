//! What is shown of a turn while it runs: a typing notice, and its text where the channel can show
//! that. All of it may be lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::AgentEvent;
use mpg_core::id::{Place, TurnId};
use mpg_core::live::LiveView;
use mpg_core::persona::Persona;
use mpg_core::port::Outbox;
use tokio::time::{Instant, sleep_until, timeout};

/// How often the typing notice is renewed. The shortest-lived one known lasts ten seconds.
const TYPING_EVERY: Duration = Duration::from_secs(8);

/// How long one notice or frame is tried; a newer one is worth more then.
const LIMIT: Duration = Duration::from_secs(10);

/// How long the last frame may hold up the answer.
const LAST_FRAME_LIMIT: Duration = Duration::from_secs(1);

/// The view of one running turn on its channel.
pub(crate) struct Show {
    view: LiveView,
    target: Option<Target>,
    pending: Option<BoxFuture<'static, ()>>,
}

struct Target {
    outbox: Arc<dyn Outbox>,
    place: Place,
    typing_at: Option<Instant>,
    interval: Option<Duration>,
    frame_at: Instant,
}

impl Show {
    pub(crate) fn new(
        turn: TurnId,
        persona: Option<Persona>,
        place: Option<Place>,
        outbox: Option<Arc<dyn Outbox>>,
    ) -> Self {
        let now = Instant::now();
        let target = place.zip(outbox).map(|(place, outbox)| {
            let capabilities = outbox.capabilities(&place);
            Target {
                typing_at: capabilities.typing.then_some(now),
                interval: capabilities.live.map(|pace| pace.interval),
                frame_at: now,
                outbox,
                place,
            }
        });
        Self {
            view: LiveView::new(turn, persona),
            target,
            pending: None,
        }
    }

    /// Forgets what was taken in: it belongs to an earlier turn.
    pub(crate) fn begin_again(&mut self) {
        self.view = self.view.anew();
    }

    /// Takes in what the agent reports.
    pub(crate) fn apply(&mut self, event: &AgentEvent) {
        if self.target.as_ref().is_some_and(|t| t.interval.is_some()) {
            self.view.apply(event);
        }
    }

    /// Shows what is due, one thing at a time; pending while nothing is.
    ///
    /// Cancel safe.
    pub(crate) async fn advance(&mut self) {
        if self.pending.is_none() {
            let Some(at) = self.due() else {
                return std::future::pending().await;
            };
            sleep_until(at).await;
            self.pending = self.next();
        }
        if let Some(pending) = self.pending.as_mut() {
            pending.await;
        }
        self.pending = None;
    }

    /// Shows the newest state once more, so that what follows it stands behind it.
    pub(crate) async fn finish(&mut self) {
        let changed = self.view.has_changed();
        let live = self.target.as_ref().filter(|t| t.interval.is_some());
        let Some(target) = live else {
            return;
        };
        let (outbox, place) = (Arc::clone(&target.outbox), target.place.clone());
        let pending = self.pending.take();
        let frame = changed.then(|| self.view.frame());
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

    fn due(&self) -> Option<Instant> {
        let target = self.target.as_ref()?;
        let frame =
            (self.view.has_changed() && target.interval.is_some()).then_some(target.frame_at);
        target.typing_at.into_iter().chain(frame).min()
    }

    fn next(&mut self) -> Option<BoxFuture<'static, ()>> {
        let target = self.target.as_mut()?;
        let now = Instant::now();
        let (outbox, place) = (Arc::clone(&target.outbox), target.place.clone());
        if target.typing_at.is_some_and(|at| at <= now) {
            target.typing_at = Some(now + TYPING_EVERY);
            let typing = async move { drop(timeout(LIMIT, outbox.typing(&place)).await) };
            return Some(typing.boxed());
        }
        let interval = target.interval?;
        target.frame_at = now + interval;
        let frame = self.view.frame();
        let shown = async move { drop(timeout(LIMIT, outbox.show(&place, &frame)).await) };
        Some(shown.boxed())
    }
}
