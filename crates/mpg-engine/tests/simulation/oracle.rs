//! What must hold at the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::config::WhileBusy;
use mpg_core::id::{
    AgentName, ConversationId, DeliveryId, InstallationId, MessageId, MessageRef, Place, RootId,
    TurnId,
};
use mpg_core::post::PostKind;
use mpg_core::record::{ParkReason, Record};
use mpg_core::snapshot::{Origin, Snapshot, Thread};
use mpg_core::wording;
use mpg_testkit::fake::{FakePlatform, Happening};

use crate::asks::Answers;
use crate::chains::Chains;
use crate::forks::Forks;
use crate::people::{People, Question};
use crate::plan::Plan;
use crate::seen::Seen;
use crate::team;
use crate::turns::{Outcome, Shown, Turns};

/// Checks what people saw against what they did and what was stored.
pub(crate) fn check(
    chat: &FakePlatform,
    people: &People,
    plan: &Plan,
    made: &[Record],
    last: &Snapshot,
) -> Seen {
    let turns = Turns::new(made);
    let shown = Shown::new(chat);
    let chains = Chains::check(made, &turns, plan.team);
    for root in &chains.given_up {
        assert!(
            people.disturbed.contains(&people.place_of(root)),
            "nobody ended what was handed over in {root}:\n{}",
            chat.transcript()
        );
    }
    let answers = Answers::check(chat, people, plan, &turns, (made, last.installation));
    let mut seen = Seen {
        runs: 1,
        held_back: made.iter().filter(|record| is_held_back(record)).count() as u64,
        ..chains.seen
    };
    seen.add(answers.seen);
    let mut accepted = 0;
    for question in &people.questions {
        let asked = turns.of_message(&question.message);
        if answers.messages.contains(&question.message) {
            assert!(asked.is_empty(), "{question:?} is an answer and a task");
            continue;
        }
        if asked.is_empty() {
            // What is gone before it is read cannot be read back.
            let message = &question.message;
            let gone = people.deleted.contains(message)
                || people.removed.contains(&message.place)
                || may_be_lost(people, plan, message);
            assert!(gone, "{question:?} was not taken:\n{}", chat.transcript());
            continue;
        }
        check_addressed(question, &asked, &turns, last.installation);
        accepted += asked.len();
        seen.native += u64::from(people.native.contains(&question.message));
        for id in asked {
            let subject = [question.word.as_str()];
            check_turn(
                (chat, plan),
                people,
                (&turns, id),
                &subject,
                &shown,
                &mut seen,
            );
        }
    }
    for (id, turn) in &turns.all {
        let subject = match &turn.origin {
            Origin::Person => continue,
            Origin::Handoff { .. } | Origin::Joined { .. } => team::marks(&turn.prompt),
        };
        accepted += 1;
        check_turn(
            (chat, plan),
            people,
            (&turns, *id),
            &subject,
            &shown,
            &mut seen,
        );
    }
    let mut check = |id, word: &str| {
        accepted += 1;
        let subject = [word];
        check_turn(
            (chat, plan),
            people,
            (&turns, id),
            &subject,
            &shown,
            &mut seen,
        );
    };
    let forks = Forks {
        chat,
        people,
        made,
        turns: &turns,
        installation: last.installation,
    };
    let counted = forks.check(&mut check);
    seen.add(counted);
    assert_eq!(turns.all.len(), accepted, "turns out of nothing");
    check_order(chat, plan, &turns, &shown);
    check_commands(chat, people, (plan, made), last.installation, &mut seen);
    nothing_left(chat, people, last);
    check_live(chat, people, &mut seen);
    check_boards(chat, &mut seen);
    count_repairs(chat, &mut seen);
    seen
}

fn count_repairs(chat: &FakePlatform, seen: &mut Seen) {
    chat.look(|world| {
        for entry in world.entries() {
            if let Happening::LookedBack { found, .. } = &entry.happening {
                seen.read_back += *found as u64;
            } else if let Happening::Repeated { .. } = &entry.happening {
                seen.repeated += 1;
            }
        }
    });
}

