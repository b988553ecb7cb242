//! Messages that were missed, as the transcript of what the gateway decides.

use std::time::Duration;

use mpg_core::catch_up::{CatchUpFailure, Missed, MissedRequest};
use mpg_core::config::Config;
use mpg_core::event::{Effect, Event};
use mpg_core::id::MessageId;
use mpg_core::message::{Inbound, Link};
use mpg_core::record::Record;

use crate::scene::{Scene, one};
use crate::world::{Pending, config, message, thread};

fn connect(scene: &mut Scene) {
    scene.inbound("connected", Inbound::Link(Link::Connected));
}

/// A platform that is connected, and a thread in which nothing is left to do.
fn answered() -> Scene {
    let mut scene = Scene::new();
    connect(&mut scene);
    scene.say(one(), 10, "first");
    scene.settle();
    scene.answer();
    scene.settle();
    scene
}

/// Somebody says something that nobody hears.
fn unheard(scene: &mut Scene, place: mpg_core::id::Place, id: u32, text: &str) {
    let now = scene.world.now;
    scene
        .world
        .said
        .push((now, message(place, id, "ann", text)));
}

fn look(scene: &mut Scene) -> Option<MissedRequest> {
    let pending = &mut scene.world.pending;
    let found = pending.iter().position(
        |pending| matches!(pending, Pending::Effect(Effect::CatchUp(request)) if request.channel == one().channel),
    )?;
    let Pending::Effect(Effect::CatchUp(request)) = pending.remove(found) else {
        return None;
    };
    Some(*request)
}

fn found(scene: &mut Scene, what: &str, result: Result<Missed, CatchUpFailure>) {
    scene.event(
        what,
        Event::CaughtUp {
            channel: one().channel,
            result,
        },
    );
}

fn with_catch_up(change: impl Fn(&mut mpg_core::config::Project)) -> Config {
    let mut config = config(4);
    let projects = config.routing.projects().map(|project| {
        let mut project = (**project).clone();
        change(&mut project);
        project
    });
    let projects: Vec<_> = projects.collect();
    config.routing = mpg_core::config::RoutingTable::new(projects).expect("as they were");
    config
}

