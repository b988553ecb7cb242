//! The suite's clauses, one a function.

use jiff::{SignedDuration, Timestamp};
use mpg_core::agent::Usage;
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place,
    PlatformId, Position, RootId, SessionId, ThreadId, TurnId, UserId,
};
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{Disposition, ParkReason, Record, TurnOutcome, UnboundReason};
use mpg_core::snapshot::{DeadLetter, KnownChannel, Origin, QueuedTurn, Session};
use uuid::Uuid;

use super::{StoreFactory, Subject, asking, crowd, past, reading, said, steering};

/// Checks one clause after the other, each on a state of its own.
///
/// # Panics
///
/// Panics at the first clause that the store breaks, naming it.
pub async fn clauses<F: StoreFactory>(factory: &F) {
    an_installation_keeps_its_id(factory).await;
    positions_move(factory).await;
    reading::a_message_is_seen_once(factory).await;
    reading::old_messages_count_as_seen(factory).await;
    reading::what_was_read_back_counts_as_seen(factory).await;
    crowd::many_threads_read_back(factory).await;
    gaps_open_and_close(factory).await;
    a_thread_is_bound_and_rebound(factory).await;
    turns_wait_in_order(factory).await;
    steering::what_is_handed_over_waits(factory).await;
    one_turn_runs_at_a_time(factory).await;
    a_parked_turn_waits_and_goes_on(factory).await;
    a_session_outlives_its_turns(factory).await;
    asking::what_is_asked_lasts_as_long_as_its_turn(factory).await;
    asking::rules_are_kept(factory).await;
    deliveries_stay_in_order(factory).await;
    dead_letters_are_kept(factory).await;
    a_forgotten_thread_stays_forgotten(factory).await;
    a_commit_twice_changes_what_it_says(factory).await;
    nothing_is_a_commit_too(factory).await;
    said::what_was_said_reads_back(factory).await;
    past::what_was_done_reads_back(factory).await;
}

async fn an_installation_keeps_its_id<F: StoreFactory>(factory: &F) {
    let mut one = Subject::open(factory).await;
    let other = Subject::open(factory).await;
    assert_ne!(
        one.expected.installation, other.expected.installation,
        "two installations have ids of their own"
    );
    one.reopen().await;
    one.check(|| "an installation keeps its id".to_owned())
        .await;
    one.close().await;
    other.close().await;
}

async fn positions_move<F: StoreFactory>(factory: &F) {
    let moved = |platform: &str, position: &str| Record::PositionMoved {
        platform: PlatformId::new(platform),
        position: Position::new(position),
    };
    let mut subject = Subject::open(factory).await;
    subject
        .commit(&[moved("chat", "5"), moved("other", "a")])
        .await;
    subject.commit(&[moved("chat", "4")]).await;
    subject.settle("each platform has its last position").await;
    let positions = &subject.expected.positions;
    assert_eq!(positions[&PlatformId::new("chat")].as_str(), "4");
    assert_eq!(positions.len(), 2);
    subject.close().await;
}

async fn gaps_open_and_close<F: StoreFactory>(factory: &F) {
    let opened = |second| Record::GapOpened {
        channel: channel(),
        at: at(second),
    };
    let known = |second| Record::ChannelKnown {
        channel: channel(),
        at: at(second),
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[opened(1)]).await;
    subject
        .settle("nothing is missing from what is unknown")
        .await;
    assert!(subject.expected.channels.is_empty());
    subject.commit(&[known(2), known(3), opened(4)]).await;
    subject.commit(&[opened(5)]).await;
    subject.settle("a gap is as old as its first notice").await;
    assert_eq!(
        subject.expected.channels[&channel()],
        KnownChannel {
            since: at(2),
            gap: Some(at(4)),
        }
    );
    let closed = |given_up| Record::GapClosed {
        channel: channel(),
        given_up,
    };
    subject.commit(&[closed(None)]).await;
    subject.settle("a gap is closed").await;
    assert_eq!(subject.expected.channels[&channel()].gap, None);
    subject.commit(&[opened(6), closed(Some(at(7)))]).await;
    subject.settle("a gap is given up").await;
    assert_eq!(subject.expected.channels[&channel()].since, at(7));
    subject.close().await;
}

