//! Side questions, and threads that go on with another one's conversation.

use std::time::Duration;

use mpg_core::agent::Permissions;
use mpg_core::capability::{Capabilities, Threads};
use mpg_core::event::{Deliver, Effect, RunEnd, RunTurn};
use mpg_core::id::{MessageId, MessageRef, Place, SessionId};
use mpg_core::message::{Inbound, Link};
use mpg_core::port::SessionStart;
use mpg_core::post::{Post, PostKind};
use mpg_core::wording;

use crate::ends::limited;
use crate::scene::{Scene, one};
use crate::world::{Pending, config, thread, threaded};

fn here() -> Place {
    thread("one", "10")
}

/// A thread in which a turn runs, where two may.
fn working() -> Scene {
    let mut scene = Scene::with_slots(2);
    scene.say(one(), 10, "work");
    scene.settle();
    scene
}

/// A thread whose first turn is answered.
fn answered() -> Scene {
    let mut scene = working();
    scene.answer();
    scene.settle();
    scene
}

impl Scene {
    fn aside(&self) -> usize {
        self.pending_position(|pending| match pending {
            Pending::Run(run) => run.session.conversation.root.is_aside(),
            Pending::Effect(_) | Pending::Close(_) => false,
        })
    }

    fn asides(&self) -> Vec<&RunTurn> {
        let runs = self
            .world
            .pending
            .iter()
            .filter_map(|pending| match pending {
                Pending::Run(run) => Some(run.as_ref()),
                Pending::Effect(_) | Pending::Close(_) => None,
            });
        runs.filter(|run| run.session.conversation.root.is_aside())
            .collect()
    }

    fn answer_aside(&mut self) {
        while !self.asides().is_empty() {
            let index = self.aside();
            let step = self.world.succeed(index);
            self.note("the aside is answered", &step);
            self.settle();
        }
    }

    /// The posts that are on their way.
    fn deliveries(&self) -> Vec<&Deliver> {
        let pending = self.world.pending.iter();
        let posts = pending.filter_map(|pending| match pending {
            Pending::Effect(Effect::Deliver(deliver)) => Some(&**deliver),
            Pending::Effect(_) | Pending::Run(_) | Pending::Close(_) => None,
        });
        posts.collect()
    }

    fn post(&mut self) {
        let index =
            self.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
        let step = self.world.succeed(index);
        self.note("the post is made", &step);
    }

    fn edit(&mut self, id: &str, text: &str) {
        let edited = Inbound::Edited {
            message: MessageRef {
                place: here(),
                message: MessageId::new(id),
            },
            text: text.to_owned(),
        };
        self.inbound("edited", edited);
    }

    fn last(&self) -> &Post {
        self.world.shown.last().expect("something was posted")
    }
}

/// The session of the thread's own conversation.
fn session(scene: &Scene) -> SessionId {
    let threads = &scene.world.gateway.state().threads;
    let mut own = threads.iter().filter(|(root, _)| !root.is_aside());
    let (_, thread) = own
        .find(|(_, thread)| !thread.conversations.is_empty())
        .expect("there is a conversation");
    let session = thread
        .conversations
        .get(None)
        .and_then(|own| own.session.as_ref());
    session.expect("it has a session").id
}

#[test]
fn a_side_question_is_answered_while_the_turn_runs() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    let asked = scene.asides()[0];
    assert_eq!(asked.session.start, SessionStart::Fork(session(&scene)));
    assert_eq!(asked.session.agent.permissions, Permissions::Deny);
    assert!(asked.session.agent.allowed_tools.is_empty());
    scene.answer_aside();
    let post = scene.last();
    assert!(post.text.starts_with(wording::forks::aside()), "{post:?}");
    assert_eq!(post.reply_to.as_ref().map(MessageId::as_str), Some("11"));
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_side_question_is_owed_across_starts_and_answered_once() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    for _ in 0..2 {
        let step = scene.world.crash();
        scene.note("restart", &step);
        scene.settle();
    }
    assert_eq!(scene.asides().len(), 1);
    scene.answer_aside();
    let answers = scene.world.shown.iter();
    let answers = answers.filter(|post| post.text.starts_with(wording::forks::aside()));
    assert_eq!(answers.count(), 1);
    let state = scene.world.gateway.state();
    let mut asides = state.threads.iter().filter(|(root, _)| root.is_aside());
    let (_, aside) = asides.next().expect("it is remembered");
    assert!(aside.conversations.get(None).unwrap().session.is_none());
}

#[test]
fn what_is_said_behind_a_side_question_is_the_threads() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    scene.answer_aside();
    scene.answer();
    scene.settle();
    scene.say(here(), 12, "go on");
    let run = scene.running();
    assert!(!run.session.conversation.root.is_aside());
    assert_eq!(run.session.session, session(&scene));
}

