//! What is counted is what was stored.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use mpg_core::agent::{FailureKind, TurnFailure, Usage};
use mpg_core::id::{
    AgentName, ConversationId, DeliveryId, MessageId, MessageRef, Place, RootId, TurnId, UserId,
};
use mpg_core::observe::{Observer as _, Sight};
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{Disposition, Record, TurnOutcome};
use mpg_core::snapshot::{Origin, QueuedTurn};
use uuid::Uuid;

use crate::stage::{Stage, channel};

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

fn message(id: &str) -> MessageRef {
    MessageRef {
        place: Place::channel(channel()),
        message: MessageId::new(id),
    }
}

/// One message with its turn and its answer.
fn exchange(turn: TurnId, agent: Option<&str>, outcome: TurnOutcome) -> Vec<Record> {
    let root = RootId::of_message(channel(), MessageId::new("1"));
    let conversation = ConversationId {
        root: root.clone(),
        agent: agent.map(AgentName::new),
    };
    let delivery = DeliveryId::of_turn(turn, 0);
    let answer = PostKind::Answer { turn, agent: None };
    vec![
        Record::MessageSeen {
            message: message("1"),
            author: UserId::new("user-77"),
            disposition: Disposition::Accepted,
            at: at(0),
        },
        Record::TurnQueued {
            conversation: conversation.clone(),
            turn: QueuedTurn {
                id: turn,
                cause: message("1"),
                author: UserId::new("user-77"),
                prompt: "a secret plan".to_owned(),
                attachments: Vec::new(),
                at: at(0),
                origin: Origin::Person,
            },
        },
        Record::TurnStarted {
            conversation: conversation.clone(),
            turn,
            attempt: 1,
            continues: false,
            at: at(20),
        },
        Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage: Usage {
                input_tokens: 10,
                output_tokens: 5,
                cost_microdollars: 250_000,
                ..Usage::default()
            },
            at: at(2_020),
        },
        Record::DeliveryPlanned {
            root: root.clone(),
            post: Post::new(delivery, answer, "a secret answer"),
            at: at(2_020),
        },
        Record::DeliveryConfirmed {
            root,
            delivery,
            message: MessageId::new("2"),
        },
    ]
}

#[tokio::test]
async fn a_turn_is_counted_by_project_agent_and_outcome() {
    let stage = Stage::new();
    let turn = |number| TurnId::from_uuid(Uuid::from_u128(number));
    let failed = TurnOutcome::Failed(TurnFailure {
        kind: FailureKind::UsageLimit,
        message: "a secret message".to_owned(),
        resets_at: None,
    });
    for records in [
        exchange(turn(1), None, TurnOutcome::Answered),
        exchange(turn(2), Some("nobody-we-know"), failed),
    ] {
        let sight = Sight::Committed {
            records: &records,
            took: Duration::from_micros(300),
        };
        stage.watch.see(at(2_050), &sight);
    }
    let place = Place::channel(channel());
    for limited in [true, false] {
        let sight = Sight::Retrying {
            place: &place,
            delivery: DeliveryId::of_turn(turn(1), 0),
            limited,
        };
        stage.watch.see(at(2_050), &sight);
    }

    let answer = stage.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = &answer.body;
    for line in [
        "mpg_messages_total{platform=\"chat\",disposition=\"accepted\"} 2",
        "mpg_turns_total{project=\"demo\",agent=\"\",outcome=\"answered\",reason=\"\"} 1",
        "mpg_turns_total{project=\"demo\",agent=\"other\",outcome=\"failed\",reason=\"usage-limit\"} 1",
        "mpg_tokens_total{project=\"demo\",agent=\"\",direction=\"input\"} 10",
        "mpg_cost_dollars_total{project=\"demo\",agent=\"\"} 0.25",
        "mpg_turn_wait_seconds_sum{project=\"demo\",agent=\"\"} 0.02",
        "mpg_turn_duration_seconds_sum{project=\"demo\",agent=\"\"} 2.0",
        "mpg_deliveries_total{platform=\"chat\",kind=\"answer\",end=\"confirmed\"} 2",
        "mpg_delivery_duration_seconds_sum{platform=\"chat\"} 0.06",
        "mpg_delivery_retries_total{platform=\"chat\"} 2",
        "mpg_delivery_rate_limits_total{platform=\"chat\"} 1",
        "mpg_records_total 12",
        "mpg_commit_duration_seconds_count 2",
        "mpg_platform_connected{platform=\"chat\"} 0",
        "mpg_turns_running 0",
        "mpg_resident_memory_bytes 4096",
        "mpg_build{version=\"1.2.3\"} 1",
        "# EOF",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no {line:?} in\n{text}"
        );
    }
    for secret in ["secret", "user-77", "nobody-we-know", "/srv/demo"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
}

#[tokio::test]
async fn one_that_has_ended_has_nothing_to_count() {
    let stage = Stage::new();
    stage.desk.says(None);
    let answer = stage.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