async fn a_thread_is_bound_and_rebound<F: StoreFactory>(factory: &F) {
    let bound = |place, second| Record::ThreadBound {
        root: root(),
        place,
        at: at(second),
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[bound(thread_place(), 1)]).await;
    subject.settle("a thread is known from its place on").await;
    subject.commit(&[bound(Place::channel(channel()), 2)]).await;
    subject.settle("a thread falls back to its channel").await;
    let thread = &subject.expected.threads[&root()];
    assert_eq!(thread.place, Some(Place::channel(channel())));
    assert_eq!(thread.active_at, at(1), "binding again is no activity");
    subject.close().await;
}

async fn turns_wait_in_order<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    // Ids that sort against their order.
    subject.commit(&[queued(None, 9), queued(None, 3)]).await;
    subject
        .commit(&[queued(None, 6), queued(Some("pm"), 1)])
        .await;
    subject
        .settle("turns wait in the order of their records")
        .await;
    subject
        .commit(&[
            Record::QueuedEdited {
                conversation: conversation(None),
                turn: turn(3),
                prompt: "changed".to_owned(),
            },
            Record::QueuedDropped {
                conversation: conversation(None),
                turn: turn(9),
            },
            // The other agent's queue has no such turn.
            Record::QueuedDropped {
                conversation: conversation(Some("pm")),
                turn: turn(6),
            },
        ])
        .await;
    subject
        .settle("a waiting turn is changed and dropped")
        .await;
    let waiting = &subject.expected.conversation(&conversation(None));
    assert_eq!(waiting.map(|known| known.queue.len()), Some(2));
    subject.close().await;
}

async fn one_turn_runs_at_a_time<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    subject
        .commit(&[queued(None, 1), queued(None, 2), queued(Some("pm"), 3)])
        .await;
    subject.commit(&[started(None, 1, 1)]).await;
    subject.settle("a turn leaves the queue and runs").await;
    subject.commit(&[started(None, 2, 1)]).await;
    subject
        .settle("a second turn of a conversation waits")
        .await;
    subject.commit(&[started(None, 1, 2)]).await;
    subject.settle("a turn has another attempt").await;
    subject.commit(&[started(Some("pm"), 3, 1)]).await;
    subject.settle("another agent's turn runs beside it").await;
    subject.commit(&[ended(None, 2), ended(None, 7)]).await;
    subject.settle("only what runs can end").await;
    subject.commit(&[ended(None, 1), started(None, 2, 1)]).await;
    subject
        .settle("the next one runs when the first ended")
        .await;
    let known = subject.expected.conversation(&conversation(None)).cloned();
    let running = known.and_then(|known| known.running);
    assert_eq!(running.map(|running| running.turn.id), Some(turn(2)));
    subject.close().await;
}

async fn a_parked_turn_waits_and_goes_on<F: StoreFactory>(factory: &F) {
    let parked = |number, reason, until: Option<i64>| Record::TurnParked {
        conversation: conversation(None),
        turn: turn(number),
        reason,
        until: until.map(at),
        at: at(9),
    };
    let set_back = |number| Record::TurnSetBack {
        conversation: conversation(None),
        turn: turn(number),
    };
    let limit = ParkReason::UsageLimit;
    let mut subject = Subject::open(factory).await;
    subject.commit(&[queued(None, 1), queued(None, 2)]).await;
    subject.commit(&[parked(1, limit, None), set_back(1)]).await;
    subject.settle("only what runs is parked or set back").await;
    subject.commit(&[started(None, 1, 1), set_back(1)]).await;
    subject.commit(&[parked(2, limit, None)]).await;
    subject.settle("what waits behind it is not").await;
    subject.commit(&[parked(1, limit, Some(60))]).await;
    subject.settle("a turn is parked until some time").await;
    subject.commit(&[parked(1, limit, Some(7))]).await;
    subject.settle("a wait is shortened").await;
    subject.commit(&[set_back(1), started(None, 1, 2)]).await;
    subject.settle("the next attempt waits no more").await;
    subject
        .commit(&[parked(1, ParkReason::Interrupted, None)])
        .await;
    subject.settle("a turn is parked until somebody says").await;
    let known = subject.expected.conversation(&conversation(None)).cloned();
    let running = known.and_then(|known| known.running);
    let counts = running.map(|running| (running.waits, running.setbacks));
    assert_eq!(counts, Some((1, 2)), "a wait and two setbacks");
    let told = Record::WaitTold {
        conversation: conversation(None),
        turn: turn(2),
    };
    subject.commit(&[told, ended(None, 1)]).await;
    subject.settle("what ended waits no more").await;
    subject.commit(&[started(None, 2, 1)]).await;
    subject.settle("and leaves nothing to the next").await;
    subject.close().await;
}

