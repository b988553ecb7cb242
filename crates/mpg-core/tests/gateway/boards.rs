//! The message of a channel that tells what its threads do.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::board::Doing;
use mpg_core::capability::{Capabilities, Controls, EditPace, Reconcile};
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::event::{Effect, Event, Undelivered};
use mpg_core::id::MessageId;
use mpg_core::post::PostKind;

use crate::asking::permission;
use crate::ends::limited;
use crate::scene::{Scene, one};
use crate::world::{Pending, channel, config, team, thread, threaded};

/// A platform whose messages can be changed.
fn changing() -> Capabilities {
    Capabilities {
        edits: Some(EditPace {
            edits: 5,
            per: Duration::from_secs(5),
            passing: 25,
        }),
        reconcile: Reconcile::Nonce,
        ..threaded()
    }
}

/// The configuration with the message in every channel, or without.
fn with_boards(wanted: bool) -> Config {
    let mut config = config(2);
    let projects = config.routing.projects().map(|project| Project {
        status_message: wanted,
        ..Project::clone(project)
    });
    let projects: Vec<Project> = projects.collect();
    config.routing = RoutingTable::new(projects).expect("each channel is mapped once");
    config
}

fn scene() -> Scene {
    Scene::on(with_boards(true), changing())
}

/// What the message says by now, row by row.
fn rows(scene: &Scene) -> Vec<(String, Doing)> {
    let boards = scene.world.boards.last();
    let rows = boards
        .map(|shown| shown.board.rows.iter())
        .into_iter()
        .flatten();
    rows.map(|row| (row.place.to_string(), row.doing)).collect()
}

#[test]
fn a_channel_has_one_message_that_follows_what_its_threads_do() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.say(one(), 11, "and another thing");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 12, "one more");
    scene.settle();
    insta::assert_snapshot!(scene.text);
    let here = |thread: &str| format!("chat:one/{thread}");
    assert_eq!(
        rows(&scene),
        [
            (here("11"), Doing::Works),
            (here("12"), Doing::Works),
            (here("10"), Doing::Idle)
        ]
    );
}

#[test]
fn a_thread_whose_agent_asks_waits_for_somebody_until_it_is_answered() {
    let mut scene = scene();
    scene.world.capabilities.controls = Controls::Forms;
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.pass(60);
    scene.ask("r1", &permission("git push"));
    let doing = |scene: &Scene| rows(scene).into_iter().map(|(_, doing)| doing);
    let asked = scene.world.now;
    assert!(doing(&scene).eq([Doing::Asks]), "{}", scene.text);
    scene.pass(60);
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    let board = scene
        .world
        .boards
        .last()
        .expect("it is shown")
        .board
        .clone();
    assert_eq!(board.counts, BTreeMap::from([(Doing::Asks, 1)]));
    let since: Vec<Timestamp> = board.rows.iter().map(|row| row.since).collect();
    assert_eq!(since, [asked], "{}", scene.text);
    scene.press(50, "ann", "Allow once");
    scene.settle();
    assert!(doing(&scene).eq([Doing::Works]), "{}", scene.text);
    // The agent that was cut off says so, and the next one answers.
    scene.answer();
    scene.answer();
    scene.settle();
    assert!(doing(&scene).eq([Doing::Idle]), "{}", scene.text);
}

#[test]
fn another_gateway_goes_on_in_the_same_message_of_a_channel() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    scene.settle();
    let kept = scene.world.boards.last().map(|shown| shown.message.clone());
    scene.world.boards.clear();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    let again = scene.world.boards.last().map(|shown| shown.message.clone());
    assert!(kept.is_some());
    assert_eq!(again, kept);
    scene.answer();
    scene.settle();
    // Long after, when threads are forgotten, there is still one.
    scene.pass(90 * 24 * 3_600);
    scene.say(one(), 11, "hello again");
    scene.settle();
    assert_eq!(posted(&scene), 1, "{}", scene.text);
}

