//! Scenarios, each as the transcript of what the gateway decides.

use std::time::Duration;

use mpg_core::agent::{FailureKind, Retry};
use mpg_core::capability::Threads;
use mpg_core::event::{Effect, Event, RunEnd, ThreadRefusal, TurnNotice, Undelivered};
use mpg_core::id::{Place, RequestId, RootId};
use mpg_core::message::Inbound;
use mpg_core::request::{Permission, Request};
use mpg_core::route::MAX_QUEUED;

use crate::scene::{Scene, one};
use crate::world::{Pending, channel, exited, failed, file, thread};

#[test]
fn a_first_message_and_a_follow_up() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "fix the build");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.pass(60);
    scene.say(thread("one", "10"), 11, "and the tests");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn messages_wait_for_their_turn_and_for_a_slot() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "first");
    scene.settle();
    scene.say(thread("one", "10"), 11, "second");
    scene.say(one(), 12, "another thread");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

/// A first message whose thread is not opened yet.
fn without_a_thread() -> (Scene, RootId) {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    let root = scene.world.accepted[0].0.root.clone();
    scene
        .world
        .pending
        .retain(|p| !matches!(p, Pending::Effect(Effect::OpenThread { .. })));
    (scene, root)
}

#[test]
fn a_refused_thread_falls_back_to_the_channel_and_goes_on_there() {
    let (mut scene, root) = without_a_thread();
    scene.event(
        "no thread",
        Event::ThreadOpened {
            root,
            result: Err(ThreadRefusal::Refused),
        },
    );
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 11, "go on");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn so_many_messages_wait_in_a_thread_and_no_more() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    for number in 0..=MAX_QUEUED {
        let id = 11 + u32::try_from(number).unwrap();
        scene.say(thread("one", "10"), id, "more");
    }
    assert_eq!(scene.world.accepted.len(), 1 + MAX_QUEUED);
    scene.settle();
    let told = scene.world.delivered.iter().map(|(_, text)| text.as_str());
    let refused = told.filter(|text| text.contains("too much waits here already"));
    assert_eq!(refused.count(), 1, "{}", scene.text);
}

#[test]
fn nothing_to_do_is_idle_and_drained_only_where_it_ends() {
    let mut scene = Scene::new();
    assert!(scene.world.gateway.is_idle());
    assert!(!scene.world.gateway.is_drained());
    scene.say(one(), 10, "work");
    scene.settle();
    scene.answer();
    scene.settle();
    assert!(scene.world.gateway.is_idle(), "an agent may be ready");
    scene.say(thread("one", "10"), 11, "!kill");
    while let Some(index) = scene
        .world
        .pending
        .iter()
        .position(|p| !matches!(p, Pending::Close(_)))
    {
        drop(scene.world.succeed(index));
    }
    assert!(!scene.world.gateway.is_idle(), "an agent is being closed");
    scene.settle();
    assert!(scene.world.gateway.is_idle());
    scene.event("drain", Event::Draining);
    assert!(scene.world.gateway.is_drained());
}

#[test]
fn a_thread_of_another_name_than_its_message_is_found_after_a_restart() {
    let (mut scene, root) = without_a_thread();
    let result = Ok(thread("one", "topic"));
    let opened = Event::ThreadOpened { root, result };
    scene.event("a thread", opened);
    scene.settle();
    scene.answer();
    scene.settle();
    drop(scene.world.crash());
    scene.settle();
    scene.say(thread("one", "topic"), 11, "go on");
    let [(first, _), (second, _)] = &scene.world.accepted[..] else {
        panic!("{:?}", scene.world.accepted);
    };
    assert_eq!(first, second);
}

