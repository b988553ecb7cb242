//! How much is posted, however much there is to say.

use mpg_core::gateway::MAX_ANSWER_POSTS;
use mpg_core::id::RootId;
use mpg_core::wording;

use crate::agents::said;
use crate::scene::{Scene, one};
use crate::world::{channel, message, thread};

/// As much as one post holds.
const POST: usize = 2_000;

/// The texts that the thread is owed.
fn owed(scene: &Scene) -> Vec<String> {
    let first = message(one(), 10, "ann", "work");
    let root = RootId::of_message(channel("one"), first.id);
    let thread = &scene.world.gateway.state().threads[&root];
    let posts = thread.deliveries.iter();
    posts.map(|post| post.text.clone()).collect()
}

fn working() -> Scene {
    let mut scene = Scene::new();
    scene.say(one(), 10, "work");
    scene.settle();
    scene
}

/// What is posted of an answer of so many parts that fill a post each.
fn posted(parts: usize) -> Vec<String> {
    let mut scene = working();
    let part = "x".repeat(POST);
    scene.end("it answers", said(&vec![part; parts].join("\n\n")));
    owed(&scene)
}

#[test]
fn an_answer_takes_so_many_posts_and_says_what_is_left_out() {
    let whole = posted(MAX_ANSWER_POSTS);
    assert_eq!(whole.len(), MAX_ANSWER_POSTS);
    assert!(whole.iter().all(|text| text.len() == POST));

    let one_more = posted(MAX_ANSWER_POSTS + 1);
    let (last, before) = one_more.split_last().unwrap();
    assert_eq!(before, &whole[1..]);
    assert_eq!(*last, wording::answer_cut(2 * POST));

    // Of one that is far too long, the end is counted and not read: its blank lines count, too.
    let longest = 4 * POST * MAX_ANSWER_POSTS;
    let far_more = posted(2 * longest / POST);
    let beyond = 2 * longest / POST * (POST + 2) - 2 - longest;
    let (parts, begun) = (longest / (POST + 2), longest % (POST + 2));
    let read = (parts - (MAX_ANSWER_POSTS - 1)) * POST + begun;
    assert_eq!(far_more.len(), MAX_ANSWER_POSTS);
    assert_eq!(far_more.last(), Some(&wording::answer_cut(beyond + read)));
}

#[test]
fn a_thread_is_owed_so_many_replies_and_every_answer() {
    let mut scene = working();
    for id in 11..211 {
        scene.say(thread("one", "10"), id, "!agents");
    }
    assert_eq!(owed(&scene).len(), 100);
    scene.end("it answers", said("built"));
    let owed = owed(&scene);
    assert_eq!(owed.len(), 101);
    assert_eq!(owed.last().map(String::as_str), Some("built"));
}

#[test]
fn what_is_left_out_is_said_where_the_rest_fills_the_posts_to_the_end() {
    let mut scene = working();
    scene.end(
        "it answers",
        said(&"👍".repeat(POST * MAX_ANSWER_POSTS + 10)),
    );
    let owed = owed(&scene);
    assert_eq!(owed.len(), MAX_ANSWER_POSTS);
    assert_eq!(owed.last(), Some(&wording::answer_cut(POST + 10)));
}