async fn a_session_outlives_its_turns<F: StoreFactory>(factory: &F) {
    let bound = |first| Record::SessionBound {
        conversation: conversation(None),
        session: Session {
            id: SessionId::of_turn(turn(first), 0),
            directory: "/work".to_owned(),
            answered: false,
            allowed: Vec::new(),
            forked_from: None,
        },
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[bound(1)]).await;
    subject.settle("a session needs a conversation").await;
    subject
        .commit(&[queued(None, 1), bound(1), started(None, 1, 1)])
        .await;
    subject.settle("a session is bound").await;
    subject.commit(&[ended(None, 1)]).await;
    subject
        .settle("a session that answered can be resumed")
        .await;
    let known = subject.expected.conversation(&conversation(None)).cloned();
    let answered = known.and_then(|known| known.session).map(|s| s.answered);
    assert_eq!(answered, Some(true));
    for reason in UnboundReason::ALL {
        let unbound = Record::SessionUnbound {
            conversation: conversation(None),
            reason,
        };
        subject.commit(&[unbound]).await;
        subject
            .settle("a conversation knows why it has no session")
            .await;
    }
    subject.commit(&[bound(2)]).await;
    subject.settle("a conversation has a new session").await;
    subject.close().await;
}

async fn deliveries_stay_in_order<F: StoreFactory>(factory: &F) {
    let confirmed = |index| Record::DeliveryConfirmed {
        root: root(),
        delivery: DeliveryId::of_turn(turn(1), index),
        message: MessageId::new("88"),
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[planned(0)]).await;
    subject.settle("nothing is owed to an unknown thread").await;
    subject
        .commit(&[queued(None, 1), planned(3), planned(1)])
        .await;
    subject.commit(&[planned(2), planned(0)]).await;
    subject
        .settle("posts are owed in the order of their records")
        .await;
    subject.commit(&[confirmed(1), confirmed(9)]).await;
    subject.settle("a confirmed post is owed no more").await;
    let dead = Record::DeliveryDead {
        root: root(),
        delivery: DeliveryId::of_turn(turn(1), 2),
        reason: "the place is gone".to_owned(),
        at: at(50),
    };
    subject.commit(&[dead, planned(4)]).await;
    subject.settle("a dead post is owed no more").await;
    assert_eq!(subject.expected.threads[&root()].deliveries.len(), 3);
    let dropped = Record::DeliveryDropped {
        root: root(),
        delivery: DeliveryId::of_turn(turn(1), 4),
    };
    subject.commit(&[dropped]).await;
    subject.settle("a post that is left out is gone").await;
    assert_eq!(subject.expected.threads[&root()].deliveries.len(), 2);
    assert_eq!(
        subject.expected.threads[&root()].confirmed,
        Some(MessageId::new("88"))
    );
    let raised = Record::FloorRaised {
        root: root(),
        after: MessageId::new("99"),
    };
    subject.commit(&[raised]).await;
    subject.settle("it stands behind another's post").await;
    let elsewhere = Record::ThreadBound {
        root: root(),
        place: thread_place(),
        at: at(60),
    };
    subject.commit(&[elsewhere]).await;
    subject
        .settle("what was confirmed in another place says nothing")
        .await;
    assert_eq!(subject.expected.threads[&root()].confirmed, None);
    subject.close().await;
}

async fn dead_letters_are_kept<F: StoreFactory>(factory: &F) {
    let dead = |index| Record::DeliveryDead {
        root: root(),
        delivery: DeliveryId::of_turn(turn(1), index),
        reason: format!("reason {index}"),
        at: at(50),
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[queued(None, 1), dead(0)]).await;
    subject.settle("a post that is not owed does not die").await;
    assert!(subject.expected.dead.is_empty());
    for index in 0..110 {
        subject.commit(&[planned(index), dead(index)]).await;
    }
    subject.settle("the newest dead letters are kept").await;
    assert_eq!(subject.expected.dead.len(), DeadLetter::KEPT);
    assert_eq!(subject.expected.dead[0].reason, "reason 10");
    subject
        .commit(&[Record::ThreadForgotten { root: root() }, planned(20)])
        .await;
    subject.settle("they outlive their thread").await;
    assert_eq!(subject.expected.dead.len(), DeadLetter::KEPT);
    let again = Record::ThreadBound {
        root: root(),
        place: Place::channel(channel()),
        at: at(60),
    };
    subject.commit(&[again, planned(20)]).await;
    subject
        .settle("one that is planned again is dead no more")
        .await;
    assert_eq!(subject.expected.dead.len(), DeadLetter::KEPT - 1);
    subject.close().await;
}

