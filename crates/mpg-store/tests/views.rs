//! What people can ask about a state.

use jiff::Timestamp;
use mpg_core::agent::{FailureKind, TurnFailure, Usage};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place, PlatformId,
    RootId, TurnId, UserId,
};
use mpg_core::port::Store as _;
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::QueuedTurn;
use mpg_store::{DeadDelivery, OutcomeCount, SqliteStore};
use uuid::Uuid;

#[tokio::test]
async fn dead_deliveries_and_outcomes_are_told() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let failed = TurnOutcome::Failed(TurnFailure {
        kind: FailureKind::TimedOut,
        message: "too long".to_owned(),
    });
    let outcomes = [TurnOutcome::Answered, failed, TurnOutcome::Answered];
    for (number, outcome) in (1..).zip(outcomes) {
        store.commit(&turn(number, outcome)).await.unwrap();
    }

    let dead = |number: u32| DeadDelivery {
        root: root(),
        delivery: delivery(number),
        reason: format!("reason {number}"),
    };
    assert_eq!(
        store.dead_deliveries(2).await.unwrap(),
        [dead(3), dead(2)],
        "newest first"
    );
    let counted = |outcome: &str, failure: Option<&str>, turns| OutcomeCount {
        outcome: outcome.to_owned(),
        failure: failure.map(str::to_owned),
        turns,
    };
    assert_eq!(
        store.outcome_counts().await.unwrap(),
        [
            counted("answered", None, 2),
            counted("failed", Some("timed-out"), 1)
        ]
    );
}

fn root() -> RootId {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
    RootId::of_place(&Place::channel(channel))
}

fn delivery(number: u32) -> DeliveryId {
    DeliveryId::of_turn(TurnId::from_uuid(Uuid::nil()), number)
}

/// A turn that ran and ended, and a post of it that was given up.
fn turn(number: u32, outcome: TurnOutcome) -> [Record; 5] {
    let conversation = ConversationId {
        root: root(),
        agent: None,
    };
    let turn = TurnId::from_uuid(Uuid::from_u128(number.into()));
    let at = Timestamp::UNIX_EPOCH;
    [
        Record::TurnQueued {
            conversation: conversation.clone(),
            turn: QueuedTurn {
                id: turn,
                cause: MessageRef {
                    place: Place::channel(root().channel),
                    message: MessageId::new("5"),
                },
                author: UserId::new("ann"),
                prompt: "hello".to_owned(),
                at,
            },
        },
        Record::TurnStarted {
            conversation: conversation.clone(),
            turn,
            attempt: 1,
            continues: false,
            at,
        },
        Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage: Usage::default(),
            at,
        },
        Record::DeliveryPlanned {
            root: root(),
            post: Post {
                id: delivery(number),
                kind: PostKind::Answer { turn, agent: None },
                text: "hello".to_owned(),
                reply_to: None,
            },
            at,
        },
        Record::DeliveryDead {
            root: root(),
            delivery: delivery(number),
            reason: format!("reason {number}"),
        },
    ]
}
