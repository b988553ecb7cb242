//! What is kept ready, resumable and known, and what becomes of it when the configuration changes.
#![expect(clippy::unwrap_used, reason = "a test looks at what it tests")]

use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::event::{Effect, Step};
use mpg_core::id::{Place, ProjectName, RootId, SessionId};
use mpg_core::record::{Record, UnboundReason};

use crate::ends::limited;
use crate::scene::{Scene, one};
use crate::world::{Pending, channel, config, thread};

/// A configuration with the channel "one" in a project with this directory, or in none.
fn with_directory(directory: Option<&str>) -> Config {
    let mut other = Project::new(ProjectName::new("two"), "/srv/two");
    other.channels.insert(channel("two"));
    let first = directory.map(|directory| {
        let mut project = Project::new(ProjectName::new("one"), directory);
        project.channels.insert(channel("one"));
        project
    });
    Config {
        routing: RoutingTable::new(first.into_iter().chain([other])).unwrap(),
        ..config(2)
    }
}

/// A whole turn of a new thread, a second after what was before.
fn converse(scene: &mut Scene, id: u32) -> SessionId {
    scene.pass(1);
    scene.say(one(), id, "hello");
    scene.settle();
    scene.answer();
    let session = session_of(scene, &id.to_string());
    scene.settle();
    session
}

fn root(id: &str) -> RootId {
    RootId::of_message(channel("one"), mpg_core::id::MessageId::new(id))
}

fn session_of(scene: &Scene, id: &str) -> SessionId {
    let conversation = scene.world.disk.threads[&root(id)].conversations.values();
    let session = conversation.last().unwrap().session.as_ref();
    session.unwrap().id
}

fn closed(step: &Step) -> Vec<SessionId> {
    let closed = step.effects.iter().filter_map(|effect| match effect {
        Effect::CloseSession { session } => Some(*session),
        Effect::OpenThread { .. }
        | Effect::PrepareWorkspace { .. }
        | Effect::RunTurn(_)
        | Effect::StopTurn { .. }
        | Effect::Steer(_)
        | Effect::Withdraw { .. }
        | Effect::Acknowledge { .. }
        | Effect::CatchUp(_)
        | Effect::Deliver(_)
        | Effect::AttachSession { .. }
        | Effect::EndStray { .. }
        | Effect::DropFiles { .. }
        | Effect::Files(_)
        | Effect::Job(_)
        | Effect::LimitsChanged { .. }
        | Effect::ShowLive { .. }
        | Effect::ShowBoard(_)
        | Effect::SetVerbosity { .. }
        | Effect::RenameThread { .. }
        | Effect::Respond { .. }
        | Effect::SetStatus { .. } => None,
    });
    closed.collect()
}

