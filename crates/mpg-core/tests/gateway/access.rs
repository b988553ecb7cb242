//! Who is held back: by their rate, in direct messages, and nobody by a long list.

use mpg_core::capability::Capabilities;
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::id::{MessageId, Place};
use mpg_core::message::{Inbound, Message};

use crate::scene::{Scene, one};
use crate::world::{channel, config, human, message, thread};

fn changed(mut config: Config, change: impl Fn(&mut Project)) -> Config {
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        change(&mut project);
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("no conflict");
    config
}

#[test]
fn tasks_and_commands_that_make_agents_work_count_against_one_rate() {
    let limited = changed(config(2), |project| project.rate_limit_per_user = Some(2));
    let mut scene = Scene::of(limited);
    scene.say(one(), 10, "a task");
    scene.settle();
    scene.pass(20);
    scene.say(thread("one", "10"), 11, "!resume");
    scene.settle();
    for (id, text) in [(12, "another task"), (13, "!resume")] {
        scene.say(thread("one", "10"), id, text);
        scene.settle();
    }
    // What looks is never held back, and neither is somebody else.
    scene.say(thread("one", "10"), 14, "!session");
    scene.settle();
    let other = message(thread("one", "10"), 15, "bob", "a task of somebody else");
    scene.inbound("bob: a task", Inbound::Message(other));
    scene.settle();
    // The window slides.
    scene.pass(40);
    scene.say(thread("one", "10"), 16, "once more");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_direct_message_that_leads_nowhere_is_answered_once_an_hour() {
    let mut scene = Scene::new();
    scene.world.capabilities = Capabilities {
        direct: true,
        ..Capabilities::default()
    };
    let direct = || Place::channel(channel("direct"));
    scene.say(direct(), 10, "hi");
    scene.settle();
    scene.say(direct(), 11, "hello?");
    scene.pass(3_600);
    scene.say(direct(), 12, "hi again");
    scene.settle();
    // One that is mapped is a project's channel.
    scene.say(one(), 13, "a task");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_list_of_many_sessions_comes_in_posts_that_fit() {
    let mut many = config(4);
    many.limits.max_sessions = 100;
    let mut scene = Scene::of(many);
    for id in 0..60 {
        let message = Message {
            place: one(),
            id: MessageId::new(format!("{:03}", 100 + id)),
            author: human("ann"),
            text: "begin".to_owned(),
            attachments: Vec::new(),
        };
        scene.inbound("a task", Inbound::Message(message));
    }
    scene.world.finish();
    let reply = |scene: &mut Scene, id, command: &str| {
        let before = scene.world.delivered.len();
        scene.say(one(), id, command);
        scene.settle();
        let posts = scene.world.delivered[before..].iter();
        posts.map(|(_, text)| text.clone()).collect::<Vec<_>>()
    };
    let list = reply(&mut scene, 900, "!sessions");
    assert_eq!(list.concat().matches("- **one**").count(), 30);
    assert!(list.concat().contains("and 30 more"), "{list:?}");
    let details = reply(&mut scene, 901, "!session");
    assert!(details.len() > 1, "{details:?}");
    for post in list.iter().chain(&details) {
        assert!(post.chars().count() <= 2000, "{post}");
    }
}

#[test]
fn a_turn_that_is_longer_than_the_idle_time_keeps_its_agent() {
    let hasty = changed(config(2), |project| {
        project.idle_timeout = std::time::Duration::from_secs(3);
    });
    let mut scene = Scene::of(hasty);
    scene.say(one(), 10, "a long task");
    scene.settle();
    scene.pass(60);
    scene.say(thread("one", "10"), 11, "and this");
    scene.settle();
    assert_eq!(scene.world.runs(), 1, "beside the one that runs");
    scene.answer();
    scene.settle();
    scene.answer();
    scene.settle();
    assert_eq!(scene.world.idle_agents(), 1);
    scene.pass(3);
    scene.settle();
    assert_eq!(scene.world.idle_agents(), 0, "per project");
}
