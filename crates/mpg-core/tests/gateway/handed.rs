//! Files that agents hand over, and answers that come as files, as transcripts.

use mpg_core::capability::{Capabilities, FileLimits, TextLimit, TextUnit};
use mpg_core::event::{Effect, Event, RunEnd, Undelivered};
use mpg_core::id::{FileId, SessionId, UserId};
use mpg_core::out_file::{Content, MAX_FILES, Offer, OfferRefusal, OutFile};
use uuid::Uuid;

use crate::asking::changed;
use crate::scene::{Scene, one};
use crate::world::{Pending, config, thread, threaded};

fn scene() -> Scene {
    let limits = FileLimits {
        size: 1000,
        count: 2,
    };
    let can = Capabilities {
        files: Some(limits),
        ..threaded()
    };
    let mut scene = Scene::on(config(2), can);
    scene.say(one(), 10, "draw it");
    scene.settle();
    scene
}

fn session(scene: &Scene) -> SessionId {
    scene.running().session.session
}

fn file(number: u128, size: u64) -> OutFile {
    OutFile {
        name: format!("{number}.png"),
        size,
        content: Content::Kept(FileId::from_uuid(Uuid::from_u128(number))),
    }
}

fn offer(scene: &mut Scene, session: SessionId, files: Vec<OutFile>, caption: &str) {
    let offer = Offer {
        session,
        files,
        caption: caption.to_owned(),
    };
    scene.event("files", Event::FilesOffered(Box::new(offer)));
}