#[test]
fn above_the_warm_cap_the_agent_that_was_unused_for_longest_is_closed() {
    let mut scene = Scene::new();
    let first = converse(&mut scene, 10);
    let second = converse(&mut scene, 20);
    // The first one is used once more, so that the second one was unused for longest.
    scene.pass(1);
    scene.say(thread("one", "10"), 11, "and again");
    scene.answer();
    scene.settle();
    assert!(scene.world.agents.contains_key(&second));

    scene.pass(1);
    scene.say(one(), 30, "hello");
    scene.settle();
    let step = scene.world.succeed(scene.run_index());
    scene.note("the agent answers", &step);
    assert_eq!(closed(&step), [second]);
    scene.settle();
    assert!(scene.world.agents.contains_key(&first));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn above_the_session_cap_the_oldest_session_is_given_up_and_said_at_the_next_message() {
    let mut configuration = config(2);
    configuration.limits.max_sessions = 1;
    let mut scene = Scene::of(configuration);
    let first = converse(&mut scene, 10);
    converse(&mut scene, 20);
    let retired = &scene.world.disk.threads[&root("10")]
        .conversations
        .get(None)
        .unwrap();
    assert_eq!(retired.session, None);
    assert_eq!(retired.unbound, Some(UnboundReason::Retired));
    assert!(!scene.world.agents.contains_key(&first), "its agent stays");

    scene.pass(1);
    scene.say(thread("one", "10"), 11, "are you there?");
    scene.settle();
    scene.answer();
    scene.settle();
    assert_ne!(session_of(&scene, "10"), first);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_thread_beyond_its_time_is_forgotten_and_starts_afresh() {
    let mut scene = Scene::new();
    let first = converse(&mut scene, 10);
    // The agent goes after the idle time-out; the thread stays known until its time is over.
    scene.pass(30 * 60);
    scene.settle();
    scene.pass(7 * 24 * 3600 - 30 * 60 - 1);
    assert!(scene.world.disk.threads.contains_key(&root("10")));
    scene.pass(1);
    assert!(scene.world.disk.threads.is_empty());
    assert_eq!(scene.world.gateway.next_deadline(), None);

    scene.say(thread("one", "10"), 11, "are you there?");
    scene.settle();
    scene.answer();
    scene.settle();
    let thread = scene.world.disk.threads.values().next().unwrap();
    let session = thread
        .conversations
        .get(None)
        .unwrap()
        .session
        .as_ref()
        .unwrap();
    assert_ne!(session.id, first);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_changed_project_closes_its_ready_agent_and_no_other() {
    let mut scene = Scene::of(with_directory(Some("/srv/one")));
    let here = converse(&mut scene, 10);
    scene.say(Place::channel(channel("two")), 20, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.reconfigure(with_directory(Some("/srv/moved")));
    let closing: Vec<SessionId> = scene.world.pending.iter().filter_map(closing).collect();
    assert_eq!(closing, [here]);
    scene.settle();

    // The session is kept, and with it the directory that it was begun in.
    scene.say(thread("one", "10"), 11, "go on");
    scene.settle();
    scene.answer();
    scene.settle();
    assert_eq!(session_of(&scene, "10"), here);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_runs_in_a_changed_project_ends_first() {
    let mut scene = Scene::of(with_directory(Some("/srv/one")));
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.reconfigure(with_directory(Some("/srv/moved")));
    assert_eq!(scene.world.runs(), 1);
    let session = session_of(&scene, "10");
    let step = scene.world.succeed(scene.run_index());
    assert_eq!(closed(&step), [session]);
}

#[test]
fn what_a_channel_was_promised_is_kept_when_it_is_no_longer_mapped() {
    let mut scene = Scene::of(with_directory(Some("/srv/one")));
    scene.say(one(), 10, "first");
    scene.settle();
    scene.say(thread("one", "10"), 11, "second");
    scene.reconfigure(with_directory(None));
    scene.answer();
    scene.settle();
    scene.answer();
    // With the last turn that was accepted, the agent goes.
    let closing: Vec<SessionId> = scene.world.pending.iter().filter_map(closing).collect();
    assert_eq!(closing, [session_of(&scene, "10")]);
    scene.settle();
    assert_everything_ended(&scene, 2);
    assert!(scene.world.agents.is_empty());
    assert_ignored(&mut scene, 12);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_channel_that_is_unmapped_across_a_restart_ends_its_turns_with_a_reason() {
    let mut scene = Scene::of(with_directory(Some("/srv/one")));
    scene.say(one(), 10, "first");
    scene.settle();
    scene.say(thread("one", "10"), 11, "second");
    scene.restart_with(with_directory(None));
    scene.settle();
    assert_eq!(scene.world.runs(), 0);
    assert_everything_ended(&scene, 2);
    assert_ignored(&mut scene, 12);
    insta::assert_snapshot!(scene.text);
}

fn closing(pending: &Pending) -> Option<SessionId> {
    match pending {
        Pending::Close(session) => Some(*session),
        Pending::Effect(_) | Pending::Run(_) => None,
    }
}

/// Every accepted message has its one end, and each end is said.
fn assert_everything_ended(scene: &Scene, turns: usize) {
    let world = &scene.world;
    assert_eq!(world.accepted.len(), turns);
    for (_, turn) in &world.accepted {
        assert_eq!(world.outcomes.get(turn), Some(&1), "{}", scene.text);
    }
    assert_eq!(world.delivered.len(), turns);
    assert!(world.pending.is_empty(), "{:?}", world.pending);
    assert!(world.gateway.is_idle());
}

/// What is said in the thread now is not for the gateway.
fn assert_ignored(scene: &mut Scene, id: u32) {
    let step = scene.world.say(thread("one", "10"), id, "anybody?");
    let only_position = |record: &Record| matches!(record, Record::PositionMoved { .. });
    assert!(step.records.iter().all(only_position), "{step:?}");
    assert_eq!(step.effects, []);
}

#[test]
fn a_thread_in_which_something_waits_is_not_forgotten() {
    let hours = |hours: i64| 3_600 * hours;
    let mut config = config(1);
    config.limits.session_ttl = std::time::Duration::from_hours(1);
    for (restarted, waiting) in [(false, 1), (true, 1), (false, 0), (true, 0)] {
        let mut scene = Scene::of(config.clone());
        scene.say(one(), 10, "work");
        scene.settle();
        for number in 0..waiting {
            scene.say(thread("one", "10"), 11 + number, "and then this");
        }
        let resets_at = scene
            .world
            .now
            .checked_add(std::time::Duration::from_hours(100));
        scene.end("its account is used up", limited(resets_at.ok()));
        scene.settle();
        if restarted {
            drop(scene.world.crash());
            scene.settle();
        }
        for _ in 0..10 {
            scene.pass(hours(5));
            scene.settle();
        }
        let thread = scene
            .world
            .disk
            .threads
            .values()
            .next()
            .expect("it is there");
        let conversation = thread.conversations.values().next().expect("it is there");
        assert!(conversation.running.is_some());
        assert_eq!(conversation.queue.len(), waiting as usize);
    }
}

#[test]
fn a_thread_is_forgotten_after_the_time_that_is_configured_by_then() {
    let mut scene = Scene::new();
    converse(&mut scene, 10);
    scene.pass(30 * 60);
    scene.settle();
    let mut shorter = config(2);
    shorter.limits.session_ttl = std::time::Duration::from_hours(1);
    scene.reconfigure(shorter);
    // The time of a thread that is known is looked at when it was due before.
    converse(&mut scene, 20);
    let began = scene.world.now;
    scene.pass(30 * 60);
    scene.settle();
    let due = began.checked_add(std::time::Duration::from_hours(1)).ok();
    assert_eq!(scene.world.gateway.next_deadline(), due);
    scene.pass(30 * 60);
    assert!(!scene.world.disk.threads.contains_key(&root("20")));
}

#[test]
fn a_fork_is_forgotten_after_its_time_too() {
    let mut scene = Scene::new();
    converse(&mut scene, 10);
    scene.say(thread("one", "10"), 11, "!fork");
    scene.settle();
    assert!(scene.world.disk.threads.len() > 1);
    scene.pass(30 * 60);
    scene.settle();
    scene.pass(7 * 24 * 3_600);
    assert!(scene.world.disk.threads.is_empty(), "{}", scene.text);
}

#[test]
fn a_turn_that_lasts_longer_than_threads_are_known_keeps_its_own() {
    let mut config = config(1);
    config.limits.session_ttl = std::time::Duration::from_mins(1);
    let mut scene = Scene::of(config);
    scene.say(one(), 10, "work");
    scene.settle();
    for _ in 0..3 {
        scene.pass(50);
    }
    assert!(scene.world.disk.threads.contains_key(&root("10")));
    assert_eq!(scene.world.runs(), 1);
}

#[test]
fn where_a_thread_was_forgotten_nothing_was_begun() {
    let mut scene = Scene::new();
    converse(&mut scene, 10);
    scene.pass(30 * 60);
    scene.settle();
    scene.pass(7 * 24 * 3_600);
    scene.say(thread("one", "10"), 11, "!worktree");
    scene.settle();
    let (_, said) = scene.world.delivered.last().unwrap();
    assert_eq!(said, "nothing was begun here, so there is no worktree");
}

#[test]
fn a_session_whose_turn_waits_is_not_given_up_for_another() {
    let mut config = config(1);
    config.limits.max_sessions = 1;
    let mut scene = Scene::of(config);
    scene.say(one(), 10, "work");
    scene.settle();
    let session = session_of(&scene, "10");
    let hours = std::time::Duration::from_hours(2);
    let resets_at = scene.world.now.checked_add(hours).ok();
    scene.end("its account is used up", limited(resets_at));
    scene.settle();
    scene.say(one(), 20, "more");
    scene.settle();
    assert_eq!(session_of(&scene, "10"), session);
}
