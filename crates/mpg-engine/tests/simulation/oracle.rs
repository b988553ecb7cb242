//! What must hold at the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::id::{
    ConversationId, DeliveryId, InstallationId, MessageRef, Place, Root, RootId, ThreadId, TurnId,
};
use mpg_core::post::PostKind;
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::Snapshot;
use mpg_core::wording;
use mpg_testkit::fake::{FakePlatform, Happening};

use crate::people::People;

/// How much of what can happen did: a simulation in which nothing happens shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) runs: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) resumed: u64,
    pub(crate) adopted: u64,
    pub(crate) read_back: u64,
    pub(crate) repeated: u64,
    pub(crate) dropped: u64,
    pub(crate) commands: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.answered += other.answered;
        self.failed += other.failed;
        self.resumed += other.resumed;
        self.adopted += other.adopted;
        self.read_back += other.read_back;
        self.repeated += other.repeated;
        self.dropped += other.dropped;
        self.commands += other.commands;
    }
}

/// What the records say about one turn.
#[derive(Debug)]
struct Turn {
    conversation: ConversationId,
    cause: MessageRef,
    outcomes: Vec<Outcome>,
    planned: Vec<DeliveryId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Dropped,
    Answered,
    Failed,
    Cut,
}

/// Checks what people saw against what they did and what was stored.
pub(crate) fn check(
    chat: &FakePlatform,
    people: &People,
    made: &[Record],
    last: &Snapshot,
) -> Seen {
    let (turns, order) = turns(made, chat);
    let shown = shown(chat);
    let mut seen = Seen {
        runs: 1,
        ..Seen::default()
    };
    let mut accepted = 0;
    for (message, word) in &people.questions {
        let id = TurnId::of_message(last.installation, message, None);
        let Some(turn) = turns.get(&id) else {
            // What is gone before it is read cannot be read back.
            let gone = people.deleted.contains(message) || people.removed.contains(&message.place);
            assert!(gone, "{word} was not accepted:\n{}", chat.transcript());
            continue;
        };
        accepted += 1;
        check_turn(chat, people, (id, turn), word, &shown, &mut seen);
    }
    assert_eq!(turns.len(), accepted, "turns out of nothing");
    check_order(chat, &turns, &order, &shown);
    check_commands(chat, people, last.installation, &mut seen);
    nothing_left(chat, last);
    seen.read_back = chat.look(|world| {
        let entries = world.entries().iter();
        let found = entries.filter_map(|entry| {
            if let Happening::LookedBack { found, .. } = &entry.happening {
                Some(*found as u64)
            } else {
                None
            }
        });
        found.sum()
    });
    seen.repeated = chat.look(|world| {
        let entries = world.entries().iter();
        let repeats = entries.filter(|e| matches!(e.happening, Happening::Repeated { .. }));
        repeats.count() as u64
    });
    seen
}

/// All turns that were accepted, and their order in each conversation.
fn turns(
    made: &[Record],
    chat: &FakePlatform,
) -> (
    BTreeMap<TurnId, Turn>,
    BTreeMap<ConversationId, Vec<TurnId>>,
) {
    let mut turns: BTreeMap<TurnId, Turn> = BTreeMap::new();
    let mut order: BTreeMap<ConversationId, Vec<TurnId>> = BTreeMap::new();
    for record in made {
        if let Record::TurnQueued { conversation, turn } = record {
            order.entry(conversation.clone()).or_default().push(turn.id);
            let accepted = Turn {
                conversation: conversation.clone(),
                cause: turn.cause.clone(),
                outcomes: Vec::new(),
                planned: Vec::new(),
            };
            let before = turns.insert(turn.id, accepted);
            assert!(
                before.is_none(),
                "{:?} was accepted twice:\n{}",
                turn.cause,
                chat.transcript()
            );
        } else if let Record::QueuedDropped { turn, .. } = record {
            turns
                .get_mut(turn)
                .expect("what is dropped was accepted")
                .outcomes
                .push(Outcome::Dropped);
        } else if let Record::TurnEnded { turn, outcome, .. } = record {
            turns
                .get_mut(turn)
                .expect("what ended was accepted")
                .outcomes
                .push(match outcome {
                    TurnOutcome::Answered => Outcome::Answered,
                    TurnOutcome::Failed(_) => Outcome::Failed,
                    TurnOutcome::Stopped | TurnOutcome::Abandoned => Outcome::Cut,
                });
        } else if let Record::DeliveryPlanned { post, .. } = record
            && let Some(turn) = turn_of(&post.kind)
        {
            turns
                .get_mut(&turn)
                .expect("what is said of a turn comes after it")
                .planned
                .push(post.id);
        }
    }
    (turns, order)
}

/// What people saw of each turn, in order.
fn shown(chat: &FakePlatform) -> BTreeMap<TurnId, Vec<(DeliveryId, String)>> {
    let mut shown: BTreeMap<TurnId, Vec<(DeliveryId, String)>> = BTreeMap::new();
    let posts = chat.look(|world| world.posts().to_vec());
    for posted in posts {
        if let Some(turn) = turn_of(&posted.post.kind) {
            let texts = shown.entry(turn).or_default();
            texts.push((posted.post.id, posted.post.text));
        }
    }
    shown
}