/// Everybody who was named is asked; where nobody was, one is.
fn check_addressed(
    question: &Question,
    asked: &[TurnId],
    turns: &Turns,
    installation: InstallationId,
) {
    let who = asked.iter().map(|id| &turns.all[id].conversation.agent);
    let who: BTreeSet<&Option<AgentName>> = who.collect();
    for (id, turn) in asked.iter().map(|id| (id, &turns.all[id])) {
        let agent = turn.conversation.agent.as_ref();
        let expected = TurnId::of_message(installation, &question.message, agent);
        assert_eq!(*id, expected, "{turn:?}");
    }
    if question.agents.is_empty() {
        assert_eq!(asked.len(), 1, "{question:?} was for one: {who:?}");
    } else {
        let named: BTreeSet<Option<AgentName>> =
            question.agents.iter().cloned().map(Some).collect();
        assert_eq!(who, named.iter().collect(), "{question:?}");
    }
}

fn check_turn(
    (chat, plan): (&FakePlatform, &Plan),
    people: &People,
    (turns, id): (&Turns, TurnId),
    subject: &[&str],
    shown: &Shown,
    seen: &mut Seen,
) {
    let turn = &turns.all[&id];
    let posts = shown.of(id);
    let ids: Vec<DeliveryId> = posts.iter().map(|(id, _)| *id).collect();
    let report = || {
        format!(
            "{subject:?}: {turn:?}, shown {posts:?}:\n{}",
            chat.transcript()
        )
    };
    assert_eq!(turn.outcomes.len(), 1, "one outcome each; {}", report());
    let thread = people.place_of(&turn.conversation.root);
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
            let aside = text
                .strip_prefix(wording::forks::aside())
                .map(str::trim_start);
            let is_shown = !posts.is_empty();
            let is_aside = turn.conversation.root.is_aside();
            assert!(!is_shown || is_aside == aside.is_some(), "{}", report());
            let text = aside.unwrap_or(&text);
            let resumed = text.starts_with(wording::resumed());
            seen.resumed += u64::from(resumed);
            let own = subject.join(" and ");
            // A scripted agent speaks of one thing: of what it read last, where it goes on with its
            // session, and of what was deleted too late, where it read that first.
            let last = turn.took_in.iter().filter(|_| resumed);
            let late = turns.taken_back(&turn.conversation, &people.deleted);
            let subjects = last.map(String::as_str).chain(late);
            let mut subjects = subjects.chain([own.as_str()]);
            let whole = subjects.any(|subject| {
                text.contains(&format!("re: {subject}."))
                    || text.contains(&format!("re: {subject} (edited)."))
            });
            assert!(whole || people.removed.contains(&thread), "{}", report());
        }
        Outcome::Failed => seen.failed += 1,
        Outcome::Dropped => {
            seen.dropped += 1;
            let deleted = turn.origin.is_person() && people.deleted.contains(&turn.cause);
            let disturbed = deleted || people.disturbed.contains(&thread);
            assert!(disturbed && posts.is_empty(), "{}", report());
        }
        Outcome::Cut => {
            seen.dropped += 1;
            let disturbed =
                people.disturbed.contains(&thread) || plan.while_busy == WhileBusy::Interrupt;
            // What it did until then may be told, and says that it is no answer.
            let told = posts
                .first()
                .is_none_or(|(_, text)| text.starts_with("*(stopped"));
            assert!(disturbed && told, "{}", report());
            seen.partial += u64::from(!posts.is_empty());
        }
        Outcome::Absorbed => {
            seen.absorbed += 1;
            let steers = plan.while_busy == WhileBusy::Steer && turn.origin.is_person();
            assert!(steers && posts.is_empty(), "{}", report());
        }
    }
}

/// In each conversation, what was asked first is answered first. What people hand to a turn that runs
/// overtakes what agents do.
fn check_order(chat: &FakePlatform, plan: &Plan, turns: &Turns, shown: &Shown) {
    if plan.while_busy == WhileBusy::Steer {
        check_order_of(chat, turns, shown, Origin::is_person);
        check_order_of(chat, turns, shown, |origin| !origin.is_person());
    } else {
        check_order_of(chat, turns, shown, |_| true);
    }
}

