//! The conversations of a thread, and whom a message is for that names nobody.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mpg_core::id::AgentName;
use mpg_core::snapshot::{Conversations, Thread};

fn thread(last: Option<&str>, with: &[Option<&str>]) -> Thread {
    let mut conversations = Conversations::default();
    for agent in with {
        conversations.get_or_new(agent.map(AgentName::new).as_ref());
    }
    Thread {
        place: None,
        last_agent: last.map(AgentName::new),
        turns_since_human: 0,
        active_at: Timestamp::UNIX_EPOCH,
        conversations,
        deliveries: [].into(),
        kept: BTreeMap::new(),
        confirmed: None,
        renamed: false,
        verbosity: None,
        chain: None,
    }
}

#[test]
fn each_agent_has_one() {
    let known = thread(None, &[Some("qa"), None, Some("pm"), Some("qa")]).conversations;
    assert_eq!((known.len(), known.is_empty()), (3, false));
    let agents: Vec<Option<&str>> = known
        .agents()
        .map(|agent| agent.as_ref().map(AgentName::as_str))
        .collect();
    assert_eq!(agents, [None, Some("pm"), Some("qa")]);
    assert!(known.contains(None) && known.contains(Some(&AgentName::new("pm"))));
    assert!(!known.contains(Some(&AgentName::new("engineer"))));
    let none = Conversations::default();
    assert_eq!((none.len(), none.is_empty()), (0, true));
    assert!(!none.contains(None));
}

#[test]
fn a_message_that_names_nobody_is_for_who_answered_last() {
    for (last, with, to) in [
        (None, &[][..], None),
        (None, &[None], None),
        (None, &[Some("pm"), Some("qa")], Some("pm")),
        (None, &[None, Some("qa")], None),
        (Some("qa"), &[Some("pm"), Some("qa")], Some("qa")),
        (Some("qa"), &[None, Some("qa")], Some("qa")),
    ] {
        let thread = thread(last, with);
        let spoken_to = thread.spoken_to().map(AgentName::as_str);
        assert_eq!(spoken_to, to, "{last:?} {with:?}");
    }
}
