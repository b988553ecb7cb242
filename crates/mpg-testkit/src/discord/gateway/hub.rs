//! Sessions with what they were sent, and the connections that they are read through.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::opcode;
use super::session::{Event, Session};

/// How many sessions are kept; the oldest without a connection go first.
const SESSIONS: usize = 256;

/// How many frames that are no dispatches wait for one connection; further ones are dropped.
const CONTROL: usize = 1_000;

/// What goes wrong with a gateway connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayFault {
    /// The WebSocket handshake is answered with 503.
    RefuseConnection,
    /// IDENTIFY is not answered.
    IgnoreIdentify,
    /// RESUME is not answered.
    IgnoreResume,
    /// IDENTIFY is answered by closing with this code.
    CloseOnIdentify(u16),
    /// RESUME is answered by closing with this code; the session stays.
    CloseOnResume(u16),
    /// A heartbeat is not acknowledged.
    WithholdAck,
}

/// What a connection has to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Close(u16, &'static str),
    /// The connection breaks off without a word.
    Drop,
}

/// All sessions and connections.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    sessions: BTreeMap<String, Session>,
    connections: BTreeMap<u64, Connection>,
    faults: Vec<(GatewayFault, u32)>,
    /// Whether the next event comes behind the one after it.
    swaps: bool,
    swapped: Option<Event>,
    begun: u64,
    connected: u64,
    pub(crate) identify_count: usize,
    pub(crate) resume_count: usize,
    pub(crate) resume_attempts: usize,
}

#[derive(Debug, Default)]
struct Connection {
    session: Option<String>,
    /// The last sequence that went out here.
    cursor: u64,
    control: VecDeque<Frame>,
}

impl Hub {
    pub(crate) fn connect(&mut self) -> u64 {
        self.connected += 1;
        self.connections
            .insert(self.connected, Connection::default());
        self.connected
    }

    /// Forgets a connection. A client that left with 1000 or 1001 gives its session up.
    pub(crate) fn disconnect(&mut self, connection: u64, code: Option<u16>) {
        let session = self
            .connections
            .remove(&connection)
            .and_then(|connection| connection.session);
        let Some(name) = session else {
            return;
        };
        if matches!(code, Some(1000 | 1001)) {
            self.sessions.remove(&name);
        } else if let Some(session) = self.sessions.get_mut(&name) {
            session.connection = None;
        }
    }

