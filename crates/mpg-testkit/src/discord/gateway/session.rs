//! What a session is sent, and keeps for a resume.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

/// How many dispatches a session keeps for a resume. Who is further behind loses the session.
const REPLAY: usize = 10_000;

/// Something that happened, on its way to the sessions that asked for it.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    /// The intent that it belongs to; 0 goes to every session.
    pub(crate) intent: u64,
    pub(crate) data: Value,
    /// What sessions without the message content intent get instead.
    pub(crate) without_content: Option<Value>,
}

impl Event {
    pub(crate) fn new(name: &'static str, intent: u64, data: Value) -> Self {
        Self {
            name,
            intent,
            data,
            without_content: None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) intents: u64,
    pub(super) sequence: u64,
    pub(super) sent: VecDeque<Dispatch>,
    pub(super) connection: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Dispatch {
    pub(super) sequence: u64,
    pub(super) name: &'static str,
    pub(super) data: Arc<str>,
}

impl Session {
    pub(super) fn push(&mut self, name: &'static str, data: Arc<str>) {
        self.sequence += 1;
        self.sent.push_back(Dispatch {
            sequence: self.sequence,
            name,
            data,
        });
        if self.sent.len() > REPLAY {
            self.sent.pop_front();
        }
    }

    /// Whether everything behind `cursor` is still there.
    pub(super) fn covers(&self, cursor: u64) -> bool {
        self.sent
            .front()
            .is_none_or(|oldest| oldest.sequence <= cursor + 1)
    }
}

impl Dispatch {
    pub(super) fn text(&self) -> String {
        format!(
            r#"{{"t":"{}","s":{},"op":0,"d":{}}}"#,
            self.name, self.sequence, self.data
        )
    }
}
