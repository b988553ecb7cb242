//! The message that a running turn is shown in, as transcripts.

use std::time::Duration;

use mpg_core::agent::{ContextUse, FailureKind, Seq, TurnFailure, Usage};
use mpg_core::capability::{Capabilities, FileLimits};
use mpg_core::event::{Effect, RunEnd, TurnNotice};
use mpg_core::id::{Place, ThreadId};
use mpg_core::interaction::{Action, ActionId};
use mpg_core::live::Results;
use mpg_core::message::Inbound;
use mpg_core::post::Status;

use crate::interactions::press;
use crate::scene::{Scene, one};
use crate::world::{Pending, channel, config, threaded};

/// A scene in which a turn runs.
fn running() -> Scene {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.text.clear();
    scene
}

fn show(scene: &mut Scene, text: &str) {
    scene.notice(TurnNotice::Live(text.to_owned()));
}

fn usage() -> Usage {
    Usage {
        input_tokens: 1_000,
        output_tokens: 2_300,
        cache_read_tokens: 9_000,
        cost_microdollars: 42_100,
        duration: Duration::from_secs(40),
        steps: 7,
        context: Some(ContextUse {
            used: 74_000,
            window: 200_000,
        }),
        ..Usage::default()
    }
}

#[test]
fn a_turn_is_shown_once_and_shrinks_to_a_line_behind_its_answer() {
    let mut scene = running();
    show(&mut scene, "thinking");
    show(&mut scene, "once more");
    scene.settle();
    show(&mut scene, "and again");
    scene.notice(TurnNotice::Doing(Status::Reading));
    scene.pass(41);
    scene.end(
        "the agent reports the end",
        RunEnd::Reported {
            result: Ok("done".to_owned()),
            usage: usage(),
            seq: Seq(9),
            covers: Vec::new(),
            partial: None,
            results: None,
        },
    );
    scene.settle();
    let threads = scene.world.disk.threads.values();
    assert!(threads.into_iter().all(|thread| thread.kept.is_empty()));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_ends_while_its_message_is_on_its_way_is_summed_up_too() {
    let mut scene = running();
    show(&mut scene, "thinking");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_message_that_was_not_begun_is_not_made_any_more() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    let open = scene
        .pending_position(|pending| matches!(pending, Pending::Effect(Effect::OpenThread { .. })));
    let open = scene.world.pending.remove(open);
    scene.settle();
    scene.text.clear();
    show(&mut scene, "thinking");
    scene.answer();
    scene.world.pending.push(open);
    scene.settle();
    assert!(scene.text.contains("left out"), "{}", scene.text);
    assert!(!scene.text.contains("instead of"), "{}", scene.text);
}

#[test]
fn a_turn_that_fails_says_so_in_its_line() {
    let mut scene = running();
    show(&mut scene, "thinking");
    scene.settle();
    scene.end(
        "the agent reports the end",
        RunEnd::Reported {
            result: Err(TurnFailure::new(FailureKind::Agent, "no")),
            usage: Usage::default(),
            seq: Seq(9),
            covers: Vec::new(),
            partial: None,
            results: None,
        },
    );
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_waits_and_a_turn_that_is_stopped_say_so() {
    let mut scene = running();
    show(&mut scene, "thinking");
    scene.settle();
    scene.end(
        "the agent reports the end",
        RunEnd::Reported {
            result: Err(TurnFailure::new(FailureKind::UsageLimit, "limit")),
            usage: Usage::default(),
            seq: Seq(9),
            covers: Vec::new(),
            partial: None,
            results: None,
        },
    );
    scene.settle();
    scene.pass(1_200);
    scene.settle();
    scene.say(one(), 11, "!stop");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

/// A scene in which a turn is shown whose posts may have files of this size.
fn with_files(size: u64) -> Scene {
    let can = Capabilities {
        files: Some(FileLimits { count: 1, size }),
        ..threaded()
    };
    let mut scene = Scene::on(config(2), can);
    scene.say(one(), 10, "hello");
    scene.settle();
    show(&mut scene, "thinking");
    scene.settle();
    scene
}

fn with_results(result: Result<String, TurnFailure>) -> RunEnd {
    RunEnd::Reported {
        result,
        usage: Usage::default(),
        seq: Seq(9),
        covers: Vec::new(),
        partial: None,
        results: Some(Box::new(Results {
            document: "# What the steps gave\n".to_owned(),
        })),
    }
}

#[test]
fn what_the_steps_gave_is_a_file_behind_the_answer_and_behind_a_stop() {
    let mut scene = with_files(1_000);
    scene.text.clear();
    scene.end("the agent answers", with_results(Ok("done".to_owned())));
    scene.settle();
    scene.say(one(), 11, "more");
    scene.settle();
    scene.say(
        Place::thread(channel("one"), ThreadId::new("11")),
        12,
        "!stop",
    );
    let stopped = TurnFailure::new(FailureKind::Interrupted, "");
    scene.end("the agent is stopped", with_results(Err(stopped)));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_the_steps_gave_is_a_file_as_large_as_a_file_may_be() {
    let length = "# What the steps gave\n".len() as u64;
    for (size, is_posted) in [(length, true), (length - 1, false)] {
        let mut scene = with_files(size);
        scene.end("the agent answers", with_results(Ok("done".to_owned())));
        scene.settle();
        assert_eq!(scene.text.contains("steps.md"), is_posted, "{size}");
    }
}

#[test]
fn what_the_steps_gave_is_no_file_where_none_can_be_or_before_the_turn_has_ended() {
    for size in [0, 5] {
        let mut scene = with_files(size);
        scene.end("the agent answers", with_results(Ok("done".to_owned())));
        assert!(!scene.text.contains("steps.md"), "{}", scene.text);
    }
    let mut scene = running();
    scene.end("the agent answers", with_results(Ok("done".to_owned())));
    assert!(!scene.text.contains("steps.md"), "{}", scene.text);
    let mut scene = with_files(1_000);
    let limit = TurnFailure::new(FailureKind::UsageLimit, "limit");
    scene.end("the agent waits", with_results(Err(limit)));
    assert!(!scene.text.contains("steps.md"), "{}", scene.text);
}

#[test]
fn the_button_stops_the_turn_that_it_belongs_to_and_no_other() {
    let mut scene = running();
    show(&mut scene, "thinking");
    scene.settle();
    let place = Place::thread(channel("one"), ThreadId::new("10"));
    let turn = scene.running().turn;
    let pressed = |place: &Place, number, turn: &str| {
        let mut interaction = press(place.clone(), number, "ann");
        let id = ActionId::parse(&format!("stop:{turn}")).unwrap();
        let values = Vec::new();
        interaction.action = Action::Press { id, values };
        Inbound::Interaction(interaction)
    };
    for (number, of) in [
        (20, "another turn"),
        (21, &turn.to_string()),
        (22, &turn.to_string()),
    ] {
        scene.inbound("ann presses stop", pressed(&place, number, of));
        scene.settle();
    }
    insta::assert_snapshot!(scene.text);
}

#[test]
fn another_gateway_goes_on_in_the_same_message() {
    let mut scene = running();
    show(&mut scene, "thinking");
    scene.settle();
    let step = scene.world.crash();
    let live = step.effects.iter().find_map(|effect| {
        let Effect::RunTurn(run) = effect else {
            return None;
        };
        run.live.clone()
    });
    let live = live.expect("the turn goes on in its message");
    assert!(
        scene
            .world
            .disk
            .threads
            .values()
            .any(|thread| { thread.kept.values().any(|message| *message == live.message) })
    );
    scene.note("the gateway restarts", &step);
    show(&mut scene, "still thinking");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn how_much_is_shown_is_said_in_the_thread_and_outlives_the_gateway() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.text.clear();
    let place = Place::thread(channel("one"), ThreadId::new("10"));
    scene.say(one(), 11, "!verbosity full");
    scene.settle();
    scene.say(place.clone(), 12, "!verbosity full");
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(place, 13, "!verbosity");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}
