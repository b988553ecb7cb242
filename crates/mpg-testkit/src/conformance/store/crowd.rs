//! More threads than a store may want to read at once.

use mpg_core::id::{AgentName, ConversationId, Place, RootId, SessionId, ThreadId};
use mpg_core::record::Record;
use mpg_core::snapshot::Session;

use super::clause::{at, channel, seen, turn};
use super::{StoreFactory, Subject};

pub(super) async fn many_threads_read_back<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    for threads in [0..256, 256..700] {
        let batch: Vec<Record> = threads.flat_map(thread).collect();
        subject.commit(&batch).await;
        subject.settle("many threads").await;
    }
    let forgotten = (0..700).filter(|number| number % 3 != 0);
    let batch: Vec<Record> = forgotten
        .map(|number| Record::ThreadForgotten {
            root: RootId::of_place(&place(number)),
        })
        .collect();
    subject.commit(&batch).await;
    subject.settle("a third of many threads").await;
    assert_eq!(subject.expected.threads.len(), 234);
    subject.close().await;
}

/// A thread with two conversations and two messages.
fn thread(number: u64) -> Vec<Record> {
    let place = place(number);
    let root = RootId::of_place(&place);
    let bound = |agent: Option<&str>, attempt| Record::SessionBound {
        conversation: ConversationId {
            root: root.clone(),
            agent: agent.map(AgentName::new),
        },
        session: Session {
            id: SessionId::of_turn(turn(number.into()), attempt),
            directory: "/work".to_owned(),
            answered: true,
            allowed: Vec::new(),
            forked_from: None,
        },
    };
    vec![
        Record::ThreadBound {
            root: root.clone(),
            place: place.clone(),
            at: at(1),
        },
        bound(None, 0),
        bound(Some("pm"), 1),
        seen(&place, number),
        seen(&place, number + 1),
    ]
}

fn place(number: u64) -> Place {
    Place::thread(channel(), ThreadId::new(number.to_string()))
}