fn posted(scene: &Scene) -> usize {
    let lines = scene.text.lines();
    lines
        .filter(|line| line.contains(": board "))
        .filter(|line| line.contains("planned"))
        .count()
}

#[test]
fn a_message_that_somebody_removed_is_made_anew_after_a_while() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    scene.settle();
    let gone = |scene: &mut Scene, message: &str| {
        scene.event(
            "somebody removes the message",
            Event::BoardGone {
                channel: channel("one"),
                message: MessageId::new(message),
            },
        );
    };
    gone(&mut scene, "another one");
    let message = scene.world.boards.last().map(|shown| shown.message.clone());
    let message = message.expect("it is shown");
    gone(&mut scene, message.as_str());
    scene.answer();
    scene.settle();
    assert_eq!(posted(&scene), 1, "not at once: {}", scene.text);
    scene.pass(1_000);
    scene.say(one(), 11, "hello again");
    scene.settle();
    assert_eq!(posted(&scene), 2, "{}", scene.text);
}

#[test]
fn where_no_message_can_be_made_it_is_not_tried_again_and_again() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    let post = scene.pending_position(|pending| {
        let Pending::Effect(Effect::Deliver(delivery)) = pending else {
            return false;
        };
        delivery.post.kind == PostKind::Board
    });
    let Pending::Effect(Effect::Deliver(delivery)) = scene.world.pending.remove(post) else {
        unreachable!("found above");
    };
    scene.event(
        "the platform refuses",
        Event::Delivered {
            root: delivery.root.clone(),
            delivery: delivery.post.id,
            result: Err(Undelivered::Dead("no".to_owned())),
        },
    );
    scene.settle();
    scene.answer();
    scene.settle();
    assert_eq!(posted(&scene), 1, "{}", scene.text);
}

#[test]
fn a_channel_of_which_nothing_is_to_be_told_has_none_and_loses_the_one_it_had() {
    for can in [
        threaded(),
        Capabilities {
            reconcile: Reconcile::None,
            ..changing()
        },
        Capabilities {
            direct: true,
            ..changing()
        },
    ] {
        let mut scene = Scene::on(with_boards(true), can.clone());
        scene.say(one(), 10, "hello");
        scene.settle();
        assert_eq!(posted(&scene), 0, "{can:?}: {}", scene.text);
    }
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.text.clear();
    scene.reconfigure(with_boards(false));
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
    let kept = scene.world.disk.threads.values();
    assert!(kept.into_iter().all(|thread| thread.kept.is_empty()));
}

