//! How far the adapter has read: a gateway session and a sequence in it.

use mpg_core::id::Position;
use serde::{Deserialize, Serialize};
use twilight_gateway::Session;
use twilight_model::id::Id;
use twilight_model::id::marker::UserMarker;

/// What is needed to go on with a session in another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resume {
    pub(crate) session: String,
    pub(crate) sequence: u64,
    /// Where the session is gone on with.
    pub(crate) url: Option<String>,
    /// The bot, which a resumed session does not tell again.
    pub(crate) user: Option<Id<UserMarker>>,
}

impl Resume {
    /// Reads a stored position; `None` if it is none of this adapter.
    pub(crate) fn read(position: &Position) -> Option<Self> {
        serde_json::from_str(position.as_str()).ok()
    }

    /// The position to store.
    pub(crate) fn position(&self) -> Position {
        Position::new(serde_json::to_string(self).expect("strings and numbers are always JSON"))
    }

    /// The session as twilight takes it.
    pub(crate) fn session(&self) -> Session {
        Session::new(self.sequence, self.session.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back() {
        let resume = Resume {
            session: "abc".to_owned(),
            sequence: 42,
            url: Some("wss://gateway.example".to_owned()),
            user: Some(Id::new(7)),
        };
        let position = resume.position();
        insta::assert_snapshot!(position.as_str(), @r#"{"session":"abc","sequence":42,"url":"wss://gateway.example","user":"7"}"#);
        assert_eq!(Resume::read(&position), Some(resume));
        assert_eq!(Resume::read(&Position::new("17")), None);
    }
}