    pub(crate) fn connection_count(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn ready_count(&self) -> usize {
        self.connections
            .values()
            .filter(|connection| connection.session.is_some())
            .count()
    }

    pub(crate) fn has_session(&self, connection: u64) -> bool {
        self.connections
            .get(&connection)
            .is_some_and(|connection| connection.session.is_some())
    }

    /// Begins a session on a connection, and names it.
    pub(crate) fn begin(&mut self, connection: u64, intents: u64) -> String {
        if self.sessions.len() >= SESSIONS {
            let idle = self
                .sessions
                .iter()
                .find(|(_, session)| session.connection.is_none())
                .map(|(name, _)| name.clone());
            if let Some(idle) = idle {
                self.sessions.remove(&idle);
            }
        }
        self.identify_count += 1;
        self.begun += 1;
        let name = format!("{:032x}", self.begun);
        self.sessions.insert(
            name.clone(),
            Session {
                intents,
                sequence: 0,
                sent: VecDeque::new(),
                connection: Some(connection),
            },
        );
        self.attach(connection, &name, 0);
        name
    }

    /// Goes on with a session behind `sequence`, or says that it cannot.
    pub(crate) fn resume(&mut self, connection: u64, name: &str, sequence: u64) {
        let Some(session) = self.sessions.get_mut(name) else {
            return self.send(connection, opcode::invalid_session());
        };
        if sequence > session.sequence {
            return self.close(connection, 4007, "Invalid seq.");
        }
        if !session.covers(sequence) {
            self.sessions.remove(name);
            return self.send(connection, opcode::invalid_session());
        }
        self.resume_count += 1;
        session.push("RESUMED", json!({"_trace": []}).to_string().into());
        if let Some(former) = session.connection.replace(connection)
            && let Some(former) = self.connections.get_mut(&former)
        {
            former.session = None;
            former
                .control
                .push_back(Frame::Close(4000, "Unknown error."));
        }
        self.attach(connection, name, sequence);
    }

    fn attach(&mut self, connection: u64, name: &str, cursor: u64) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.session = Some(name.to_owned());
            connection.cursor = cursor;
        }
    }

    /// Lets the next event come behind the one after it.
    pub(crate) fn swap_next(&mut self) {
        self.swaps = true;
    }

    /// Sends an event to the sessions that asked for its intent.
    pub(crate) fn dispatch(&mut self, event: &Event) {
        if std::mem::take(&mut self.swaps) {
            self.swapped = Some(event.clone());
            return;
        }
        self.send_to_sessions(event);
        if let Some(earlier) = self.swapped.take() {
            self.send_to_sessions(&earlier);
        }
    }

    fn send_to_sessions(&mut self, event: &Event) {
        if self.sessions.is_empty() {
            return;
        }
        let full: Arc<str> = event.data.to_string().into();
        let short: Arc<str> = match &event.without_content {
            Some(data) => data.to_string().into(),
            None => full.clone(),
        };
        for session in self.sessions.values_mut() {
            if event.intent != 0 && session.intents & event.intent == 0 {
                continue;
            }
            let content = session.intents & super::intent::MESSAGE_CONTENT != 0;
            let data = if content { &full } else { &short };
            session.push(event.name, data.clone());
        }
    }

    /// Sends a dispatch to one session.
    pub(crate) fn push(&mut self, session: &str, name: &'static str, data: &Value) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.push(name, data.to_string().into());
        }
    }

    /// Sends the last dispatch of each session once more, under a new sequence.
    pub(crate) fn repeat_last(&mut self) {
        for session in self.sessions.values_mut() {
            if let Some(last) = session.sent.back().cloned() {
                session.push(last.name, last.data);
            }
        }
    }

    pub(crate) fn send(&mut self, connection: u64, frame: Frame) {
        if let Some(connection) = self.connections.get_mut(&connection)
            && connection.control.len() < CONTROL
        {
            connection.control.push_back(frame);
        }
    }

    pub(crate) fn close(&mut self, connection: u64, code: u16, reason: &'static str) {
        self.send(connection, Frame::Close(code, reason));
    }

    /// Gives a frame to every connection.
    pub(crate) fn send_all(&mut self, frame: &Frame) {
        for connection in self.connections.values_mut() {
            connection.control.push_back(frame.clone());
        }
    }

    /// Asks every client to connect anew.
    pub(crate) fn request_reconnect(&mut self) {
        self.send_all(&opcode::control(opcode::RECONNECT, Value::Null));
    }

    /// Ends all sessions; clients that are connected are told.
    pub(crate) fn invalidate(&mut self) {
        self.sessions.clear();
        for connection in self.connections.values_mut() {
            if connection.session.take().is_some() {
                connection.control.push_back(opcode::invalid_session());
            }
        }
    }

    /// What a connection has to send now.
    pub(crate) fn outgoing(&mut self, connection: u64) -> Vec<Frame> {
        let Some(connection) = self.connections.get_mut(&connection) else {
            return vec![Frame::Drop];
        };
        let mut frames: Vec<Frame> = connection.control.drain(..).collect();
        let Some(name) = &connection.session else {
            return frames;
        };
        let Some(session) = self.sessions.get(name) else {
            return frames;
        };
        if !session.covers(connection.cursor) {
            let name = name.clone();
            self.sessions.remove(&name);
            return vec![Frame::Close(4008, "Too far behind.")];
        }
        let behind = connection.cursor;
        connection.cursor = session.sequence;
        let missing = session
            .sent
            .iter()
            .filter(|dispatch| dispatch.sequence > behind);
        frames.extend(missing.map(|dispatch| Frame::Text(dispatch.text())));
        frames
    }

    pub(crate) fn plan_fault(&mut self, fault: GatewayFault, times: u32) {
        self.faults.push((fault, times));
    }

    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Uses up a planned fault of exactly this sort.
    pub(crate) fn take_fault(&mut self, wanted: GatewayFault) -> Option<GatewayFault> {
        self.take(|fault| *fault == wanted)
    }

    pub(crate) fn take_close_identify(&mut self) -> Option<u16> {
        match self.take(|fault| matches!(fault, GatewayFault::CloseOnIdentify(_)))? {
            GatewayFault::CloseOnIdentify(code) => Some(code),
            GatewayFault::RefuseConnection
            | GatewayFault::IgnoreIdentify
            | GatewayFault::IgnoreResume
            | GatewayFault::CloseOnResume(_)
            | GatewayFault::WithholdAck => None,
        }
    }

    pub(crate) fn take_close_resume(&mut self) -> Option<u16> {
        match self.take(|fault| matches!(fault, GatewayFault::CloseOnResume(_)))? {
            GatewayFault::CloseOnResume(code) => Some(code),
            GatewayFault::RefuseConnection
            | GatewayFault::IgnoreIdentify
            | GatewayFault::IgnoreResume
            | GatewayFault::CloseOnIdentify(_)
            | GatewayFault::WithholdAck => None,
        }
    }

    fn take(&mut self, wanted: impl Fn(&GatewayFault) -> bool) -> Option<GatewayFault> {
        let (fault, left) = self
            .faults
            .iter_mut()
            .find(|(fault, left)| *left > 0 && wanted(fault))?;
        *left -= 1;
        Some(*fault)
    }
}