#[test]
fn files_are_posted_while_the_turn_runs_and_their_copies_go_then() {
    let mut scene = scene();
    let session = session(&scene);
    let files = vec![file(1, 600), file(2, 400), file(3, 1)];
    offer(&mut scene, session, files, "*before* and after");
    scene.settle();
    scene.answer();
    scene.settle();
    offer(&mut scene, session, vec![file(4, 1)], "too late");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn files_go_to_the_thread_whose_agent_hands_them_over() {
    let mut scene = scene();
    scene.say(one(), 20, "draw another one");
    scene.settle();
    let session_of = |conversation| scene.world.disk.conversation(conversation)?.session.clone();
    let accepted = scene.world.accepted.iter();
    let runs = accepted.filter_map(|(id, _)| Some((id.root.clone(), session_of(id)?.id)));
    let runs: Vec<_> = runs.collect();
    assert_eq!(runs.len(), 2);
    let names = scene
        .world
        .pending
        .iter()
        .filter_map(|pending| match pending {
            Pending::Run(run) => Some(run.run),
            Pending::Effect(_) | Pending::Close(_) => None,
        });
    let names: std::collections::BTreeSet<_> = names.collect();
    assert_eq!(names.len(), 2, "each run has a name of its own");
    for (number, (root, session)) in (1..).zip(runs) {
        offer(&mut scene, session, vec![file(number, 1)], "");
        let owed = &scene.world.disk.threads[&root].deliveries;
        let files = owed.iter().flat_map(|post| post.files.clone());
        assert_eq!(files.collect::<Vec<_>>(), [file(number, 1)]);
        scene.settle();
    }
}

#[test]
fn an_agent_hands_files_over_where_its_channel_takes_them_and_not_aside() {
    let mut scene = scene();
    assert!(scene.running().session.hands_files);
    scene.say(thread("one", "10"), 11, "!btw why?");
    scene.settle();
    let aside = scene.pending_position(
        |pending| matches!(pending, Pending::Run(run) if run.session.conversation.root.is_aside()),
    );
    let Pending::Run(aside) = &scene.world.pending[aside] else {
        unreachable!("it was looked for");
    };
    assert!(!aside.session.hands_files);
    let mut without = Scene::new();
    without.say(one(), 10, "draw it");
    without.settle();
    assert!(!without.running().session.hands_files);
}

#[test]
fn as_many_files_as_are_left_of_the_most_bytes_are_taken() {
    let mut scene = scene();
    let session = session(&scene);
    let files = (1..=MAX_FILES).map(|number| file(number as u128, 1000));
    offer(&mut scene, session, files.collect(), "");
    assert!(!scene.text.contains("is refused"), "{}", scene.text);
    assert_eq!(scene.world.gateway.offer_terms(session).unwrap().left, 0);
}

#[test]
fn a_copy_is_kept_through_a_crash_and_for_a_dead_letter() {
    let mut scene = scene();
    let session = session(&scene);
    offer(&mut scene, session, vec![file(1, 600)], "");
    let config = (*scene.world.config).clone();
    scene.restart_with(config);
    let pending = &scene.world.pending;
    let posts = pending.iter().position(|pending| {
        matches!(pending, Pending::Effect(Effect::Deliver(post)) if !post.post.files.is_empty())
    });
    let index = posts.expect("the file is posted again");
    let Pending::Effect(Effect::Deliver(delivery)) = scene.world.pending.remove(index) else {
        unreachable!("it was looked for");
    };
    scene.event(
        "the platform refuses",
        Event::Delivered {
            root: delivery.root,
            delivery: delivery.post.id,
            result: Err(Undelivered::Dead("it does not like it".to_owned())),
        },
    );
    let dead = &scene.world.disk.dead;
    assert_eq!(dead[0].post.files, [file(1, 600)]);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_is_not_taken_is_refused_with_the_reason() {
    let mut scene = scene();
    let running = session(&scene);
    let terms = scene.world.gateway.offer_terms(running).expect("it runs");
    assert_eq!(terms.directory, "/srv/one");
    assert_eq!(terms.left, MAX_FILES);
    let nobody = SessionId::from_uuid(Uuid::from_u128(99));
    assert_eq!(
        scene.world.gateway.offer_terms(nobody),
        Err(OfferRefusal::NoTurn)
    );
    offer(&mut scene, nobody, vec![file(1, 1)], "");
    offer(&mut scene, running, vec![file(2, 1), file(3, 1001)], "");
    for number in 1..=4 {
        let files = (0..6).map(|index| file(number * 10 + index, 1)).collect();
        offer(&mut scene, running, files, "");
    }
    let refused = scene.text.matches("is refused").count();
    assert_eq!(refused, 3, "{}", scene.text);
    assert!(scene.text.contains("at most 20 files"), "{}", scene.text);
    assert_eq!(
        scene
            .world
            .gateway
            .offer_terms(running)
            .map(|terms| terms.left),
        Ok(2)
    );
}

#[test]
fn a_channel_without_files_takes_none_and_gets_long_answers_in_posts() {
    let mut scene = Scene::new();
    scene.say(one(), 10, "explain it");
    scene.settle();
    let running = session(&scene);
    assert_eq!(
        scene.world.gateway.offer_terms(running),
        Err(OfferRefusal::Unsupported)
    );
    let posts = answer(&mut scene, &long());
    assert!(posts.len() > 1);
    assert!(posts.iter().all(|(_, files)| files.is_empty()));
}

#[test]
fn a_long_answer_is_its_beginning_and_a_file() {
    let posts = answer(&mut scene(), &"short. ".repeat(100));
    assert_eq!(posts.len(), 1);
    assert!(posts[0].1.is_empty(), "it fits");

    let mut scene = scene_with_room();
    let posts = answer(&mut scene, &long());
    let [(text, files)] = posts.as_slice() else {
        panic!("one post, not {}", posts.len());
    };
    assert_eq!(files, &[OutFile::text("answer.md", long())]);
    insta::assert_snapshot!(text);
}

/// A scene whose channel takes files as large as a long answer.
fn scene_with_room() -> Scene {
    let can = Capabilities {
        files: Some(FileLimits {
            size: 1 << 20,
            count: 1,
        }),
        ..threaded()
    };
    let mut scene = Scene::on(config(2), can);
    scene.say(one(), 10, "explain it");
    scene.settle();
    scene
}

fn long() -> String {
    let code = "    let value = compute();\n".repeat(40);
    let table = "| name | value |\n|---|---|\n| a | 1 |\n";
    let text = "It is a long story. ".repeat(400);
    format!("# What it does\n\n{table}\n```rust\n{code}```\n\n{text}")
        .trim()
        .to_owned()
}

fn answer(scene: &mut Scene, text: &str) -> Vec<(String, Vec<OutFile>)> {
    let end = RunEnd::Reported {
        result: Ok(text.to_owned()),
        usage: mpg_core::agent::Usage::default(),
        seq: mpg_core::agent::Seq(1),
        covers: Vec::new(),
        partial: None,
        results: None,
    };
    scene.end("it answers", end);
    let threads = scene.world.disk.threads.values();
    let owed = threads.flat_map(|thread| &thread.deliveries);
    owed.map(|post| (post.text.clone(), post.files.clone()))
        .collect()
}

/// How many posts and files an answer becomes where a longer one than `most` is a file.
fn becomes(most: u32, size: u64, post: usize, text: &str) -> (usize, usize) {
    let config = changed(|project| project.answer_as_file = most);
    let can = Capabilities {
        files: Some(FileLimits { size, count: 1 }),
        post_limit: TextLimit {
            max: post,
            unit: TextUnit::CodePoints,
        },
        ..threaded()
    };
    let mut scene = Scene::on(config, can);
    scene.say(one(), 10, "explain it");
    scene.settle();
    let posts = answer(&mut scene, text);
    let files = posts.iter().map(|(_, files)| files.len()).sum();
    (posts.len(), files)
}

#[test]
fn an_answer_is_a_file_where_it_is_longer_than_the_most_and_a_file_takes_it() {
    // Two bytes each, so that characters are told from bytes.
    let text = "é".repeat(500);
    for (most, size, becoming) in [
        (499, 1_000, (1, 1)),
        (500, 1_000, (2, 0)),
        (0, 1_000, (2, 0)),
        (499, 999, (2, 0)),
    ] {
        assert_eq!(becomes(most, size, 300, &text), becoming, "{most} {size}");
    }
    assert_eq!(becomes(1_000, 1_000, 2_000, &text), (1, 0));
}

#[test]
fn a_post_too_short_for_its_note_is_followed_by_others() {
    let text = "a word of many. ".repeat(100);
    let text = text.trim();
    let note = mpg_core::wording::goes_on_in_file("answer.md", text.chars().count());
    let smallest = note.chars().count() + 2 + TextLimit::SMALLEST;
    assert_eq!(becomes(100, 10_000, smallest, text), (1, 1));
    let (posts, files) = becomes(100, 10_000, smallest - 1, text);
    assert!(posts > 1 && files == 0, "{posts} {files}");
}

#[test]
fn an_answer_is_no_file_where_a_post_has_none() {
    let can = Capabilities {
        files: Some(FileLimits {
            size: 1 << 20,
            count: 0,
        }),
        ..threaded()
    };
    let mut scene = Scene::on(config(2), can);
    scene.say(one(), 10, "explain it");
    scene.settle();
    let posts = answer(&mut scene, &long());
    assert!(posts.len() > 1);
    assert!(posts.iter().all(|(_, files)| files.is_empty()));
}

#[test]
fn the_beginning_of_an_answer_has_so_many_characters_in_whatever_language() {
    for word in ["word ", "слово ", "👍👍👍👍 "] {
        let text = word.repeat(2_000);
        let posts = answer(&mut scene_with_room(), &text);
        let (begins, _) = posts[0].0.rsplit_once("\n\n").expect("a note follows");
        let length = begins.chars().count();
        assert!((1_490..=1_500).contains(&length), "{length} of {word}");
    }
}

#[test]
fn who_asked_is_called_by_an_answer_in_a_file() {
    let config = changed(|project| project.notify_after = std::time::Duration::from_mins(1));
    let can = Capabilities {
        files: Some(FileLimits {
            size: 1 << 20,
            count: 1,
        }),
        ..threaded()
    };
    let mut scene = Scene::on(config, can);
    scene.say(one(), 10, "explain it");
    scene.settle();
    scene.world.pass(61);
    answer(&mut scene, &long());
    let threads = scene.world.disk.threads.values();
    let owed: Vec<_> = threads.flat_map(|thread| &thread.deliveries).collect();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].mentions.as_ref().map(UserId::as_str), Some("ann"));
}
