//! Turns that wait for something besides a slot, are silent, or are cut off, as transcripts.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use mpg_core::agent::FailureKind;
use mpg_core::config::{Config, OnInterrupted, RoutingTable};
use mpg_core::event::{Event, RunEnd, TurnNotice};

use crate::scene::{Scene, one};
use crate::world::{config, exited, failed, limited, thread};

fn with_policy(policy: OnInterrupted) -> Config {
    let config = config(1);
    let projects = config.routing.projects().map(|project| {
        let mut project = (**project).clone();
        project.on_interrupted = policy;
        project
    });
    Config {
        routing: RoutingTable::new(projects).expect("the channels stay as they are"),
        ..config
    }
}

/// A turn whose agent was cut off with the machine.
fn cut_off(policy: OnInterrupted) -> Scene {
    let mut scene = Scene::of(with_policy(policy));
    scene.say(one(), 10, "long work");
    scene.settle();
    let step = scene.world.crash();
    scene.note("the machine restarts", &step);
    scene.end("it was cut off before", RunEnd::InterruptedBefore);
    scene.settle();
    scene
}

#[test]
fn a_usage_limit_parks_the_conversation_and_frees_its_slot() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(thread("one", "10"), 11, "waits behind it");
    scene.say(one(), 20, "another thread");
    let in_90_minutes = scene.world.now.checked_add(SignedDuration::from_mins(90));
    scene.end("the limit is reached", limited(in_90_minutes.ok()));
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 30, "!sessions");
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.pass(90 * 60 - 1);
    scene.pass(1);
    scene.answer();
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_limit_without_an_end_is_tried_again_and_waits_longer_each_time() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    for minutes in [15, 30, 60, 120, 120] {
        scene.end("the limit is reached", limited(None));
        scene.settle();
        scene.pass(minutes * 60 - 1);
        assert_eq!(scene.world.runs(), 0, "{}", scene.text);
        scene.pass(1);
        // An agent that was not used for long is closed before the turn goes on in another one.
        scene.settle();
    }
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_limit_whose_end_makes_no_sense_is_one_without_an_end() {
    for seconds in [-60, 0, 400 * 24 * 60 * 60] {
        let mut scene = Scene::new();
        scene.say(one(), 10, "work");
        scene.settle();
        let end = scene
            .world
            .now
            .checked_add(SignedDuration::from_secs(seconds));
        scene.end("the limit is reached", limited(end.ok()));
        scene.settle();
        scene.pass(15 * 60 - 1);
        assert_eq!(scene.world.runs(), 0, "{}", scene.text);
        scene.pass(1);
        assert_eq!(scene.world.runs(), 1, "{}", scene.text);
    }
}

#[test]
fn a_limit_may_last_for_a_month() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    let end = SignedDuration::from_hours(31 * 24);
    let end = scene.world.now.checked_add(end).ok();
    scene.end("the limit is reached", limited(end));
    scene.settle();
    scene.pass(30 * 24 * 60 * 60);
    scene.settle();
    assert_eq!(scene.world.runs(), 0, "{}", scene.text);
}

#[test]
fn somebody_may_try_a_limit_at_once_or_give_it_up() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.end("the limit is reached", limited(None));
    scene.settle();
    scene.say(thread("one", "10"), 11, "!resume");
    scene.end("the limit is still there", limited(None));
    scene.settle();
    scene.say(thread("one", "10"), 12, "!kill");
    scene.settle();
    scene.say(thread("one", "10"), 13, "!resume");
    scene.settle();
    scene.pass(24 * 60 * 60);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_was_cut_off_asks_and_goes_on_when_told() {
    let mut scene = cut_off(OnInterrupted::Ask);
    scene.say(one(), 11, "!sessions");
    let step = scene.world.crash();
    scene.note("the gateway restarts once more", &step);
    scene.settle();
    scene.say(thread("one", "10"), 12, "!resume");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_new_message_takes_the_place_of_a_turn_that_asks() {
    let mut scene = cut_off(OnInterrupted::Ask);
    let step = scene.world.crash();
    scene.note("the gateway restarts once more", &step);
    scene.say(thread("one", "10"), 11, "something else");
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_was_cut_off_is_reported() {
    let scene = cut_off(OnInterrupted::Report);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_is_cut_off_with_the_machine_each_time_is_given_up() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "kill the machine");
    scene.settle();
    for _ in 0..3 {
        let step = scene.world.crash();
        scene.note("the machine restarts", &step);
        scene.end("it was cut off before", RunEnd::InterruptedBefore);
    }
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn setbacks_of_every_kind_count_together_and_across_restarts() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.end("the process ends", exited());
    scene.end("which had cut the turn off", RunEnd::InterruptedBefore);
    let step = scene.world.crash();
    scene.note("the machine restarts", &step);
    scene.end("which cut the turn off", RunEnd::InterruptedBefore);
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.end("the agent stops", failed(FailureKind::Interrupted));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_silent_agent_is_told_of_stopped_and_started_again() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.notice(TurnNotice::Silent(Duration::from_secs(30)));
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.end("the agent stops", failed(FailureKind::Interrupted));
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_silent_agent_that_does_not_stop_is_ended_and_asked_again() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.end("the agent is ended", RunEnd::NotSubmitted);
    scene.end("which had cut the turn off", RunEnd::InterruptedBefore);
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_an_agent_says_at_the_last_moment_counts() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.answer();
    scene.settle();
    scene.say(thread("one", "10"), 11, "more");
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.end("it fails", failed(FailureKind::Agent));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn threads_that_wait_are_told_of_a_restart_once() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "runs");
    scene.settle();
    scene.say(thread("one", "10"), 11, "waits");
    scene.event("draining", Event::Draining);
    scene.settle();
    scene.event("draining again", Event::Draining);
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.event("draining", Event::Draining);
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(thread("one", "10"), 12, "waits too");
    scene.event("draining", Event::Draining);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_parked_turn_of_a_channel_that_is_unmapped_ends_with_a_reason() {
    let mut scene = cut_off(OnInterrupted::Ask);
    let unmapped = Config {
        routing: RoutingTable::default(),
        ..(*Arc::clone(&scene.world.config)).clone()
    };
    scene.restart_with(unmapped);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}
