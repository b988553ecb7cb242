//! Messages that later posts take over, as transcripts.

use mpg_core::id::{DeliveryId, MessageId, RootId, TurnId};
use mpg_core::post::{Post, PostKind};
use mpg_core::record::Record;
use uuid::Uuid;

use crate::scene::{Scene, one};

/// A scene with one thread, and its root.
fn scene() -> (Scene, RootId) {
    let mut scene = Scene::new();
    scene.say(one(), 10, "hello");
    scene.settle();
    scene.answer();
    scene.settle();
    let root = scene
        .world
        .disk
        .threads
        .keys()
        .next()
        .expect("it has one")
        .clone();
    (scene, root)
}

fn turn() -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(7))
}

fn id(index: u32) -> DeliveryId {
    DeliveryId::of_turn(turn(), index)
}

fn live(index: u32, replaces: Option<u32>) -> Post {
    Post {
        replaces: replaces.map(id),
        ..Post::new(id(index), PostKind::Live { turn: turn() }, "working")
    }
}

fn last(index: u32, replaces: u32) -> Post {
    Post {
        replaces: Some(id(replaces)),
        ..Post::new(id(index), PostKind::Notice, "worked for 2 s")
    }
}

fn restart_owing(scene: &mut Scene, root: &RootId, posts: &[Post]) {
    for post in posts {
        scene.world.disk.apply(&Record::DeliveryPlanned {
            root: root.clone(),
            post: post.clone(),
            at: scene.world.now,
        });
    }
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
}

#[test]
fn posts_take_a_message_over_until_one_of_another_sort_does() {
    let (mut scene, root) = scene();
    scene.text.clear();
    let posts = [live(0, None), live(1, Some(0)), last(2, 0), last(3, 0)];
    restart_owing(&mut scene, &root, &posts);
    let thread = &scene.world.disk.threads[&root];
    assert!(thread.kept.is_empty() && thread.deliveries.is_empty());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_took_a_message_over_is_no_news_in_its_place() {
    let (mut scene, root) = scene();
    restart_owing(&mut scene, &root, &[live(0, None)]);
    let floor = scene.world.disk.threads[&root].confirmed.clone();
    let kept: Vec<MessageId> = scene.world.disk.threads[&root]
        .kept
        .values()
        .cloned()
        .collect();
    assert_eq!(kept, Vec::from_iter(floor.clone()));
    scene.world.disk.apply(&Record::FloorRaised {
        root: root.clone(),
        after: MessageId::new("999"),
    });
    restart_owing(&mut scene, &root, &[last(1, 0)]);
    let thread = &scene.world.disk.threads[&root];
    assert_eq!(thread.confirmed, Some(MessageId::new("999")));
    assert!(thread.kept.is_empty());
}
