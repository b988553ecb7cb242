//! What happens, as it happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use mpg_core::view::EventView;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Reader;
use crate::problem::{Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// How many events are read at once.
const READ: u32 = 500;

/// How long at least is waited between two looks, so that many who look take little.
const PACE: Duration = Duration::from_millis(200);

/// How long a stream lasts. Whoever wants more asks again, with a token that may be revoked by then.
const LONGEST: Duration = Duration::from_mins(30);

/// How often a stream without events says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What is sent of one event.
#[derive(Serialize, ToSchema)]
pub(crate) struct Happened<'a> {
    /// When.
    at: String,
    /// The thread, if it belongs to one.
    thread: Option<String>,
    /// The project, if it belongs to one.
    project: Option<&'a str>,
    /// More about it; its fields depend on the event.
    #[schema(value_type = Object)]
    detail: &'a RawValue,
}

/// From where.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct From {
    /// Only events behind the one with this number; by default, those that happen from now on. The
    /// header `Last-Event-ID` wins.
    after: Option<u64>,
}

/// What happens, as it happens: each event is called what it is, and its id is its number.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "events",
    tag = "look",
    params(From, ("Last-Event-ID" = Option<String>, Header, description = "The last event that was received: those behind it follow.")),
    responses((status = 200, description = "A stream of events, each with a `Happened` as its data. It ends after half an hour.", content_type = "text/event-stream", body = String), Refusals)
)]
pub(crate) async fn events(
    _: Reader,
    State(app): State<App>,
    headers: HeaderMap,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let Query(From { after }) = from?;
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()?.trim().parse().ok());
    // Before the first look, so that nothing falls in between.
    let changes = app.watch.changes();
    let after = match last.or(after) {
        Some(after) => after,
        None => app.views.newest_event().await?,
    };
    let feed = Feed {
        app,
        changes,
        after,
        read: VecDeque::new(),
        until: Instant::now() + LONGEST,
    };
    let stream = unfold(feed, |mut feed| async {
        let event = feed.next().await?;
        Some((Ok(event), feed))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// One who listens.
struct Feed {
    app: App,
    changes: watch::Receiver<()>,
    /// The last event that was read.
    after: u64,
    /// What was read and not sent.
    read: VecDeque<EventView>,
    until: Instant,
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(self.event(&event));
            }
            self.changes.borrow_and_update();
            // Whoever cannot read what is stored ends the stream, and is asked again.
            let events = self.app.views.events(self.after, READ).await.ok()?;
            if let Some(last) = events.last() {
                self.after = last.number;
                self.read = events.into();
                continue;
            }
            timeout_at(self.until, self.changes.changed())
                .await
                .ok()?
                .ok()?;
            sleep(PACE).await;
        }
    }

    fn event(&self, event: &EventView) -> Event {
        let config = self.app.config();
        let channel = event.thread.as_ref().map(|root| &root.channel);
        let project = channel.and_then(|channel| config.routing.project_of(channel));
        let nothing = RawValue::NULL;
        let detail: Option<&RawValue> = serde_json::from_str(&event.detail).ok();
        let happened = Happened {
            at: event.at.to_string(),
            thread: event.thread.as_ref().map(thread_id::write),
            project: project.map(|project| project.name.as_str()),
            detail: detail.unwrap_or(nothing),
        };
        let made = Event::default()
            .id(event.number.to_string())
            .event(event.kind.clone());
        // A text without control characters is always taken.
        made.json_data(happened).unwrap_or_default()
    }
}
