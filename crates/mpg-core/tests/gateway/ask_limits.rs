//! What happens to requests at the limits: many of them, long ones, and old ones.

use std::time::Duration;

use mpg_core::capability::Controls;
use mpg_core::event::Event;
use mpg_core::id::RequestId;
use mpg_core::request::{About, Answer, Permission};
use mpg_core::snapshot::Ask;

use crate::asking::{permission, with_controls, working};
use crate::scene::{Scene, one};
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
fn what_is_taken_back_is_dropped_and_the_turn_waits_for_the_others() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.ask("r2", &permission("git pull"));
    let withdraw = |scene: &mut Scene, name: &str| {
        let (conversation, run) = scene.run();
        let request = RequestId::new(name);
        let event = Event::Withdrawn {
            conversation,
            run,
            request,
        };
        scene.event("the agent takes it back", event);
    };
    withdraw(&mut scene, "r2");
    let open = |scene: &Scene| asks(scene).into_iter().map(|ask| ask.request);
    assert_eq!(open(&scene).collect::<Vec<_>>(), [RequestId::new("r1")]);
    assert_eq!(scene.world.gateway.turns_in_progress(), 0);
    withdraw(&mut scene, "r1");
    assert_eq!(open(&scene).count(), 0);
    assert_eq!(scene.world.gateway.turns_in_progress(), 1);
}

#[test]
fn agents_that_are_ready_do_not_count_as_waiting_for_people() {
    let mut scene = Scene::of(config(1));
    scene.world.capabilities = with_controls(Controls::Forms);
    for id in [10, 20] {
        scene.say(one(), id, "work");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    scene.say(one(), 30, "work");
    scene.settle();
    scene.ask("r1", &permission("git push"));
    assert_eq!(scene.world.gateway.turns_in_progress(), 0);
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

#[test]
fn other_words_are_another_request() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    drop(scene.world.crash_alone());
    drop(scene.world.find_agents());
    scene.ask("r2", &permission("git pull"));
    let open: Vec<bool> = asks(&scene).iter().map(Ask::is_open).collect();
    assert_eq!(open, [true, true]);
}