#[test]
fn a_thread_that_fails_to_open_takes_no_other_message_with_it() {
    let (mut scene, root) = without_a_thread();
    scene.event(
        "no thread",
        Event::ThreadOpened {
            root,
            result: Err(ThreadRefusal::Failed("the message is gone".to_owned())),
        },
    );
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 11, "something else");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn commands_end_at_the_border_of_the_project() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    let two = || Place::channel(channel("two"));
    scene.say(two(), 20, "!kill one");
    scene.say(two(), 21, "!sessions");
    scene.say(two(), 22, "!session one");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn commands_that_name_a_project_find_the_sessions_of_its_threads() {
    let mut scene = Scene::new();
    for id in [10, 20] {
        scene.say(one(), id, "work");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    scene.text.clear();
    for (id, text) in [(30, "!session one"), (31, "!restart ONE")] {
        scene.say(one(), id, text);
        scene.settle();
    }
    scene.say(thread("one", "10"), 32, "more work");
    scene.settle();
    scene.answer();
    scene.settle();
    for (id, text) in [
        (33, "!kill one"),
        (34, "!session one"),
        (35, "!kill nothing of ours"),
    ] {
        scene.say(one(), id, text);
        scene.settle();
    }
    // What was ended stays ended: the next message begins afresh, after a restart too.
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(thread("one", "10"), 40, "work");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_directory_that_is_away_costs_a_turn_and_not_the_session() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "remember 7");
    scene.settle();
    scene.answer();
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(thread("one", "10"), 11, "which number?");
    scene.end("the directory is away", RunEnd::DirectoryMissing);
    scene.settle();
    scene.end(
        "the directory is away all the same",
        RunEnd::DirectoryMissing,
    );
    scene.settle();
    scene.say(thread("one", "10"), 12, "and now?");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_directory_that_is_made_again_costs_nothing() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "remember 7");
    scene.settle();
    scene.answer();
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(thread("one", "10"), 11, "which number?");
    scene.end("the directory is away", RunEnd::DirectoryMissing);
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_was_told_in_one_turn_is_told_again_in_the_next() {
    let mut scene = Scene::new();
    let denied = || {
        TurnNotice::Denied(Request::permission(
            RequestId::new("r"),
            Permission::new("Bash", "make all", "Bash(make:*)"),
        ))
    };
    scene.say(one(), 10, "work");
    scene.settle();
    scene.notice(denied());
    scene.say(thread("one", "10"), 11, "more work");
    scene.say(thread("one", "10"), 12, "!restart");
    scene.settle();
    scene.notice(denied());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_restart_in_the_middle_goes_on_with_the_same_session() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "long work");
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.end("it was cut off before", RunEnd::InterruptedBefore);
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_lost_session_is_replaced_and_said() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "remember 7");
    scene.settle();
    scene.answer();
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.say(thread("one", "10"), 11, "which number?");
    scene.end("the session is unknown", RunEnd::SessionLost);
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_that_exits_is_started_again_and_then_given_up() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "crash");
    scene.settle();
    scene.end("the process ends", exited());
    scene.end("the process ends", exited());
    scene.end("the process ends", exited());
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_takes_too_long_is_stopped() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "think for ever");
    scene.settle();
    scene.pass(30 * 60);
    scene.end("the agent stops", failed(FailureKind::Interrupted));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_unused_agent_is_closed_and_resumed() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.pass(31 * 60);
    scene.settle();
    scene.say(thread("one", "10"), 11, "still there?");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn kill_ends_the_turn_and_its_queue_and_the_next_message_starts_afresh() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(thread("one", "10"), 11, "waits");
    scene.say(thread("one", "10"), 12, "!kill");
    scene.settle();
    scene.say(thread("one", "10"), 13, "again");
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn restart_keeps_the_queue() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(thread("one", "10"), 11, "waits");
    scene.say(thread("one", "10"), 12, "!restart");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn commands_show_what_there_is() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "!help");
    scene.say(one(), 11, "!sessions");
    scene.say(one(), 12, "!sesion");
    scene.say(one(), 13, "!kill nowhere");
    scene.settle();
    scene.say(one(), 14, "work");
    scene.settle();
    scene.say(thread("one", "14"), 15, "more");
    scene.pass(150);
    scene.say(one(), 16, "!sessions");
    scene.say(thread("one", "14"), 17, "!session");
    scene.say(one(), 18, "!session ONE");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_is_being_prepared_is_not_said_to_wait() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.say(one(), 11, "!sessions");
    assert!(scene.text.contains("**one** starting\""), "{}", scene.text);
    scene.say(thread("one", "10"), 12, "more");
    scene.say(one(), 13, "!sessions");
    let text = "**one** starting, 1 message waiting\"";
    assert!(scene.text.contains(text), "{}", scene.text);
}

