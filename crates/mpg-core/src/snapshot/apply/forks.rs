//! What the beginning of a fork means for the state.

use jiff::Timestamp;

use crate::id::{ConversationId, SessionId};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// A conversation begins with a session's history, and its thread with it where that is not known.
    pub(super) fn fork(&mut self, id: &ConversationId, from: SessionId, at: Timestamp) {
        let thread = self.thread_or_new(&id.root, at);
        let conversation = thread.conversations.get_or_new(id.agent.as_ref());
        conversation.fork = Some(from);
    }
}