#[test]
fn a_restart_remembers_who_was_busy_last() {
    let mut scene = scene();
    for id in [10, 11] {
        scene.say(one(), id, "work");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    scene.restart_with(with_boards(true));
    scene.settle();
    let here = |thread: &str| format!("chat:one/{thread}");
    let idle = |thread: &str| (here(thread), Doing::Idle);
    let mut shown = rows(&scene);
    shown.sort();
    assert_eq!(shown, [idle("10"), idle("11")]);
    scene.say(one(), 12, "work");
    scene.settle();
    let mut shown = rows(&scene);
    shown.sort();
    assert_eq!(shown, [idle("10"), idle("11"), (here("12"), Doing::Works)]);
}

/// How often the message of a channel was changed while something was done.
fn changes(scene: &mut Scene, what: impl FnOnce(&mut Scene)) -> usize {
    scene.world.boards.clear();
    what(scene);
    scene.world.boards.len()
}

fn answered(config: Config, can: Capabilities) -> Scene {
    let mut scene = Scene::on(config, can);
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene
}

#[test]
fn what_a_message_says_is_true_again_after_a_restart() {
    let mut scene = answered(with_boards(true), changing());
    let restart = |scene: &mut Scene| {
        drop(scene.world.crash());
        scene.settle();
    };
    assert_eq!(changes(&mut scene, restart), 1);
}

#[test]
fn a_message_that_is_wanted_by_now_is_made_when_there_is_something_to_tell() {
    for restarts in [true, false] {
        let mut scene = answered(with_boards(false), changing());
        scene.say(one(), 11, "!help");
        scene.settle();
        if restarts {
            scene.restart_with(with_boards(true));
        } else {
            scene.reconfigure(with_boards(true));
        }
        scene.settle();
        assert_eq!(posted(&scene), 0, "{}", scene.text);
        scene.say(one(), 12, "more");
        scene.settle();
        assert_eq!(posted(&scene), 1, "{}", scene.text);
    }
}

#[test]
fn what_was_asked_aside_is_in_no_row_after_a_restart() {
    let mut scene = answered(with_boards(true), changing());
    scene.say(thread("one", "10"), 11, "!btw why?");
    scene.settle();
    scene.answer();
    scene.settle();
    let before = rows(&scene);
    drop(scene.world.crash());
    scene.settle();
    assert_eq!(rows(&scene), before);
    assert_eq!(before, [("chat:one/10".to_owned(), Doing::Idle)]);
}

fn since(scene: &Scene) -> Vec<Timestamp> {
    let shown = scene.world.boards.last().expect("it is shown");
    shown.board.rows.iter().map(|row| row.since).collect()
}

#[test]
fn a_thread_has_waited_since_it_began_to_and_works_since_its_turn_began() {
    let mut scene = scene();
    scene.say(one(), 10, "work");
    scene.settle();
    let began = scene.world.now;
    scene.say(thread("one", "10"), 11, "and this");
    scene.pass(60);
    scene.answer();
    scene.settle();
    assert_eq!(since(&scene), [scene.world.now], "the second turn: {began}");
    scene.pass(60);
    let limit = scene.world.now;
    let resets_at = limit.checked_add(Duration::from_hours(1)).ok();
    scene.end("its account is used up", limited(resets_at));
    scene.settle();
    assert_eq!(since(&scene), [limit]);
    scene.pass(60);
    scene.say(thread("one", "10"), 12, "still there?");
    scene.say(one(), 20, "elsewhere");
    scene.settle();
    assert!(since(&scene).contains(&limit), "{}", scene.text);
}

#[test]
fn a_row_names_the_agents_that_do_what_it_says() {
    let mut config = team(4);
    let projects = config.routing.projects().map(|project| Project {
        status_message: true,
        ..Project::clone(project)
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("a table");
    let can = Capabilities {
        controls: Controls::Forms,
        ..changing()
    };
    let mut scene = Scene::on(config, can);
    scene.say(one(), 10, "@pm plan, @qa test");
    scene.settle();
    scene.ask("r1", &permission("git push"));
    scene.settle();
    let (asking, _) = scene.run();
    let shown = scene.world.boards.last().expect("it is shown");
    let row = &shown.board.rows[0];
    assert_eq!(row.doing, Doing::Asks);
    assert_eq!(row.agents, asking.agent.into_iter().collect::<Vec<_>>());
}

#[test]
fn other_posts_on_their_way_do_not_keep_a_message_from_changing() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.say(one(), 11, "!help");
    assert_eq!(changes(&mut scene, Scene::answer), 1);
}

#[test]
fn a_message_that_is_made_anew_was_not_made_before() {
    let mut scene = scene();
    scene.say(one(), 10, "hello");
    // The gateway dies while the first one is on its way.
    drop(scene.world.crash());
    scene.settle();
    let message = scene.world.boards.last().map(|shown| shown.message.clone());
    let gone = Event::BoardGone {
        channel: channel("one"),
        message: message.expect("it is shown"),
    };
    scene.event("somebody removes the message", gone);
    scene.pass(1_000);
    scene.say(one(), 11, "hello again");
    let again = scene
        .world
        .pending
        .iter()
        .find_map(|pending| match pending {
            Pending::Effect(Effect::Deliver(delivery)) => {
                (delivery.post.kind == PostKind::Board).then_some(delivery)
            }
            Pending::Effect(_) | Pending::Run(_) | Pending::Close(_) => None,
        });
    assert!(!again.expect("it is made").maybe_sent);
}