fn turn_of(kind: &PostKind) -> Option<TurnId> {
    match kind {
        PostKind::Answer { turn, .. } | PostKind::Failure { turn } => Some(*turn),
        PostKind::Notice | PostKind::Progress { .. } | PostKind::Reply | PostKind::Private => None,
    }
}

fn check_turn(
    chat: &FakePlatform,
    people: &People,
    (id, turn): (TurnId, &Turn),
    word: &str,
    shown: &BTreeMap<TurnId, Vec<(DeliveryId, String)>>,
    seen: &mut Seen,
) {
    let posts = shown.get(&id).map_or(&[][..], Vec::as_slice);
    let ids: Vec<DeliveryId> = posts.iter().map(|(id, _)| *id).collect();
    let report = || format!("{word}: {turn:?}, shown {posts:?}:\n{}", chat.transcript());
    assert_eq!(turn.outcomes.len(), 1, "one outcome each; {}", report());
    let thread = thread_of(&turn.conversation.root);
    if people.removed.contains(&thread) {
        let all_once = ids.iter().collect::<BTreeSet<_>>().len() == ids.len();
        assert!(all_once && turn.planned.starts_with(&ids), "{}", report());
    } else {
        assert_eq!(ids, turn.planned, "each part once, in order; {}", report());
    }
    match turn.outcomes[0] {
        Outcome::Answered => {
            seen.answered += 1;
            let text: String = posts.iter().map(|(_, text)| text.as_str()).collect();
            seen.resumed += u64::from(text.starts_with(wording::resumed()));
            let whole = text.contains(&format!("re: {word}."))
                || text.contains(&format!("re: {word} (edited)."));
            assert!(whole || people.removed.contains(&thread), "{}", report());
        }
        Outcome::Failed => seen.failed += 1,
        Outcome::Dropped => {
            seen.dropped += 1;
            let disturbed =
                people.deleted.contains(&turn.cause) || people.disturbed.contains(&thread);
            assert!(disturbed && posts.is_empty(), "{}", report());
        }
        Outcome::Cut => {
            seen.dropped += 1;
            let disturbed = people.disturbed.contains(&thread);
            assert!(disturbed && posts.is_empty(), "{}", report());
        }
    }
}

/// The thread that a conversation has, if it could be opened.
fn thread_of(root: &RootId) -> Place {
    match &root.root {
        Root::Message(message) => {
            Place::thread(root.channel.clone(), ThreadId::new(message.as_str()))
        }
        Root::Channel => Place::channel(root.channel.clone()),
    }
}

/// In each conversation, what was asked first is answered first.
fn check_order(
    chat: &FakePlatform,
    turns: &BTreeMap<TurnId, Turn>,
    order: &BTreeMap<ConversationId, Vec<TurnId>>,
    shown: &BTreeMap<TurnId, Vec<(DeliveryId, String)>>,
) {
    let mut answers: BTreeMap<&ConversationId, Vec<TurnId>> = BTreeMap::new();
    let posts = chat.look(|world| world.posts().to_vec());
    for turn in posts.iter().filter_map(|posted| turn_of(&posted.post.kind)) {
        let conversation = &turns
            .get(&turn)
            .expect("no turn out of nothing")
            .conversation;
        let answers = answers.entry(conversation).or_default();
        if answers.last() != Some(&turn) {
            answers.push(turn);
        }
    }
    for (conversation, accepted) in order {
        let accepted = accepted.iter().filter(|turn| shown.contains_key(turn));
        let accepted: Vec<TurnId> = accepted.copied().collect();
        let answered = answers.remove(conversation).unwrap_or_default();
        assert_eq!(
            accepted,
            answered,
            "{conversation} is out of order:\n{}",
            chat.transcript()
        );
    }
}

/// Each command is replied to once, unless its thread is gone.
fn check_commands(
    chat: &FakePlatform,
    people: &People,
    installation: InstallationId,
    seen: &mut Seen,
) {
    for command in &people.commands {
        seen.commands += 1;
        let id = DeliveryId::of_message(installation, command, 0);
        let replies = chat.look(|world| {
            let posts = world.posts().iter();
            posts.filter(|posted| posted.post.id == id).count()
        });
        let as_expected = if people.removed.contains(&command.place) {
            replies <= 1
        } else {
            replies == 1
        };
        assert!(
            as_expected,
            "{command:?} has {replies} replies:\n{}",
            chat.transcript()
        );
    }
}

fn nothing_left(chat: &FakePlatform, last: &Snapshot) {
    for (root, thread) in &last.threads {
        let done = thread.deliveries.is_empty()
            && thread.conversations.values().all(|conversation| {
                conversation.queue.is_empty() && conversation.running.is_none()
            });
        assert!(
            done,
            "something is left of {root}: {thread:?}:\n{}",
            chat.transcript()
        );
    }
}
