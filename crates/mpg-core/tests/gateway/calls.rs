//! Whom the end of a turn calls.

use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::record::Record;
use std::time::Duration;

use crate::scene::{Scene, one};
use crate::world::{config, team, threaded};

/// A configuration in which turns of a minute are long; zero: none is.
fn long_after(config: Config, seconds: u64) -> Config {
    let projects = config.routing.projects().map(|project| Project {
        notify_after: Duration::from_secs(seconds),
        ..Project::clone(project)
    });
    let projects: Vec<Project> = projects.collect();
    Config {
        routing: RoutingTable::new(projects).expect("each channel is mapped once"),
        ..config
    }
}

/// What the posts of a turn that took so many seconds call, in order.
fn called(mut scene: Scene, text: &str, seconds: i64) -> Vec<Option<String>> {
    scene.say(one(), 10, text);
    scene.settle();
    scene.world.pass(seconds);
    let index = scene.run_index();
    let step = scene.world.succeed(index);
    let posts = step.records.iter().filter_map(|record| {
        let Record::DeliveryPlanned { post, .. } = record else {
            return None;
        };
        Some(post.mentions.as_ref().map(ToString::to_string))
    });
    posts.collect()
}

#[test]
fn who_asked_is_called_when_a_long_turn_ends_and_not_when_a_short_one_does() {
    let ann = || Some("ann".to_owned());
    let scene = |seconds| Scene::on(long_after(config(2), seconds), threaded());
    assert_eq!(called(scene(60), "hello", 59), [None]);
    assert_eq!(called(scene(60), "hello", 60), [ann()]);
    assert_eq!(called(scene(0), "hello", 1_000), [None]);
    // Once, when all of it is there.
    let long = "word ".repeat(700);
    assert_eq!(called(scene(60), &long, 60), [None, ann()]);
}

#[test]
fn nobody_is_called_while_others_go_on_with_the_answer() {
    let scene = |reply: fn(&mpg_core::event::RunTurn) -> String| {
        let mut scene = Scene::on(long_after(team(2), 60), threaded());
        scene.world.reply = reply;
        scene
    };
    let hands_over = scene(|_| "HANDOFF @qa: test it".to_owned());
    let during = called(hands_over, "@pm plan it", 60);
    assert!(during.contains(&None) && during.iter().all(Option::is_none));
    let ends = scene(|_| "it is done".to_owned());
    assert_eq!(called(ends, "@pm plan it", 60), [Some("ann".to_owned())]);
}
