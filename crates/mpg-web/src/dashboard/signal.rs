//! The signal that what a page shows may have changed: nothing but that, so that hundreds of pages
//! may be open at the same time.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use mpg_core::id::RootId;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::page::{Trouble, Visitor};
use crate::problem::Problem;
use crate::router::App;
use crate::thread_id;

/// How long at least is waited between two signals.
const PACE: Duration = Duration::from_secs(1);

/// How long a stream lasts; a page asks again, with a session that may be over by then.
const LONGEST: Duration = Duration::from_mins(30);

/// How often a stream without signals says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How many events are read at once to find one of the thread.
const READ: u32 = 500;

/// Of what.
#[derive(Deserialize)]
pub(crate) struct Of {
    /// Of this thread alone.
    thread: Option<String>,
}

pub(crate) async fn live(
    visitor: Visitor,
    State(app): State<App>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Trouble> {
    let listener = Listener::new(app, of).await;
    let listener = listener.map_err(|problem| visitor.trouble(problem))?;
    let stream = unfold(listener, |mut listener| async {
        listener.next().await?;
        Some((Ok(Event::default().data("changed")), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

struct Listener {
    app: App,
    changes: watch::Receiver<()>,
    thread: Option<RootId>,
    /// The last event that was looked at.
    seen: u64,
    until: Instant,
}

impl Listener {
    async fn new(app: App, of: Result<Query<Of>, QueryRejection>) -> Result<Self, Problem> {
        let Query(Of { thread }) = of?;
        let thread = thread.map(|name| {
            thread_id::read(&name).ok_or_else(|| Problem::bad(format!("{name:?} names no thread")))
        });
        let thread = thread.transpose()?;
        let changes = app.watch.changes();
        let seen = match thread {
            Some(_) => app.views.newest_event().await?,
            None => 0,
        };
        Ok(Self {
            app,
            changes,
            thread,
            seen,
            until: Instant::now() + LONGEST,
        })
    }

    /// Returns when something may have changed; `None` at the end of the stream.
    async fn next(&mut self) -> Option<()> {
        loop {
            let changed = timeout_at(self.until, self.changes.changed());
            changed.await.ok()?.ok()?;
            sleep(PACE).await;
            self.changes.borrow_and_update();
            if self.concerns().await? {
                return Some(());
            }
        }
    }

    /// Whether what was stored has to do with the thread.
    async fn concerns(&mut self) -> Option<bool> {
        let Some(thread) = &self.thread else {
            return Some(true);
        };
        let mut concerns = false;
        loop {
            // Whoever cannot read what is stored ends the stream, and is asked again.
            let events = self.app.views.events(self.seen, READ).await.ok()?;
            let Some(last) = events.last() else {
                return Some(concerns);
            };
            self.seen = last.number;
            concerns |= events
                .iter()
                .any(|event| event.thread.as_ref() == Some(thread));
        }
    }
}
