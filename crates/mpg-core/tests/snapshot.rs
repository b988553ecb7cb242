//! What records make of the state, those that do not fit it included.

use jiff::Timestamp;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, InstallationId, MessageId, MessageRef, Place,
    PlatformId, RootId, TurnId, UserId,
};
use mpg_core::record::Record;
use mpg_core::snapshot::{Conversation, Origin, QueuedTurn, Snapshot};
use uuid::Uuid;

fn place() -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new("chat"),
        ChannelId::new("1"),
    ))
}

fn here() -> ConversationId {
    ConversationId {
        root: RootId::of_place(&place()),
        agent: None,
    }
}

fn turn(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

fn started(number: u128, attempt: u32) -> Record {
    Record::TurnStarted {
        conversation: here(),
        turn: turn(number),
        attempt,
        continues: false,
        at: Timestamp::UNIX_EPOCH,
    }
}

/// A conversation with so many turns, of which the first runs.
fn running(turns: u128) -> Snapshot {
    let mut state = Snapshot::new(InstallationId::from_uuid(Uuid::nil()));
    for number in 1..=turns {
        state.apply(&Record::TurnQueued {
            conversation: here(),
            turn: QueuedTurn {
                id: turn(number),
                cause: MessageRef {
                    place: place(),
                    message: MessageId::new(number.to_string()),
                },
                author: UserId::new("ann"),
                prompt: "work".to_owned(),
                attachments: Vec::new(),
                at: Timestamp::UNIX_EPOCH,
                origin: Origin::Person,
            },
        });
    }
    state.apply(&started(1, 1));
    state
}

fn conversation(state: &Snapshot) -> &Conversation {
    state.conversation(&here()).expect("it is known")
}

#[test]
fn a_turn_starts_while_no_other_runs_and_again_while_it_does() {
    let mut state = running(2);
    let before = state.clone();
    state.apply(&started(2, 1));
    state.apply(&started(3, 7));
    assert_eq!(state, before);
    state.apply(&started(1, 2));
    let running = conversation(&state).running.as_deref();
    let running = running.map(|running| (running.turn.id, running.attempt));
    assert_eq!(running, Some((turn(1), 2)));
}

#[test]
fn a_queue_that_is_empty_takes_no_room() {
    assert_eq!(conversation(&running(1)).queue.capacity(), 0);
    assert_eq!(conversation(&running(2)).queue.len(), 1);
}
