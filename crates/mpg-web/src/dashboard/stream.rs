//! What turns of a thread write while they do.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use mpg_core::id::Place;
use mpg_core::persona::Persona;
use mpg_core::port::LiveFrame;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::chat::place_of;
use super::markup;
use super::page::{Trouble, Visitor};
use crate::chat::Chat;
use crate::problem::Problem;
use crate::router::App;
use crate::thread_id;

/// How long at least is waited between two frames.
const PACE: Duration = Duration::from_millis(100);

/// How long a stream lasts; a page asks again, with a session that may be over by then.
const LONGEST: Duration = Duration::from_mins(30);

/// How often a stream without frames says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How much of a running turn is shown, the end of it, in bytes.
const SHOWN: usize = 32 * 1024;

/// Of what.
#[derive(Deserialize)]
pub(crate) struct Of {
    thread: String,
}

pub(crate) async fn stream(
    visitor: Visitor,
    State(app): State<App>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Trouble> {
    let listener = Listener::new(app, of);
    let listener = listener.map_err(|problem| visitor.trouble(problem))?;
    let stream = unfold(listener, |mut listener| async {
        let html = listener.next().await?;
        Some((Ok(Event::default().data(html)), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

struct Listener {
    chat: Chat,
    place: Place,
    changes: watch::Receiver<()>,
    /// What was sent last.
    sent: String,
    until: Instant,
}

impl Listener {
    fn new(app: App, of: Result<Query<Of>, QueryRejection>) -> Result<Self, Problem> {
        let Query(Of { thread }) = of?;
        let nothing = || Problem::not_there("there is no such thread in the browser");
        let root = thread_id::read(&thread).ok_or_else(nothing)?;
        let place = place_of(&root).ok_or_else(nothing)?;
        let chat = app.chat.ok_or_else(nothing)?;
        Ok(Self {
            changes: chat.changes(),
            chat,
            place,
            sent: String::new(),
            until: Instant::now() + LONGEST,
        })
    }

    /// What is shown now, once that is something else.
    async fn next(&mut self) -> Option<String> {
        loop {
            self.changes.borrow_and_update();
            let frames = self.chat.frames(&self.place);
            let html: String = frames.iter().map(|frame| shown(frame)).collect();
            if html != self.sent {
                self.sent.clone_from(&html);
                // Of an event that says nothing a page would not hear.
                return Some(if html.is_empty() {
                    " ".to_owned()
                } else {
                    html
                });
            }
            let changed = timeout_at(self.until, self.changes.changed()).await;
            changed.ok()?.ok()?;
            sleep(PACE).await;
        }
    }
}

/// A turn that runs, as HTML that does nothing.
fn shown(frame: &LiveFrame) -> String {
    let from = frame.text.len().saturating_sub(SHOWN);
    let mut done = frame.text.ceil_char_boundary(from);
    let mut text = String::new();
    for line in &frame.lines {
        let at = frame.text.floor_char_boundary(line.at).max(done);
        text.push_str(&frame.text[done..at]);
        text.push_str("\n\n");
        text.push_str(&line.text);
        text.push_str("\n\n");
        done = at;
    }
    text.push_str(&frame.text[done..]);
    let part = LivePart {
        by: frame.persona.as_ref().map_or("agent", Persona::name),
        activity: frame.activity.as_deref(),
        html: markup::html(&text),
    };
    // Nothing in it can fail but memory. A line of an event ends with a line feed alone.
    part.render().unwrap_or_default().replace('\r', "")
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePart<'a> {
    by: &'a str,
    activity: Option<&'a str>,
    html: String,
}
