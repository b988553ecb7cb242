//! Conversations that share a channel, because no threads could be opened for them.

use mpg_core::event::{Deliver, Effect, Event, ThreadRefusal};
use mpg_core::id::{MessageId, RootId};

use crate::scene::{Scene, one};
use crate::world::{Pending, channel};

fn root(message: &str) -> RootId {
    RootId::of_message(channel("one"), MessageId::new(message))
}

/// Two conversations in the channel, of which the first has an answer of two posts. Both agents have
/// answered, and the first post is on its way.
fn shared() -> Scene {
    let mut scene = Scene::new();
    let limit = scene.world.capabilities.post_limit.max;
    scene.say(one(), 10, &"word ".repeat(limit / 4));
    scene.say(one(), 11, "second");
    scene
        .world
        .pending
        .retain(|p| !matches!(p, Pending::Effect(Effect::OpenThread { .. })));
    for message in ["10", "11"] {
        scene.event(
            "no thread",
            Event::ThreadOpened {
                root: root(message),
                result: Err(ThreadRefusal::Failed("not today".to_owned())),
            },
        );
    }
    // The two notices that there is no thread.
    scene.settle();
    assert_eq!(scene.world.delivered.len(), 2);
    scene.answer();
    scene.answer();
    scene
}

/// The one post that is on its way.
fn on_its_way(scene: &Scene) -> Deliver {
    let mut posts = scene.world.pending.iter().filter_map(|pending| {
        if let Pending::Effect(Effect::Deliver(delivery)) = pending {
            Some((**delivery).clone())
        } else {
            None
        }
    });
    let post = posts.next().expect("a post is on its way");
    assert_eq!(posts.next(), None, "one at a time");
    post
}

fn made(scene: &mut Scene) {
    let index =
        scene.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
    scene.world.succeed(index);
}

fn message(number: u32) -> MessageId {
    MessageId::new((1_000_000 + number).to_string())
}

#[test]
fn they_take_turns_to_post() {
    let mut scene = shared();
    for (root_message, after) in [("10", 1), ("11", 2), ("10", 3)] {
        let post = on_its_way(&scene);
        assert_eq!(post.root, root(root_message));
        assert_eq!(post.after, Some(message(after)), "behind the other's post");
        assert!(!post.maybe_sent);
        made(&mut scene);
    }
    assert!(scene.world.gateway.is_idle());
}

#[test]
fn a_post_in_doubt_is_looked_for_behind_what_stood_there_when_it_was_sent() {
    let mut scene = shared();
    made(&mut scene);
    let in_doubt = on_its_way(&scene);
    assert_eq!(
        (in_doubt.root, in_doubt.after),
        (root("11"), Some(message(2)))
    );
    for _ in 0..2 {
        // What the other conversation posts meanwhile may stand behind it.
        scene.world.crash();
        let other = on_its_way(&scene);
        if other.root == root("10") {
            assert_eq!(other.after, Some(message(2)));
            made(&mut scene);
        }
        let again = on_its_way(&scene);
        assert_eq!(again.post, in_doubt.post);
        assert_eq!(again.after, Some(message(2)));
        assert!(again.maybe_sent);
    }
}

#[test]
fn what_is_found_and_is_anothers_is_looked_behind() {
    let mut scene = shared();
    made(&mut scene);
    scene.world.crash();
    made(&mut scene);
    let index =
        scene.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
    scene.world.pending.remove(index);
    let delivery = on_disk(&scene);
    let found = |number: u32| Event::Delivered {
        root: root("11"),
        delivery,
        result: Ok(message(number)),
    };
    scene.event("the other's post is found", found(3));
    let behind = on_its_way(&scene);
    assert_eq!((behind.root, behind.after), (root("11"), Some(message(3))));
    assert!(behind.maybe_sent);
    scene.world.pending.clear();
    scene.event("its own is found", found(4));
    assert_eq!(
        scene.world.disk.threads[&root("11")].confirmed,
        Some(message(4))
    );
    assert!(scene.world.gateway.is_idle());
}

/// The post that the second conversation is owed.
fn on_disk(scene: &Scene) -> mpg_core::id::DeliveryId {
    let thread = &scene.world.disk.threads[&root("11")];
    thread.deliveries.front().expect("it is owed").id
}
