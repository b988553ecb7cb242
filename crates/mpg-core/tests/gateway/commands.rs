//! What commands say that change nothing.

use std::sync::Arc;

use mpg_core::config::{NamedAgent, Project, RoutingTable};

use crate::lifting::guarded;
use crate::scene::{Scene, one};
use crate::world::{config, team, thread};

/// The replies to commands, one after the other.
fn said(scene: &mut Scene, commands: &[&str]) -> String {
    let before = scene.world.delivered.len();
    for (id, command) in (100..).zip(commands) {
        scene.say(one(), id, command);
        scene.settle();
    }
    let replies = scene.world.delivered[before..].iter();
    let replies: Vec<&str> = replies.map(|(_, text)| text.as_str()).collect();
    assert_eq!(replies.len(), commands.len());
    replies.join("\n────\n")
}

#[test]
fn agents_and_commands_are_told_with_what_they_are_for() {
    let mut config = team(2);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        if let Some((_, qa)) = project
            .agents
            .iter_mut()
            .find(|(name, _)| name.as_str() == "qa")
        {
            *qa = Arc::new(NamedAgent {
                role: String::new(),
                ..NamedAgent::clone(qa)
            });
        }
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("a table");
    let mut scene = Scene::of(config);
    insta::assert_snapshot!(said(
        &mut scene,
        &["!agents", "!help kill", "!help kil", "!help nonsense"]
    ));
}

#[test]
fn a_conversation_that_waits_for_a_slot_says_so() {
    let mut scene = Scene::with_slots(1);
    for id in [10, 20] {
        scene.say(one(), id, "work");
        scene.settle();
    }
    let said = said(&mut scene, &["!sessions"]);
    assert!(said.contains("waiting for a free slot"), "{said}");
    assert!(!said.contains("starting"), "{said}");
}

#[test]
fn whoever_may_not_lift_limits_may_choose_the_mode_that_is_configured() {
    let mut scene = Scene::of(guarded(config(1)));
    scene.say(one(), 10, "begin");
    scene.settle();
    let mode = scene.running().session.agent.permission_mode.name();
    scene.answer();
    scene.settle();
    scene.say(thread("one", "10"), 11, &format!("!mode {mode}"));
    scene.settle();
    let (_, said) = scene.world.delivered.last().expect("a reply");
    assert!(!said.contains("role"), "{said}");
    assert!(said.contains(mode), "{said}");
}

#[test]
fn looking_at_a_conversation_is_no_activity_of_it() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "work");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.pass(300);
    let here = thread("one", "10");
    for (id, minutes) in [(11, 5), (12, 10)] {
        scene.say(here.clone(), id, "!sessions");
        scene.settle();
        let (_, said) = scene.world.delivered.last().expect("a reply");
        assert!(
            said.contains(&format!("last active {minutes}m ago")),
            "{said}"
        );
        scene.pass(300);
    }
}
