//! What is looked at beside the gateway: events, turns, transcripts and tokens.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use jiff::Timestamp;
use mpg_core::agent::{ContextUse, Usage};
use mpg_core::audit::Actor;
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place,
    PlatformId, RootId, TurnId, UserId,
};
use mpg_core::port::Store as _;
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{Disposition, Record, TurnOutcome};
use mpg_core::snapshot::{Origin, QueuedTurn};
use mpg_core::token::{Scope, Token, Tokens as _};
use mpg_core::view::{Content, TurnQuery, TurnState, Views as _};
use mpg_store::SqliteStore;
use uuid::Uuid;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn channel() -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"))
}

fn conversation() -> ConversationId {
    ConversationId {
        root: RootId::of_message(channel(), MessageId::new("1")),
        agent: Some(AgentName::new("pm")),
    }
}

fn turn(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

fn queued(number: u128) -> Record {
    Record::TurnQueued {
        conversation: conversation(),
        turn: QueuedTurn {
            id: turn(number),
            cause: message(),
            author: UserId::new("user-77"),
            prompt: format!("a secret plan {number}"),
            attachments: Vec::new(),
            at: at(10),
            origin: Origin::Person,
        },
    }
}

fn message() -> MessageRef {
    MessageRef {
        place: Place::channel(channel()),
        message: MessageId::new("1"),
    }
}

fn usage() -> Usage {
    Usage {
        cost_microdollars: 70,
        steps: 9,
        context: Some(ContextUse {
            used: 30_000,
            window: 200_000,
        }),
        ..Usage::default()
    }
}

/// A message with a turn that was answered, and one that waits.
fn exchange() -> Vec<Record> {
    let ConversationId { root, .. } = conversation();
    let answer = PostKind::Answer {
        turn: turn(1),
        agent: Some(AgentName::new("pm")),
    };
    vec![
        Record::MessageSeen {
            message: message(),
            author: UserId::new("user-77"),
            disposition: Disposition::Accepted,
            at: at(10),
        },
        queued(1),
        Record::TurnStarted {
            conversation: conversation(),
            turn: turn(1),
            attempt: 1,
            continues: false,
            at: at(12),
        },
        queued(2),
        Record::TurnEnded {
            conversation: conversation(),
            turn: turn(1),
            outcome: TurnOutcome::Answered,
            usage: usage(),
            at: at(20),
        },
        Record::DeliveryPlanned {
            root,
            post: Post::new(DeliveryId::of_turn(turn(1), 0), answer, "a secret answer"),
            at: at(20),
        },
    ]
}

#[tokio::test]
async fn the_past_is_looked_at_while_the_gateway_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    assert_eq!(store.newest_event().await.unwrap(), 0);
    store.commit(&exchange()).await.unwrap();

    let all = TurnQuery {
        limit: 10,
        ..TurnQuery::default()
    };
    let turns = store.recent_turns(&all).await.unwrap();
    let ids: Vec<_> = turns.iter().map(|it| (it.id, it.state)).collect();
    assert_eq!(
        ids,
        [(turn(2), TurnState::Queued), (turn(1), TurnState::Ended)]
    );
    assert_eq!(turns[1].conversation, conversation());
    assert_eq!(turns[1].outcome.as_deref(), Some("answered"));
    assert_eq!(turns[1].started_at, Some(at(12)));
    assert_eq!(turns[1].usage, usage());
    assert_eq!(turns[0].usage, Usage::default());
    for narrower in [
        TurnQuery {
            turn: Some(turn(1)),
            ..all.clone()
        },
        TurnQuery {
            state: Some(TurnState::Ended),
            ..all.clone()
        },
        TurnQuery {
            before: Some(turns[0].number),
            ..all.clone()
        },
    ] {
        let found = store.recent_turns(&narrower).await.unwrap();
        assert_eq!(found, turns[1..], "{narrower:?}");
    }
    let root = conversation().root;
    let here = TurnQuery {
        thread: Some(root.clone()),
        limit: 1,
        ..all.clone()
    };
    assert_eq!(store.recent_turns(&here).await.unwrap(), turns[..1]);
    let mut in_channel = TurnQuery {
        channel: Some(root.channel.clone()),
        ..all.clone()
    };
    assert_eq!(store.recent_turns(&in_channel).await.unwrap(), turns);
    in_channel.channel = Some(ChannelKey::new(
        root.channel.platform.clone(),
        ChannelId::new("elsewhere"),
    ));
    assert_eq!(store.recent_turns(&in_channel).await.unwrap(), []);

    let transcript = store.transcript(&root, 10).await.unwrap().unwrap();
    let texts: Vec<_> = transcript.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(
        texts,
        ["a secret plan 1", "a secret plan 2", "a secret answer"]
    );
    assert!(matches!(&transcript[2].content, Content::Posted { state, .. } if state == "planned"));
    let newest = store.transcript(&root, 1).await.unwrap().unwrap();
    assert_eq!(newest, transcript[2..]);
    let elsewhere = RootId::of_message(channel(), MessageId::new("9"));
    assert_eq!(store.transcript(&elsewhere, 10).await.unwrap(), None);

    let owed = store.owed(10).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].root, root);
    let activity = store.activity(at(0), 15).await.unwrap();
    assert_eq!(activity.len(), 1);
    assert_eq!((activity[0].begins, activity[0].turns), (at(15), 1));
    assert_eq!(activity[0].waited_ms, 2_000);
    let of_one_turn_alone = Usage {
        context: None,
        ..usage()
    };
    assert_eq!(activity[0].usage, of_one_turn_alone);
    assert!(store.activity(at(21), 15).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_are_stored_with_their_facts_and_hold_no_texts() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&exchange()).await.unwrap();
    let events = store.events(0, 100).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "message",
            "turn-queued",
            "turn-started",
            "turn-queued",
            "turn-ended",
            "post-planned"
        ]
    );
    for event in &events {
        assert!(!event.detail.contains("secret"), "{event:?}");
        assert!(!event.detail.contains("user-77"), "{event:?}");
    }
    assert_eq!(events[4].thread, Some(conversation().root));
    assert!(events[4].detail.contains(r#""agent":"pm""#), "{events:?}");

    let third = events[2].number;
    assert_eq!(store.events(third, 2).await.unwrap(), events[3..5]);
    let newest = store.newest_event().await.unwrap();
    assert_eq!(newest, events[5].number);
    // Numbers go on behind the last one, whoever opens the state.
    store.close().await.unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&[queued(3)]).await.unwrap();
    let later = store.events(newest, 100).await.unwrap();
    assert_eq!(later.len(), 1);
    assert!(later[0].number > newest);
}