#[test]
fn a_thread_that_is_gone_ends_only_its_conversation() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "first");
    scene.settle();
    scene.say(one(), 20, "second");
    scene.settle();
    scene.inbound(
        "a thread is deleted",
        Inbound::PlaceGone(thread("one", "10")),
    );
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_post_that_finds_its_thread_gone_ends_the_conversation() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    let Some(Pending::Effect(Effect::Deliver(delivery))) = scene.world.pending.pop() else {
        panic!("an answer is on its way");
    };
    scene.event(
        "the thread is gone",
        Event::Delivered {
            root: delivery.root,
            delivery: delivery.post.id,
            result: Err(Undelivered::Gone("unknown channel".to_owned())),
        },
    );
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_the_agent_meets_is_told_once() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    let retry = |attempt| Retry {
        attempt,
        max: 10,
        delay: Duration::from_secs(2),
        error: "overloaded".to_owned(),
    };
    scene.notice(TurnNotice::Retrying(retry(1)));
    scene.notice(TurnNotice::Retrying(retry(2)));
    scene.notice(TurnNotice::Denied(Request::permission(
        RequestId::new("r"),
        Permission::new("Bash", "make `all`", "Bash(make:*)"),
    )));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn waiting_messages_can_be_changed_and_removed() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(thread("one", "10"), 11, "chnage this");
    scene.say(thread("one", "10"), 12, "remove this");
    let message = |id: u32| crate::world::message(thread("one", "10"), id, "ann", "").reference();
    scene.inbound(
        "an edit",
        Inbound::Edited {
            message: message(11),
            text: "change this".to_owned(),
        },
    );
    scene.inbound("a removal", Inbound::Deleted(message(12)));
    scene.answer();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn without_threads_the_channel_is_the_conversation() {
    let mut scene = Scene::new();
    scene.world.capabilities.threads = Threads::None;
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 11, "again");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn files_come_with_their_turn_and_are_dropped_with_it() {
    let mut scene = Scene::new();
    let mut message = crate::world::message(one(), 10, "ann", "look");
    message.attachments = vec![file("a.png", 10), file("huge.png", 1 << 30)];
    scene.inbound("a message with files", Inbound::Message(message));
    scene.settle();
    scene.answer();
    let mut message = crate::world::message(one(), 11, "ann", " ");
    message.attachments = vec![file("a.png", 10)];
    scene.inbound("a file alone", Inbound::Message(message));
    let mut message = crate::world::message(one(), 12, "ann", " ");
    message.attachments = vec![file("huge.png", 1 << 30)];
    scene.inbound("a file alone that is too large", Inbound::Message(message));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_goes_on_has_its_files_already() {
    let mut scene = Scene::new();
    let mut message = crate::world::message(one(), 10, "ann", "look");
    message.attachments = vec![file("a.png", 10)];
    scene.inbound("a message with a file", Inbound::Message(message));
    scene.settle();
    assert_eq!(scene.running().files.wanted, [file("a.png", 10)]);
    scene.end("its agent was cut off", RunEnd::InterruptedBefore);
    assert!(scene.running().files.is_empty());
    let dropped = |scene: &Scene| scene.text.contains("drop the files");
    assert!(!dropped(&scene), "they stay as long as their turn");
    scene.answer();
    assert!(dropped(&scene));
}

#[test]
fn a_draining_gateway_starts_nothing_and_closes_what_is_idle() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "idle soon");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.say(one(), 20, "runs");
    scene.settle();
    scene.say(one(), 30, "waits");
    scene.event("draining", Event::Draining);
    scene.settle();
    scene.answer();
    scene.settle();
    assert!(scene.world.gateway.is_drained());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_draining_gateway_closes_an_agent_whose_conversation_has_more_to_do() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "runs");
    scene.settle();
    scene.say(thread("one", "10"), 11, "waits behind it");
    scene.event("draining", Event::Draining);
    scene.answer();
    scene.settle();
    assert!(scene.world.gateway.is_drained(), "{}", scene.text);
    let queue = scene.world.disk.threads.values();
    let waiting: usize = queue
        .flat_map(|thread| thread.conversations.values())
        .map(|conversation| conversation.queue.len())
        .sum();
    assert_eq!(waiting, 1, "the next start answers it");
}

#[test]
fn an_answer_that_waits_for_its_thread_is_waited_for() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "be quick");
    let prepare = scene.pending_position(|pending| {
        matches!(pending, Pending::Effect(Effect::PrepareWorkspace { .. }))
    });
    drop(scene.world.succeed(prepare));
    scene.answer();
    scene.event("draining", Event::Draining);
    let close = scene.pending_position(|pending| matches!(pending, Pending::Close(_)));
    drop(scene.world.succeed(close));
    assert!(!scene.world.gateway.is_drained());
    assert!(!scene.world.gateway.is_idle());
    scene.settle();
    assert_eq!(scene.world.delivered.len(), 1);
    assert!(scene.world.gateway.is_drained());
    assert!(scene.world.gateway.is_idle());
}
