//! What a session is sent, and keeps for a resume.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

/// How many dispatches a session keeps for a resume. Who is further behind loses the session.
const REPLAY: usize = 10_000;

/// Something that happened, on its way to the sessions that asked for it.
#[derive(Clone, Debug)]
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::hub::{Frame, Hub};
    use super::{Event, REPLAY};

    /// The texts that a connection gets, as their sequences and names.
    fn received(hub: &mut Hub, connection: u64) -> Vec<String> {
        let frames = hub.outgoing(connection).into_iter();
        frames
            .map(|frame| match frame {
                Frame::Text(text) => {
                    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
                    format!("{} {} {}", frame["op"], frame["s"], frame["t"])
                }
                Frame::Close(code, _) => format!("close {code}"),
                Frame::Drop => "drop".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_resume_replays_what_is_kept_and_no_less() {
        let mut hub = Hub::default();
        let first = hub.connect();
        let session = hub.begin(first, 1);
        let event = Event::new("THREAD_CREATE", 1, json!({}));
        let other = Event::new("MESSAGE_CREATE", 1 << 9, json!({}));
        hub.dispatch(&event);
        hub.dispatch(&other);
        assert_eq!(received(&mut hub, first), ["0 1 \"THREAD_CREATE\""]);
        hub.disconnect(first, None);

        hub.dispatch(&event);
        let second = hub.connect();
        hub.resume(second, &session, 1);
        let replayed = ["0 2 \"THREAD_CREATE\"", "0 3 \"RESUMED\""];
        assert_eq!(received(&mut hub, second), replayed);
        hub.disconnect(second, Some(4000));

        for _ in 0..=REPLAY {
            hub.dispatch(&event);
        }
        let third = hub.connect();
        hub.resume(third, &session, 3);
        assert_eq!(received(&mut hub, third), ["9 null null"]);
        assert_eq!(hub.resume_count, 1);
    }

    #[test]
    fn a_resume_takes_the_session_from_the_connection_before() {
        let mut hub = Hub::default();
        let first = hub.connect();
        let session = hub.begin(first, 1);
        let second = hub.connect();
        hub.resume(second, &session, 0);
        assert_eq!(received(&mut hub, first), ["close 4000"]);
        // The end of the older connection is no end of the session.
        hub.disconnect(first, Some(1000));
        hub.dispatch(&Event::new("THREAD_CREATE", 1, json!({})));
        let received = received(&mut hub, second);
        assert_eq!(received, ["0 1 \"RESUMED\"", "0 2 \"THREAD_CREATE\""]);
    }
}
