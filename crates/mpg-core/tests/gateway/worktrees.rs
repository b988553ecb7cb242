//! Which worktree a command is about, and what goes with it.

use mpg_core::capability::{Capabilities, Threads};
use mpg_core::config::{Config, Project, RoutingTable, WorktreePer};
use mpg_core::event::{Effect, Event};
use mpg_core::id::RootId;
use mpg_core::job::{Work, WorkspaceRef};
use mpg_core::port::Workspace;

use crate::scene::{Scene, one};
use crate::world::{Pending, config, team, thread, threaded};

/// The work that a command began, which is then done.
fn work(scene: &mut Scene) -> Work {
    let index = scene.pending_position(|p| matches!(p, Pending::Effect(Effect::Job(_))));
    let Pending::Effect(Effect::Job(job)) = &scene.world.pending[index] else {
        unreachable!("it was looked for");
    };
    let work = job.work.clone();
    scene.settle();
    work
}

fn inspected(scene: &mut Scene) -> WorkspaceRef {
    let Work::Inspect(workspace) = work(scene) else {
        panic!("it looks at a worktree");
    };
    workspace
}

fn last_said(scene: &Scene) -> &str {
    let (_, said) = scene.world.delivered.last().expect("a reply");
    said
}

fn per_agent(mut config: Config) -> Config {
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        project.worktree_per = WorktreePer::Agent;
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("a table");
    config
}

#[test]
fn whoever_discards_is_told_of_the_turn_that_runs_and_of_what_waits() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "first");
    scene.settle();
    for (id, text) in [(11, "second"), (12, "third"), (13, "!discard")] {
        scene.say(thread("one", "10"), id, text);
    }
    scene.settle();
    let said = last_said(&scene);
    let ends = "ends 1 session with the turn that runs and drops 2 waiting messages";
    assert!(said.contains(ends), "{said}");
}

#[test]
fn a_channel_without_threads_has_one_worktree_once_something_was_begun() {
    let can = Capabilities {
        threads: Threads::None,
        ..threaded()
    };
    let mut scene = Scene::on(config(2), can);
    scene.say(one(), 10, "!worktree");
    scene.settle();
    assert_eq!(
        last_said(&scene),
        "nothing was begun here, so there is no worktree"
    );
    scene.say(one(), 11, "work");
    scene.settle();
    // What is asked aside has none of its own.
    scene.say(one(), 12, "!btw why?");
    scene.settle();
    scene.say(one(), 13, "!worktree");
    let thread = inspected(&mut scene).request.thread;
    assert_eq!(thread, RootId::of_place(&one()));
}

#[test]
fn the_only_agent_of_a_thread_need_not_be_named() {
    let mut scene = Scene::of(per_agent(team(2)));
    scene.say(one(), 10, "@qa test");
    scene.settle();
    scene.say(thread("one", "10"), 11, "!worktree");
    let agent = inspected(&mut scene).request.agent;
    assert_eq!(agent.map(|agent| agent.to_string()).as_deref(), Some("qa"));
}

#[test]
fn an_agent_that_began_in_the_projects_directory_has_no_part_in_the_worktree() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan");
    scene.settle();
    scene.say(thread("one", "10"), 11, "@qa test");
    let index =
        scene.pending_position(|p| matches!(p, Pending::Effect(Effect::PrepareWorkspace { .. })));
    let Pending::Effect(Effect::PrepareWorkspace {
        conversation, turn, ..
    }) = scene.world.pending.remove(index)
    else {
        unreachable!("it was looked for");
    };
    scene.event(
        "its directory is ready",
        Event::WorkspaceReady {
            conversation,
            turn,
            result: Ok(Workspace::new("/worktrees/10")),
        },
    );
    scene.settle();
    scene.say(thread("one", "10"), 12, "!worktree");
    let directory = inspected(&mut scene).directory;
    assert_eq!(directory.as_deref(), Some("/worktrees/10"));
}

#[test]
fn what_was_done_is_told_of_the_thread_in_which_somebody_asks() {
    let mut scene = Scene::new();
    for id in [10, 20] {
        scene.say(one(), id, "work");
        scene.settle();
        scene.answer();
        scene.settle();
    }
    scene.say(thread("one", "20"), 21, "!history");
    let Work::Turns { threads, .. } = work(&mut scene) else {
        panic!("it looks at turns");
    };
    assert_eq!(threads.len(), 1);
    scene.say(one(), 22, "!history");
    let Work::Turns { threads, .. } = work(&mut scene) else {
        panic!("it looks at turns");
    };
    assert_eq!(threads.len(), 2);
}
