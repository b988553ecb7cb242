//! What the gateway says it does, for whoever looks.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::capability::Controls;
use mpg_core::gateway::Activity;
use mpg_core::record::ParkReason;
use mpg_core::snapshot::Parked;

use crate::asking::{permission, working};
use crate::ends::limited;
use crate::scene::{Scene, one};
use crate::world::{config, thread};

fn seen(scene: &Scene) -> String {
    let overview = scene.world.gateway.overview();
    let mut text = format!(
        "{} conversations, {} turns, {} queued, {} posts\n",
        overview.conversations, overview.turns, overview.queued, overview.posts
    );
    for one in overview.active {
        let since = one.activity.since().map(Timestamp::as_second);
        let until = one.activity.until().map(Timestamp::as_second);
        let (root, name, queued) = (one.conversation.root, one.activity.name(), one.queued);
        writeln!(
            text,
            "{root}: {name}, since {since:?}, until {until:?}, {queued} queued"
        )
        .expect("a string takes it");
    }
    text
}

#[test]
fn what_threads_do_is_told() {
    let mut scene = working(config(1), Controls::Forms);
    let mut text = String::new();
    let mut note = |what: &str, scene: &Scene| {
        writeln!(text, "# {what}\n{}", seen(scene)).unwrap();
    };
    scene.say(one(), 20, "waits for the slot");
    scene.say(thread("one", "10"), 11, "waits for its turn");
    note("one works, one waits", &scene);
    scene.settle();
    scene.ask("r1", &permission("git push"));
    scene.settle();
    note("the first asks, the other one works", &scene);
    scene.press(40, "ann", "Deny");
    scene.settle();
    let resets_at = scene.world.now.checked_add(Duration::from_hours(1)).ok();
    scene.end("its account is used up", limited(resets_at));
    note("it is parked, with posts that are owed", &scene);
    scene.settle();
    drop(scene.world.crash());
    note("after a restart", &scene);
    scene.pass(2 * 3_600);
    scene.settle();
    scene.answer();
    scene.settle();
    note("it goes on", &scene);
    insta::assert_snapshot!(text);
}

#[test]
fn each_activity_has_a_word_and_its_times() {
    let at = Timestamp::from_second(7).unwrap();
    let parked = |until| Parked {
        reason: ParkReason::UsageLimit,
        until,
    };
    for (activity, name, since, until) in [
        (Activity::Working(None), "working", None, None),
        (Activity::Working(Some(at)), "working", Some(at), None),
        (Activity::Asking(at), "asking", Some(at), None),
        (Activity::Ready(at), "ready", Some(at), None),
        (Activity::Waiting, "waiting", None, None),
        (Activity::Parked(parked(None)), "parked", None, None),
        (Activity::Parked(parked(Some(at))), "parked", None, Some(at)),
    ] {
        let told = (activity.name(), activity.since(), activity.until());
        assert_eq!(told, (name, since, until), "{activity:?}");
    }
}