async fn a_forgotten_thread_stays_forgotten<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    subject
        .commit(&[
            queued(None, 1),
            queued(Some("pm"), 2),
            Record::ThreadBound {
                root: root(),
                place: thread_place(),
                at: at(1),
            },
            seen(&thread_place(), 5),
            seen(&Place::channel(channel()), 5),
            started(None, 1, 1),
            planned(0),
        ])
        .await;
    subject.settle("a thread with all that it can have").await;
    subject
        .commit(&[Record::ThreadForgotten { root: root() }])
        .await;
    subject
        .settle("a forgotten thread takes its messages along")
        .await;
    assert!(subject.expected.threads.is_empty());
    assert_eq!(subject.expected.seen.len(), 1, "the channel's stay");
    subject
        .commit(&[planned(1), started(None, 1, 2), ended(None, 1)])
        .await;
    subject.settle("what comes late does not revive it").await;
    subject.commit(&[queued(None, 1)]).await;
    subject.settle("a new turn does, without its past").await;
    subject.close().await;
}

async fn a_commit_twice_changes_what_it_says<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    let all = [
        seen(&thread_place(), 5),
        queued(None, 1),
        started(None, 1, 1),
        planned(0),
        ended(None, 1),
        Record::DeliveryConfirmed {
            root: root(),
            delivery: DeliveryId::of_turn(turn(1), 0),
            message: MessageId::new("88"),
        },
    ];
    for _ in 0..3 {
        subject.commit(&all).await;
        subject
            .settle("a commit that comes again is no damage")
            .await;
    }
    subject.commit(&all[2..]).await;
    subject
        .settle("the rest of a commit that comes again")
        .await;
    subject.close().await;
}

async fn nothing_is_a_commit_too<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    subject.commit(&[]).await;
    subject.settle("nothing").await;
    subject.close().await;
}

impl<F: StoreFactory> Subject<'_, F> {
    /// Checks what is loaded now and after reopening.
    pub(super) async fn settle(&mut self, clause: &str) {
        self.check(|| clause.to_owned()).await;
        self.reopen().await;
        self.check(|| format!("{clause} (reopened)")).await;
    }
}

pub(super) fn channel() -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"))
}

pub(super) fn thread_place() -> Place {
    Place::thread(channel(), ThreadId::new("7"))
}

fn root() -> RootId {
    RootId::of_place(&thread_place())
}

pub(super) fn conversation(agent: Option<&str>) -> ConversationId {
    ConversationId {
        root: root(),
        agent: agent.map(AgentName::new),
    }
}

pub(super) fn turn(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::new(1_770_000_000 + second, 123_456_789)
}

pub(super) fn seen(place: &Place, message: u64) -> Record {
    Record::MessageSeen {
        message: MessageRef {
            place: place.clone(),
            message: MessageId::new(message.to_string()),
        },
        author: UserId::new("ann"),
        disposition: Disposition::Accepted,
        at: at(0),
    }
}

pub(super) fn queued(agent: Option<&str>, number: u128) -> Record {
    Record::TurnQueued {
        conversation: conversation(agent),
        turn: QueuedTurn {
            id: turn(number),
            cause: MessageRef {
                place: Place::channel(channel()),
                message: MessageId::new("7"),
            },
            author: UserId::new("ann"),
            prompt: format!("prompt {number}"),
            attachments: Vec::new(),
            at: at(10),
            origin: Origin::Person,
        },
    }
}

pub(super) fn started(agent: Option<&str>, number: u128, attempt: u32) -> Record {
    Record::TurnStarted {
        conversation: conversation(agent),
        turn: turn(number),
        attempt,
        continues: attempt > 1,
        at: at(20),
    }
}

pub(super) fn ended(agent: Option<&str>, number: u128) -> Record {
    Record::TurnEnded {
        conversation: conversation(agent),
        turn: turn(number),
        outcome: TurnOutcome::Answered,
        usage: Usage::default(),
        at: at(30),
    }
}

fn planned(index: u32) -> Record {
    Record::DeliveryPlanned {
        root: root(),
        post: Post::new(
            DeliveryId::of_turn(turn(1), index),
            PostKind::Notice,
            format!("post {index}"),
        ),
        at: at(40),
    }
}