#[tokio::test]
async fn tokens_are_kept_and_removed_once() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let token = |id: &str, scope, second| Token {
        id: id.to_owned(),
        hash: [9; 32],
        scope,
        name: "ci".to_owned(),
        created_at: at(second),
        expires_at: (scope == Scope::Admin).then(|| at(99)),
    };
    let tokens = [
        token("b", Scope::Read, 1),
        token("a", Scope::Write, 2),
        token("c", Scope::Admin, 3),
    ];
    for token in &tokens {
        store.add_token(token, &Actor::Gateway).await.unwrap();
    }
    assert!(
        store.add_token(&tokens[0], &Actor::Gateway).await.is_err(),
        "there is one"
    );
    store.close().await.unwrap();

    let store = SqliteStore::open(home.path()).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), tokens);
    assert_eq!(store.token("a").await.unwrap().as_ref(), Some(&tokens[1]));
    assert_eq!(store.token("x").await.unwrap(), None);
    assert!(store.remove_token("a", &Actor::Gateway).await.unwrap());
    assert!(!store.remove_token("a", &Actor::Gateway).await.unwrap());
    assert_eq!(store.token("a").await.unwrap(), None);
    store.commit(&exchange()).await.unwrap();
}

#[tokio::test]
async fn what_was_said_from_outside_is_known_by_its_key() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&exchange()).await.unwrap();
    let installation = store.load().await.unwrap().installation;
    let ConversationId { root, .. } = conversation();
    let id = |key: &str| DeliveryId::of_prompt(installation, key, "x");
    let planned = |key: &str, kind: PostKind| Record::DeliveryPlanned {
        root: root.clone(),
        post: Post::new(id(key), kind, "x"),
        at: at(30),
    };
    let records = [
        planned("made", PostKind::Told),
        planned("lost", PostKind::Told),
        planned("dead", PostKind::Told),
        planned("owed", PostKind::Prompt { agent: None }),
        planned("of another kind", PostKind::Notice),
    ];
    store.commit(&records).await.unwrap();
    let ended = [
        Record::DeliveryConfirmed {
            root: root.clone(),
            delivery: id("made"),
            message: MessageId::new("7"),
        },
        Record::DeliveryDropped {
            root: root.clone(),
            delivery: id("lost"),
        },
        Record::DeliveryDead {
            root: root.clone(),
            delivery: id("dead"),
            reason: "gone".to_owned(),
            at: at(31),
        },
    ];
    store.commit(&ended).await.unwrap();
    for (key, known) in [
        ("made", true),
        ("owed", true),
        ("dead", true),
        ("lost", false),
        ("of another kind", false),
        ("x", false),
    ] {
        let found = store.prompted(key).await.unwrap();
        assert_eq!(found, Some(id(key)).filter(|_| known), "{key}");
    }
    store.close().await.unwrap();
}
