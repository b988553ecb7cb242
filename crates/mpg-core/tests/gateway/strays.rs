//! Agents that go on while no gateway listens, as transcripts.

use mpg_core::capability::Controls;
use mpg_core::event::Event;

use crate::asking::{self, permission};
use crate::scene::{Scene, one};
use crate::world::{Pending, config, thread};

fn restart(scene: &mut Scene) {
    let step = scene.world.crash_alone();
    scene.note("the gateway restarts", &step);
}

fn find(scene: &mut Scene) {
    let step = scene.world.find_agents();
    scene.note("it hears of the agents", &step);
}

#[test]
fn an_agent_that_went_on_with_its_turn_is_listened_to_again_and_that_is_said() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "long work");
    scene.settle();
    restart(&mut scene);
    find(&mut scene);
    scene.answer();
    scene.settle();
    scene.say(thread("one", "10"), 11, "more");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_idle_agent_is_kept_ready_and_closed_when_it_is_not_used() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    restart(&mut scene);
    find(&mut scene);
    scene.say(one(), 11, "!sessions");
    scene.settle();
    scene.say(thread("one", "10"), 12, "still there?");
    scene.answer();
    scene.settle();
    scene.pass(30 * 60);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn agents_of_nobody_are_ended_and_waited_for() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(thread("one", "10"), 11, "!kill");
    scene.world.leave_agents();
    restart(&mut scene);
    find(&mut scene);
    find(&mut scene);
    scene.event("draining", Event::Draining);
    let stray = scene.pending_position(|pending| {
        matches!(
            pending,
            Pending::Effect(mpg_core::event::Effect::EndStray { .. })
        )
    });
    while scene.world.pending.len() > 1 {
        let other = usize::from(stray == 0);
        drop(scene.world.succeed(other));
    }
    assert!(!scene.world.gateway.is_drained(), "{}", scene.text);
    scene.settle();
    assert!(scene.world.gateway.is_drained(), "{}", scene.text);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn no_more_agents_are_kept_ready_than_may_be() {
    let mut scene = Scene::new();
    for id in [10, 20] {
        scene.say(one(), id, "hello");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    restart(&mut scene);
    scene.say(one(), 30, "a third one");
    scene.settle();
    scene.answer();
    scene.settle();
    find(&mut scene);
    scene.settle();
    assert_eq!(scene.world.idle_agents(), 2, "{}", scene.text);
}

#[test]
fn a_draining_gateway_ends_the_idle_agents_that_it_hears_of_and_no_other() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 20, "long work");
    scene.settle();
    restart(&mut scene);
    scene.event("draining", Event::Draining);
    find(&mut scene);
    scene.settle();
    scene.answer();
    scene.settle();
    assert!(scene.world.gateway.is_drained(), "{}", scene.text);
    insta::assert_snapshot!(scene.text);
}

/// Two threads, of which the first one's agent asks and the second one's works, and a gateway that
/// came back and has heard of both. One turn may run.
fn asking_and_working() -> Scene {
    let mut scene = asking::working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.say(one(), 20, "more");
    scene.settle();
    restart(&mut scene);
    find(&mut scene);
    scene.settle();
    scene
}

#[test]
fn an_agent_that_asks_ends_with_its_turn_before_it_was_taken_over() {
    let mut scene = asking_and_working();
    assert_eq!(scene.world.left.len(), 1, "{}", scene.text);
    scene.write(50, "ann", "and this");
    scene.write(51, "ann", "!queue drop 1");
    assert_eq!(scene.world.left.len(), 1, "its turn has not ended");
    scene.write(52, "ann", "!kill");
    assert!(scene.world.left.is_empty(), "{}", scene.text);
}

#[test]
fn an_agent_that_asks_ends_with_its_turn_after_it_was_taken_over() {
    let mut scene = asking::working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    restart(&mut scene);
    find(&mut scene);
    assert_eq!(scene.world.runs(), 1);
    scene.write(50, "ann", "!kill");
    assert!(scene.world.agents.is_empty(), "{}", scene.text);
}

#[test]
fn what_is_heard_of_agents_twice_is_done_once() {
    let mut scene = Scene::new();
    for id in [10, 20] {
        scene.say(one(), id, "hello");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    scene.say(thread("one", "20"), 21, "!kill");
    scene.world.leave_agents();
    restart(&mut scene);
    let found: Vec<_> = scene.world.left.keys().copied().collect();
    assert_eq!(found.len(), 2);
    scene.event("it hears of them", Event::AgentsFound(found.clone()));
    scene.event("it hears of them again", Event::AgentsFound(found));
    scene.settle();
    assert_eq!(scene.world.idle_agents(), 1, "{}", scene.text);
}
