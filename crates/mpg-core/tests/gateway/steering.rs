//! Messages that arrive while a turn runs, and turns that are stopped, as transcripts.

use mpg_core::agent::{FailureKind, Partial, Seq, TurnFailure, Usage};
use mpg_core::config::{Config, RoutingTable, WhileBusy};
use mpg_core::event::{Event, RunEnd, TurnNotice};
use mpg_core::id::{MessageId, MessageRef, SubmitId, TurnId};
use mpg_core::message::Inbound;

use crate::scene::{Scene, one};
use crate::world::{config, exited, limited, message, thread};

pub(crate) fn busy(slots: u32, while_busy: WhileBusy) -> Config {
    let config = config(slots);
    let projects = config.routing.projects().map(|project| {
        let mut project = (**project).clone();
        project.while_busy = while_busy;
        project
    });
    Config {
        routing: RoutingTable::new(projects).expect("the channels stay as they are"),
        ..config
    }
}

fn scene(while_busy: WhileBusy) -> Scene {
    let mut scene = Scene::of(busy(1, while_busy));
    scene.say(one(), 10, "long work");
    scene.settle();
    scene
}

/// What waits in the conversation of the scene.
fn waiting(scene: &Scene) -> Vec<TurnId> {
    let (conversation, _) = scene.run();
    let state = scene.world.gateway.state();
    let queue = &state.conversation(&conversation).expect("it runs").queue;
    queue.iter().map(|turn| turn.id).collect()
}

/// The end of the running turn, which took some of what waits in.
fn covering(scene: &Scene, took_in: usize, result: Result<&str, FailureKind>) -> RunEnd {
    let own = scene.running().submission.id;
    let others = waiting(scene).into_iter().take(took_in);
    let others = others.map(|turn| SubmitId::of_attempt(turn, 1));
    RunEnd::Reported {
        partial: result.is_err().then(|| Partial {
            text: "I began with".to_owned(),
            cut: false,
            steps: 2,
        }),
        result: match result {
            Ok(answer) => Ok(answer.to_owned()),
            Err(kind) => Err(TurnFailure::new(kind, "")),
        },
        usage: Usage::default(),
        seq: Seq(1),
        covers: std::iter::once(own).chain(others).collect(),
        results: None,
    }
}

#[test]
fn a_message_is_answered_by_the_turn_that_takes_it_in() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(thread("one", "10"), 11, "and tests, too");
    scene.say(thread("one", "10"), 12, "/compact");
    scene.say(thread("one", "10"), 13, "waits behind a command");
    let end = covering(&scene, 1, Ok("done, with tests"));
    scene.end("it took one in", end);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_message_that_is_not_taken_in_is_the_next_turn_before_others() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(one(), 20, "another thread waits for the slot");
    scene.say(thread("one", "10"), 11, "and tests, too");
    let end = covering(&scene, 0, Ok("done"));
    scene.end("it took nothing in", end);
    assert!(scene.running().steered, "{}", scene.text);
    scene.settle();
    let end = covering(&scene, 0, Ok("tests, too"));
    scene.end("the agent answers", end);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_was_handed_over_survives_the_gateway_and_the_agent() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(thread("one", "10"), 11, "and tests, too");
    let step = scene.world.crash_alone();
    scene.note("the gateway restarts", &step);
    let step = scene.world.find_agents();
    scene.note("its agent is there", &step);
    scene.end("the agent exits", exited());
    scene.settle();
    scene.end("it was cut off", RunEnd::InterruptedBefore);
    let waits = waiting(&scene)[0];
    scene.notice(TurnNotice::Absorbed(waits));
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_that_may_have_begun_with_it_is_taken_over_by_that_turn() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(one(), 20, "another thread waits for the slot");
    scene.say(thread("one", "10"), 11, "and tests, too");
    let end = covering(&scene, 0, Ok("done"));
    let index = scene.run_index();
    let step = scene.world.end_run(index, end);
    scene.note("it took nothing in", &step);
    let step = scene.world.crash_alone();
    scene.note("the gateway restarts", &step);
    let step = scene.world.find_agents();
    scene.note("its agent is there", &step);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_limit_closes_an_agent_that_may_go_on_with_a_message() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(thread("one", "10"), 11, "and tests, too");
    scene.end("the limit is reached", limited(None));
    scene.settle();
    scene.pass(15 * 60);
    let end = covering(&scene, 1, Ok("done, with tests"));
    scene.end("it took it in", end);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_message_that_is_taken_back_is_withdrawn() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(thread("one", "10"), 11, "and tests, too");
    scene.say(thread("one", "10"), 12, "and docs");
    let deleted = MessageRef {
        place: thread("one", "10"),
        message: MessageId::new("11"),
    };
    scene.inbound("ann removes it", Inbound::Deleted(deleted));
    scene.say(thread("one", "10"), 13, "!queue drop 1");
    scene.settle();
    let end = covering(&scene, 0, Ok("done"));
    scene.end("the agent answers", end);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_stopped_turn_says_what_it_did_and_what_waits_goes_on() {
    let mut scene = scene(WhileBusy::Steer);
    scene.say(thread("one", "10"), 11, "and tests, too");
    scene.say(thread("one", "10"), 12, "!stop");
    let end = covering(&scene, 0, Err(FailureKind::Interrupted));
    scene.end("it is interrupted", end);
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_message_interrupts_the_turn_that_runs() {
    let mut scene = scene(WhileBusy::Interrupt);
    scene.say(thread("one", "10"), 11, "no, do this");
    scene.say(thread("one", "10"), 12, "and then this");
    let end = covering(&scene, 0, Err(FailureKind::Interrupted));
    scene.end("it is interrupted", end);
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_did_nothing_before_it_was_stopped_says_nothing() {
    let mut scene = scene(WhileBusy::Queue);
    scene.say(thread("one", "10"), 11, "!stop");
    scene.settle();
    let (conversation, run) = scene.run();
    let delivered = scene.world.delivered.len();
    scene.event(
        "it is interrupted",
        Event::TurnEnded {
            conversation,
            run,
            end: crate::world::failed(FailureKind::Interrupted),
        },
    );
    scene.settle();
    assert_eq!(scene.world.delivered.len(), delivered, "{}", scene.text);
}

#[test]
fn at_most_so_many_messages_are_handed_over() {
    let mut scene = scene(WhileBusy::Steer);
    for id in 11..40 {
        let said = message(thread("one", "10"), id, "ann", "more");
        drop(scene.world.receive(Inbound::Message(said)));
    }
    let (conversation, _) = scene.run();
    let state = scene.world.gateway.state();
    let conversation = state.conversation(&conversation).expect("it runs");
    let counts = (conversation.steered.len(), conversation.queue.len());
    assert_eq!(counts, (16, 29));
}