#[test]
fn what_was_missed_comes_before_what_is_said_now() {
    let mut scene = answered();
    unheard(&mut scene, thread("one", "10"), 11, "missed in the thread");
    unheard(&mut scene, one(), 12, "missed in the channel");
    connect(&mut scene);
    scene.say(thread("one", "10"), 13, "live");
    let request = look(&mut scene).expect("a gap");
    let missed = scene.world.missed(&request);
    found(&mut scene, "read back", Ok(missed));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_channel_that_is_new_has_no_past() {
    let mut scene = Scene::new();
    unheard(&mut scene, one(), 9, "before its time");
    scene.pass(10);
    connect(&mut scene);
    assert!(scene.world.pending.is_empty(), "nothing is looked for");
    scene.pass(10);
    unheard(&mut scene, one(), 10, "in its time");
    connect(&mut scene);
    let request = look(&mut scene).expect("a gap");
    let missed = scene.world.missed(&request);
    assert_eq!(missed.messages.len(), 1);
    assert_eq!(missed.messages[0].id, MessageId::new("10"));
}

#[test]
fn a_resumed_connection_misses_nothing() {
    let mut scene = Scene::new();
    scene.inbound("resumed", Inbound::Link(Link::Resumed));
    scene.inbound("resumed", Inbound::Link(Link::Resumed));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_is_too_old_or_too_much_is_skipped_and_said() {
    let mut scene = Scene::of(with_catch_up(|project| {
        project.catch_up = Duration::from_hours(1);
        project.catch_up_limit = 2;
        project.rate_limit_per_user = Some(1);
    }));
    connect(&mut scene);
    scene.say(one(), 10, "first");
    scene.settle();
    scene.answer();
    scene.settle();
    unheard(&mut scene, one(), 11, "too old");
    scene.pass(2 * 60 * 60);
    for id in 12..15 {
        unheard(&mut scene, one(), id, "missed");
    }
    connect(&mut scene);
    let request = look(&mut scene).expect("a gap");
    let missed = scene.world.missed(&request);
    found(&mut scene, "read back", Ok(missed));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_crash_leaves_the_gap_open() {
    let mut scene = Scene::new();
    connect(&mut scene);
    scene.say(one(), 10, "first");
    scene.settle();
    unheard(&mut scene, one(), 11, "missed");
    connect(&mut scene);
    scene.say(one(), 12, "live");
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    unheard(&mut scene, one(), 12, "live");
    let request = look(&mut scene).expect("the gap is open");
    let missed = scene.world.missed(&request);
    found(&mut scene, "read back", Ok(missed));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn more_than_can_wait_is_read_back_too() {
    let mut scene = Scene::with_slots(1);
    connect(&mut scene);
    connect(&mut scene);
    let request = look(&mut scene).expect("a gap");
    for id in 0..1_500 {
        let said = message(one(), 1_000 + id, "ann", "!help");
        scene.world.said.push((scene.world.now, said.clone()));
        let step = scene.world.receive(Inbound::Message(said));
        assert!(step.records.is_empty(), "it waits: {step:?}");
        assert_eq!(step.read, None, "nobody is told that it was read");
    }
    found(&mut scene, "read back", Ok(Missed::default()));
    let again = look(&mut scene).expect("it is looked for again");
    assert_eq!(again.read, request.read);
    let missed = Missed {
        messages: scene
            .world
            .said
            .iter()
            .map(|(_, said)| said.clone())
            .collect(),
        ..Missed::default()
    };
    let step = scene.world.handle(Event::CaughtUp {
        channel: one().channel,
        result: Ok(missed),
    });
    let seen = step.records.iter();
    let seen = seen.filter(|record| matches!(record, Record::MessageSeen { .. }));
    assert_eq!(seen.count(), 1_500, "each of them once");
    assert!(step.read.is_some(), "now it can be told");
    assert!(step.records.contains(&Record::GapClosed {
        channel: one().channel,
        given_up: None,
    }));
}

#[test]
fn a_look_back_that_fails_is_given_up_only_where_somebody_waits() {
    let mut scene = Scene::new();
    connect(&mut scene);
    connect(&mut scene);
    drop(look(&mut scene));
    let failed = || Err(CatchUpFailure::Failed("it is down".to_owned()));
    found(&mut scene, "it fails", failed());
    assert!(look(&mut scene).is_some(), "nobody waits, so it goes on");
    scene.say(one(), 20, "hello");
    found(&mut scene, "it fails again", failed());
    assert!(look(&mut scene).is_none());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_platform_that_cannot_look_back_has_no_gap() {
    let mut scene = Scene::new();
    connect(&mut scene);
    connect(&mut scene);
    drop(look(&mut scene));
    scene.say(one(), 20, "hello");
    found(&mut scene, "it cannot", Err(CatchUpFailure::Unsupported));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn it_can_be_turned_off() {
    let mut scene = Scene::of(with_catch_up(|project| project.catch_up = Duration::ZERO));
    connect(&mut scene);
    connect(&mut scene);
    assert!(look(&mut scene).is_none());
}

#[test]
fn a_connection_that_is_lost_again_is_looked_back_over_too() {
    let mut scene = Scene::new();
    connect(&mut scene);
    connect(&mut scene);
    drop(look(&mut scene));
    scene.say(one(), 20, "live");
    unheard(&mut scene, one(), 19, "missed");
    connect(&mut scene);
    found(
        &mut scene,
        "the first look is too old",
        Ok(Missed::default()),
    );
    let request = look(&mut scene).expect("a second look");
    let missed = scene.world.missed(&request);
    found(&mut scene, "the second one finds it", Ok(missed));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_channel_that_is_new_in_the_configuration_is_listened_to_from_now_on() {
    let mut scene = Scene::new();
    let three = mpg_core::id::Place::channel(crate::world::channel("three"));
    let with_three = with_catch_up(|project| {
        if project.name.as_str() == "one" {
            project.channels.insert(three.channel.clone());
        }
    });
    scene.reconfigure(with_three.clone());
    let known = |scene: &Scene| scene.world.disk.channels.contains_key(&three.channel);
    assert!(
        !known(&scene),
        "nothing is listened to before the platform is there"
    );
    scene.reconfigure(config(4));
    connect(&mut scene);
    assert!(!known(&scene));
    let since = scene.world.disk.channels[&one().channel].since;
    scene.pass(60);
    scene.reconfigure(with_three);
    assert_eq!(
        scene.world.disk.channels[&three.channel].since,
        scene.world.now
    );
    assert_eq!(scene.world.disk.channels[&one().channel].since, since);
}

#[test]
fn what_was_read_in_places_that_nobody_knows_is_not_remembered() {
    let mut scene = answered();
    connect(&mut scene);
    let read = |id: u32| MessageId::new(id.to_string());
    let elsewhere = mpg_core::id::Place::channel(crate::world::channel("two"));
    let missed = Missed {
        messages: Vec::new(),
        skipped: 0,
        read: [
            (one(), read(20)),
            (thread("one", "10"), read(21)),
            (thread("one", "99"), read(22)),
            (elsewhere.clone(), read(23)),
        ]
        .into_iter()
        .collect(),
    };
    look(&mut scene).expect("a gap");
    found(&mut scene, "read back", Ok(missed));
    let newest = |place| {
        scene
            .world
            .disk
            .seen
            .get(&place)
            .and_then(|seen| seen.newest())
    };
    assert_eq!(newest(one()), Some(&read(20)));
    assert_eq!(newest(thread("one", "10")), Some(&read(21)));
    assert_eq!(newest(thread("one", "99")), None);
    assert_eq!(newest(elsewhere), None);
}

#[test]
fn what_was_seen_since_is_not_taken_back_by_what_was_read() {
    let mut scene = Scene::new();
    connect(&mut scene);
    scene.say(one(), 30, "first");
    scene.settle();
    connect(&mut scene);
    let missed = Missed {
        read: [(one(), MessageId::new("20"))].into_iter().collect(),
        ..Missed::default()
    };
    look(&mut scene).expect("a gap");
    found(&mut scene, "read back", Ok(missed));
    let seen = &scene.world.disk.seen[&one()];
    assert_eq!(seen.newest(), Some(&MessageId::new("30")));
    assert!(!seen.contains(&MessageId::new("15")));
}

#[test]
fn a_gateway_that_looks_back_is_not_idle() {
    let mut scene = answered();
    scene.pass(30 * 60);
    scene.settle();
    connect(&mut scene);
    connect(&mut scene);
    assert!(!scene.world.gateway.is_idle());
    scene.settle();
    assert!(scene.world.gateway.is_idle(), "{}", scene.text);
}

#[test]
fn so_many_interactions_wait_and_no_more() {
    let mut scene = Scene::new();
    connect(&mut scene);
    connect(&mut scene);
    drop(look(&mut scene));
    for id in 0..1_600 {
        let pressed = crate::interactions::press(one(), 1_000 + id, "ann");
        drop(scene.world.receive(Inbound::Interaction(pressed)));
    }
    let mut held = 0;
    for _ in 0..2 {
        let step = scene.world.handle(Event::CaughtUp {
            channel: one().channel,
            result: Ok(Missed::default()),
        });
        let seen = step.records.iter();
        held += seen
            .filter(|record| matches!(record, Record::MessageSeen { .. }))
            .count();
    }
    assert!((500..=1_000).contains(&held), "{held}");
}