fn check_order_of(chat: &FakePlatform, turns: &Turns, shown: &Shown, counts: fn(&Origin) -> bool) {
    let counts = |turn: &TurnId| counts(&turns.all[turn].origin);
    let mut answers: BTreeMap<&ConversationId, Vec<TurnId>> = BTreeMap::new();
    for turn in shown.all.iter().filter(|turn| counts(turn)) {
        let answered = turns.all.get(turn).expect("no turn out of nothing");
        let answers = answers.entry(&answered.conversation).or_default();
        if answers.last() != Some(turn) {
            answers.push(*turn);
        }
    }
    for (conversation, accepted) in &turns.order {
        let accepted = accepted
            .iter()
            .filter(|turn| counts(turn) && shown.posts.contains_key(turn));
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
    (plan, made): (&Plan, &[Record]),
    installation: InstallationId,
    seen: &mut Seen,
) {
    for command in &people.commands {
        let taken = made.iter().any(
            |record| matches!(record, Record::MessageSeen { message, .. } if message == command),
        );
        if !taken && may_be_lost(people, plan, command) {
            continue;
        }
        seen.commands += 1;
        seen.native += u64::from(people.native.contains(command));
        let id = DeliveryId::of_message(installation, command, 0);
        let replies: Vec<String> = chat.look(|world| {
            let posts = world.posts().iter();
            let replies = posts.filter(|posted| posted.post.id == id);
            replies.map(|posted| posted.post.text.clone()).collect()
        });
        let as_expected = if people.removed.contains(&command.place) {
            replies.len() <= 1
        } else {
            replies.len() == 1
        };
        assert!(
            as_expected,
            "{command:?} has the replies {replies:?}:\n{}",
            chat.transcript()
        );
        let stopped = replies.iter().filter(|text| text.contains(" stopped, "));
        seen.stops += stopped.count() as u64;
    }
}

/// Whether something was told once, by a platform that may have forgotten to.
pub(crate) fn may_be_lost(people: &People, plan: &Plan, given: &MessageRef) -> bool {
    people.native.contains(given) && plan.deaths.iter().any(|(_, meanwhile)| meanwhile.lost)
}

/// A turn is shown in one message at the most, which does not look as if it ran once it has ended.
fn check_live(chat: &FakePlatform, people: &People, seen: &mut Seen) {
    let mut shown: BTreeMap<TurnId, BTreeSet<MessageId>> = BTreeMap::new();
    chat.look(|world| {
        for entry in world.entries() {
            if let Happening::Posted { id, post, .. } = &entry.happening
                && let PostKind::Live { turn } = post.kind
            {
                shown.entry(turn).or_default().insert(id.clone());
            }
        }
        for posted in world.posts() {
            let runs = matches!(posted.post.kind, PostKind::Live { .. });
            assert!(
                !runs || people.removed.contains(&posted.place),
                "{posted:?} looks as if it ran:\n{}",
                world.transcript()
            );
        }
    });
    for (turn, messages) in &shown {
        assert_eq!(
            messages.len(),
            1,
            "{turn} is shown in {messages:?}:\n{}",
            chat.transcript()
        );
    }
    seen.shown += shown.len() as u64;
}

/// A channel has one message that tells what its threads do, at the most.
fn check_boards(chat: &FakePlatform, seen: &mut Seen) {
    let mut boards: BTreeMap<Place, BTreeSet<MessageId>> = BTreeMap::new();
    chat.look(|world| {
        for entry in world.entries() {
            if let Happening::Posted { place, id, post } = &entry.happening
                && post.kind == PostKind::Board
            {
                boards.entry(place.clone()).or_default().insert(id.clone());
            }
        }
    });
    for (place, messages) in &boards {
        assert_eq!(
            messages.len(),
            1,
            "{place} has the messages {messages:?}:\n{}",
            chat.transcript()
        );
    }
    seen.boards += boards.len() as u64;
}

/// Whether a thread keeps nothing but what its channel has for good.
fn only_board(root: &RootId, thread: &Thread, installation: InstallationId) -> bool {
    let board = DeliveryId::of_board(installation, &root.channel);
    thread.kept.keys().all(|kept| *kept == board)
}

fn nothing_left(chat: &FakePlatform, people: &People, last: &Snapshot) {
    for (root, thread) in &last.threads {
        let mut chain = thread.chain.iter();
        let done = thread.deliveries.is_empty()
            && chain.all(|chain| chain.fan_outs.is_empty())
            && (only_board(root, thread, last.installation)
                || people.removed.contains(&people.place_of(root)))
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

fn is_held_back(record: &Record) -> bool {
    let held = ParkReason::Budget;
    matches!(record, Record::TurnParked { reason, until: Some(_), .. } if *reason == held)
}