#[test]
fn a_side_question_about_nothing_fails_and_says_so() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    let index = scene.aside();
    let step = scene.world.end_run(index, RunEnd::SessionLost);
    scene.note("there is nothing to fork", &step);
    scene.settle();
    let text = &scene.last().text;
    assert!(
        text.contains(wording::forks::nothing_to_ask_about()),
        "{text}"
    );
    assert!(scene.asides().is_empty());
}

#[test]
fn side_questions_are_about_a_thread_and_few_at_a_time() {
    let mut scene = working();
    let mut replies = Vec::new();
    for (id, place, text) in [
        (20, one(), "!btw why?"),
        (21, thread("one", "99"), "!btw why?"),
        (22, here(), "!btw"),
    ] {
        scene.say(place, id, text);
        scene.settle();
        replies.push(scene.last().text.clone());
    }
    for id in 30..35 {
        scene.say(here(), id, "!btw and this?");
    }
    scene.settle();
    replies.push(scene.last().text.clone());
    insta::assert_snapshot!(replies.join("\n--\n"));
    assert_eq!(scene.asides().len(), 1, "two slots, of which one is taken");
}

#[test]
fn what_stops_a_thread_stops_what_is_asked_aside() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    scene.say(here(), 12, "!stop");
    let state = scene.world.gateway.state();
    let running = state
        .threads
        .values()
        .flat_map(|t| t.conversations.values());
    assert_eq!(running.filter(|c| c.running.is_some()).count(), 0);
}

#[test]
fn a_side_question_keeps_its_context_when_the_thread_loses_its_own() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    scene.say(here(), 12, "!restart");
    scene.settle();
    assert_eq!(scene.asides().len(), 1, "{}", scene.text);
    scene.answer_aside();
    let mut shown = scene.world.shown.iter();
    assert!(shown.any(|post| post.text.starts_with(wording::forks::aside())));
}

#[test]
fn what_ran_goes_on_before_a_side_question_begins() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(here(), 11, "!btw why?");
    assert!(scene.asides().is_empty(), "one slot, which is taken");
    let step = scene.world.crash();
    scene.note("restart", &step);
    scene.settle();
    assert!(!scene.running().session.conversation.root.is_aside());
    // It was cut off, and goes on.
    scene.answer();
    scene.answer();
    scene.settle();
    assert_eq!(scene.asides().len(), 1);
}

#[test]
fn what_stands_beside_a_thread_is_posted_in_turn_and_told_apart_after_a_death() {
    let mut scene = working();
    scene.world.reply = |_| "the same".to_owned();
    scene.say(here(), 11, "!btw why?");
    scene.say(here(), 12, "!btw why?");
    scene.answer();
    // The thread's own answer is on its way, whatever else is to be posted there.
    let index = scene.aside();
    let step = scene.world.succeed(index);
    scene.note("the aside is answered", &step);
    assert_eq!(scene.deliveries().len(), 1, "{}", scene.text);
    scene.post();
    let own = scene.deliveries();
    assert_eq!(own.len(), 1);
    assert_eq!(
        own[0].after.as_ref().map(MessageId::as_str),
        Some("1000000")
    );
    scene.settle();
    scene.answer_aside();
    // The next start looks behind what stands there, too.
    scene.say(here(), 13, "!sessions");
    let step = scene.world.crash();
    scene.note("restart", &step);
    let newest = format!("{}", 1_000_000 + scene.world.shown.len() - 1);
    let owed = scene.deliveries();
    assert_eq!(owed.len(), 1);
    assert!(owed[0].maybe_sent);
    let after = owed[0].after.as_ref().map(MessageId::as_str);
    assert_eq!(after, Some(newest.as_str()));
}

#[test]
fn a_side_question_that_waits_is_changed_and_taken_back() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(here(), 11, "!btw why?");
    scene.say(here(), 12, "!btw when?");
    let asked = |scene: &Scene| -> Vec<String> {
        let threads = scene.world.gateway.state().threads.iter();
        let asides = threads.filter(|(root, _)| root.is_aside());
        let waiting = asides.flat_map(|(_, thread)| thread.conversations.values());
        let waiting = waiting.flat_map(|conversation| &conversation.queue);
        waiting.map(|turn| turn.prompt.clone()).collect()
    };
    scene.edit("11", "!btw how?");
    assert_eq!(asked(&scene), ["how?", "when?"]);
    scene.edit("11", "why?");
    assert_eq!(asked(&scene), ["how?", "when?"], "that is no side question");
    let gone = MessageRef {
        place: here(),
        message: MessageId::new("11"),
    };
    scene.inbound("deleted", Inbound::Deleted(gone));
    assert_eq!(asked(&scene), ["when?"]);
    let threads = scene.world.gateway.state().threads.values();
    let conversations = threads.flat_map(|thread| thread.conversations.values());
    let sessions = conversations.filter(|c| c.session.is_some());
    assert_eq!(sessions.count(), 2, "of the turn, and of what waits");
}

