//! Messages that are handed to a running turn.

use mpg_core::id::SessionId;
use mpg_core::record::Record;
use mpg_core::snapshot::Session;
use uuid::Uuid;

use super::clause::{at, conversation, queued, started, turn};
use super::{StoreFactory, Subject};

/// Checks that what is handed to a turn that runs waits until it is taken in, begins, or the session
/// goes.
pub(super) async fn what_is_handed_over_waits<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    let steered = |number| Record::TurnSteered {
        conversation: conversation(None),
        turn: turn(number),
    };
    let bound = || Record::SessionBound {
        conversation: conversation(None),
        session: Session {
            id: SessionId::from_uuid(Uuid::from_u128(1)),
            directory: "/srv".to_owned(),
            answered: false,
            allowed: Vec::new(),
            forked_from: None,
        },
    };
    subject
        .commit(&[
            queued(None, 1),
            queued(None, 2),
            queued(None, 3),
            steered(2),
        ])
        .await;
    subject.settle("without a session nothing is handed").await;
    let waiting = subject.expected.conversation(&conversation(None));
    assert_eq!(waiting.map(|known| known.steered.len()), Some(0));
    subject
        .commit(&[
            bound(),
            started(None, 1, 1),
            steered(2),
            steered(3),
            steered(9),
        ])
        .await;
    subject.settle("what waits is handed to what runs").await;
    let absorbed = |number| Record::TurnAbsorbed {
        conversation: conversation(None),
        turn: turn(number),
        by: turn(1),
        at: at(77),
    };
    subject.commit(&[absorbed(2), absorbed(9)]).await;
    subject.settle("what is taken in waits no more").await;
    let waiting = subject.expected.conversation(&conversation(None));
    assert_eq!(waiting.map(|known| known.steered.len()), Some(1));
    subject.commit(&[bound()]).await;
    subject.settle("another session has nothing of it").await;
    subject.commit(&[steered(3)]).await;
    subject.settle("it is handed again").await;
    subject.close().await;
}
