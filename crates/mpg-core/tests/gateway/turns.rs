//! Turns that are prepared, stopped or told of at the edge of their time.

use std::time::Duration;

use mpg_core::event::{Effect, Event, Step, TurnNotice};
use mpg_core::id::{MessageId, MessageRef};
use mpg_core::message::Inbound;

use crate::scene::{Scene, one};
use crate::world::{Pending, thread};

#[test]
fn what_is_prepared_for_a_message_that_was_removed_serves_the_next_one() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "first");
    let open = scene
        .pending_position(|pending| matches!(pending, Pending::Effect(Effect::OpenThread { .. })));
    drop(scene.world.succeed(open));
    scene.say(thread("one", "10"), 11, "second");
    let removed = MessageRef {
        place: one(),
        message: MessageId::new("10"),
    };
    scene.inbound("the first is removed", Inbound::Deleted(removed));
    scene.settle();
    assert_eq!(scene.world.runs(), 1, "{}", scene.text);
    assert_eq!(scene.running().submission.prompt, "second");
}

#[test]
fn a_turn_that_is_being_prepared_can_be_stopped() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "first");
    scene.say(one(), 11, "!stop");
    scene.settle();
    assert_eq!(scene.world.runs(), 0, "{}", scene.text);
    assert_eq!(scene.world.dropped.len(), 1);
}

#[test]
fn what_an_earlier_run_reports_is_not_told() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "first");
    scene.settle();
    let (conversation, earlier) = scene.run();
    scene.answer();
    scene.say(thread("one", "10"), 11, "second");
    scene.settle();
    let step = scene.world.handle(Event::TurnNoticed {
        conversation,
        run: earlier,
        notice: TurnNotice::Silent(Duration::from_secs(90)),
    });
    assert_eq!(step, Step::default());
}

#[test]
fn so_many_notices_of_a_turn_are_told_and_no_more() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    let before = scene.world.delivered.len();
    for _ in 0..20 {
        scene.pass(1);
        scene.notice(TurnNotice::Silent(Duration::from_mins(1)));
        scene.settle();
    }
    assert_eq!(scene.world.delivered.len() - before, 10);
}

#[test]
fn a_slot_that_a_turn_gives_up_goes_to_whoever_waited_longest() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "think for ever");
    scene.settle();
    scene.say(one(), 20, "elsewhere");
    scene.settle();
    scene.say(thread("one", "10"), 11, "and this");
    scene.say(thread("one", "10"), 12, "!stop");
    let run = scene.run_index();
    let Pending::Run(run) = scene.world.pending.remove(run) else {
        unreachable!("it was looked for");
    };
    // Its agent ends instead of stopping.
    drop(scene.world.closed(run.session.session));
    scene.settle();
    assert_eq!(scene.running().submission.prompt, "elsewhere");
}
