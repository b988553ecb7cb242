//! What happens to requests at the limits: many of them, long ones, and old ones.

use std::time::Duration;

use mpg_core::capability::Controls;
use mpg_core::id::RequestId;
use mpg_core::request::{About, Answer, Permission};
use mpg_core::snapshot::Ask;

use crate::asking::{permission, working};
use crate::scene::Scene;
use crate::world::config;

fn asks(scene: &Scene) -> Vec<Ask> {
    let (conversation, _) = &scene.world.accepted[0];
    let running = scene.world.disk.conversation(conversation);
    let running = running.and_then(|known| known.running.as_deref());
    running
        .map(|running| running.asks.clone())
        .unwrap_or_default()
}

#[test]
fn what_was_asked_before_a_restart_gets_time_in_which_the_gateway_listens() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let until = scene.world.gateway.next_deadline().unwrap();
    scene.world.now = until.checked_add(Duration::from_hours(1)).unwrap();
    drop(scene.world.crash_alone());
    drop(scene.world.find_agents());
    scene.ask("r1", &permission("git push"));
    assert_eq!(
        scene.world.gateway.next_deadline(),
        scene.world.now.checked_add(Duration::from_mins(2)).ok()
    );
    assert!(asks(&scene)[0].is_open());
    scene.pass(2 * 60);
    scene.settle();
    assert!(matches!(scene.told().as_slice(), [Answer::Deny { .. }]));
}

#[test]
fn the_oldest_request_that_is_over_makes_room_and_an_open_one_does_not() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("open", &permission("git push"));
    for number in 1..Ask::MOST {
        scene.ask(&number.to_string(), &permission(&format!("ls {number}")));
        scene.press(40, "ann", "Allow once");
    }
    assert_eq!(asks(&scene).len(), Ask::MOST);
    scene.ask("new", &permission("rm -r target"));
    let names: Vec<RequestId> = asks(&scene).into_iter().map(|ask| ask.request).collect();
    assert_eq!(names.len(), Ask::MOST);
    assert_eq!(names[0], RequestId::new("open"));
    assert_eq!(names[1], RequestId::new("2"));
    assert_eq!(names[Ask::MOST - 1], RequestId::new("new"));
}

#[test]
fn one_request_more_than_can_be_open_is_refused() {
    let mut scene = working(config(1), Controls::Forms);
    for number in 0..Ask::MOST {
        scene.ask(&number.to_string(), &permission(&format!("ls {number}")));
    }
    assert!(scene.told().is_empty());
    scene.ask("more", &permission("rm -r target"));
    let told = scene.told();
    let [Answer::Deny { message }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(message.contains("Nobody can be asked"), "{message}");
    assert_eq!(asks(&scene).len(), Ask::MOST);
}

/// How many requests are open when an agent that was started anew asks the same under another name.
fn asked_anew(about: &About) -> usize {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", about);
    drop(scene.world.crash_alone());
    drop(scene.world.find_agents());
    scene.ask("r2", about);
    let asks = asks(&scene);
    asks.iter().filter(|ask| ask.is_open()).count()
}

#[test]
fn the_same_words_are_the_same_request_unless_they_may_be_cut() {
    const WHOLE: usize = Permission::LONGEST_DETAIL - 1024;
    for (length, open) in [(1, 1), (WHOLE - 1, 1), (WHOLE, 2)] {
        let text = "x".repeat(length);
        assert_eq!(asked_anew(&permission(&text)), open, "{length}");
        assert_eq!(asked_anew(&About::Plan { text }), open, "{length}");
    }
}

#[test]
fn the_same_words_are_another_request_once_they_were_answered() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.press(40, "ann", "Allow once");
    scene.ask("r2", &permission("git push"));
    assert_eq!(asks(&scene).len(), 2);
    assert!(asks(&scene)[1].is_open());
    // Two calls in the same words, of one agent.
    scene.ask("r3", &permission("git push"));
    assert_eq!(asks(&scene).len(), 3);
}