#[test]
fn a_side_question_is_put_to_the_model_that_was_chosen() {
    let mut scene = answered();
    scene.say(here(), 11, "!model opus");
    scene.say(here(), 12, "!btw why?");
    scene.settle();
    let asked = scene.asides()[0];
    assert_eq!(asked.session.agent.model.as_deref(), Some("opus"));
}

#[test]
fn what_was_said_before_a_fork_was_posted_is_still_read() {
    let mut scene = answered();
    scene.inbound("connected", Inbound::Link(Link::Connected));
    scene.settle();
    scene.say(here(), 11, "!fork");
    scene.settle();
    scene.inbound("connected", Inbound::Link(Link::Connected));
    assert_eq!(scene.looks_behind(), Some("10"));
}

#[test]
fn a_fork_opens_a_thread_that_knows_what_was_said() {
    let mut scene = answered();
    let from = session(&scene);
    scene.say(here(), 11, "!fork try it with sets");
    scene.settle();
    let run = scene.running();
    assert_eq!(run.session.start, SessionStart::Fork(from));
    assert_ne!(run.session.session, from);
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_fork_that_is_asked_nothing_waits_for_its_first_message() {
    let mut scene = answered();
    let from = session(&scene);
    scene.say(here(), 11, "!fork");
    scene.settle();
    assert_eq!(scene.world.runs(), 0);
    let step = scene.world.crash();
    scene.note("restart", &step);
    scene.settle();
    let root = scene
        .world
        .shown
        .iter()
        .position(|post| matches!(post.kind, PostKind::Fork(_)));
    let root = (1_000_000 + root.expect("it was posted")).to_string();
    scene.say(thread("one", &root), 12, "with sets");
    scene.settle();
    assert_eq!(scene.running().session.start, SessionStart::Fork(from));
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_fork_is_made_once_however_often_the_gateway_dies() {
    let mut scene = answered();
    scene.say(here(), 11, "!fork try it with sets");
    let step = scene.world.crash();
    scene.note("restart", &step);
    scene.settle();
    let step = scene.world.crash();
    scene.note("restart", &step);
    scene.settle();
    scene.answer();
    scene.settle();
    let threads = &scene.world.gateway.state().threads;
    let forks = threads.values().flat_map(|t| t.conversations.values());
    let forks = forks.filter(|c| c.session.as_ref().is_some_and(|s| s.forked_from.is_some()));
    assert_eq!(forks.count(), 1);
}

#[test]
fn without_threads_or_a_conversation_nothing_is_forked() {
    let can = Capabilities {
        threads: Threads::None,
        ..threaded()
    };
    let mut flat = Scene::on(config(1), can);
    flat.say(one(), 10, "work");
    flat.settle();
    flat.say(one(), 11, "!fork");
    flat.settle();
    let mut replies = vec![flat.last().text.clone()];
    let mut scene = Scene::with_slots(1);
    for (id, place) in [(20, one()), (21, here())] {
        scene.say(place, id, "!fork");
        scene.settle();
        replies.push(scene.last().text.clone());
    }
    insta::assert_snapshot!(replies.join("\n--\n"));
}

#[test]
fn side_questions_that_were_answered_make_room_for_others() {
    let mut scene = working();
    for id in 20..30 {
        scene.say(here(), id, "!btw and this?");
        scene.settle();
        assert_eq!(scene.asides().len(), 1, "{id}");
        scene.answer_aside();
    }
}

#[test]
fn the_first_post_of_an_answer_shows_which_side_question_it_is_to() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    scene.world.reply = |_| "word ".repeat(700);
    scene.world.shown.clear();
    scene.answer_aside();
    let shown: Vec<bool> = scene
        .world
        .shown
        .iter()
        .map(|post| post.reply_to.is_some())
        .collect();
    assert_eq!(shown, [true, false]);
}

#[test]
fn a_fork_that_has_answered_goes_on_with_its_own_session() {
    let mut scene = answered();
    scene.say(here(), 11, "!fork and now?");
    scene.settle();
    let place = scene.running().place.clone().expect("its thread");
    assert!(matches!(
        scene.running().session.start,
        SessionStart::Fork(_)
    ));
    scene.answer();
    scene.settle();
    scene.pass(60 * 60);
    scene.settle();
    scene.say(place, 9_000_000, "go on");
    scene.settle();
    assert_eq!(scene.running().session.start, SessionStart::Resume);
}

#[test]
fn a_side_question_that_waits_for_a_limit_keeps_its_agent() {
    let mut scene = working();
    scene.say(here(), 11, "!btw why?");
    let aside = scene.aside();
    let resets_at = scene.world.now.checked_add(Duration::from_mins(5)).ok();
    let step = scene.world.end_run(aside, limited(resets_at));
    scene.note("its account is used up", &step);
    scene.settle();
    assert_eq!(scene.world.agents.len(), 2, "{}", scene.text);
    scene.pass(5 * 60);
    assert_eq!(scene.asides().len(), 1);
}
