//! Commands about workspaces, queues and what was done before.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::config::{RoutingTable, WorktreePer};
use mpg_core::event::{Effect, Event};
use mpg_core::id::{AgentName, MessageId, Place, SessionId, TurnId, UserId};
use mpg_core::job::{Done, JobId, PastTurn, Turns, Work};
use mpg_core::message::Inbound;
use mpg_core::workspace::{Diff, Discarded, MergeRefusal, Merged, Patch, WorkspaceState};

use crate::scene::{Scene, one};
use crate::world::{Pending, message, team, thread};

/// What a world without files finds.
pub(crate) fn found(work: &Work) -> Done {
    match work {
        Work::Inspect(_) => Done::Inspected(state()),
        Work::Diff(_) => Done::Compared(Diff::default()),
        Work::Merge(_) => Done::Merged(Merged::Done {
            branch: "mpg/chat-one-10".to_owned(),
            base: "main".to_owned(),
            commits: 2,
            commit: "0123456789abcdef".to_owned(),
        }),
        Work::Discard(_) => Done::Discarded(Discarded {
            directory: "/srv/one/.worktrees/chat-one-10".to_owned(),
            branch: Some("mpg/chat-one-10".to_owned()),
            saved: Some("refs/mpg/discarded/chat-one-10-1".to_owned()),
            ignored: ["target/debug".to_owned()].into_iter().collect(),
        }),
        Work::Turns { last, .. } => Done::Turns(turns(*last)),
        Work::Resume(sessions) => Done::Resume(
            sessions
                .iter()
                .map(|(_, directory)| Some(format!("cd {directory} && agent --resume")))
                .collect(),
        ),
    }
}

fn state() -> WorkspaceState {
    WorkspaceState {
        directory: "/srv/one/.worktrees/chat-one-10".to_owned(),
        branch: Some("mpg/chat-one-10".to_owned()),
        base: Some("main".to_owned()),
        ahead: 2,
        behind: 1,
        unsaved: 2,
        dirty: ["src/lib.rs".to_owned(), "a_b*.rs".to_owned()]
            .into_iter()
            .collect(),
        ignored: ["target/debug".to_owned()].into_iter().collect(),
        ..WorkspaceState::default()
    }
}

fn turns(last: usize) -> Turns {
    let turn = |agent: Option<&str>, prompt: &str, outcome: &str, by_person| PastTurn {
        id: TurnId::from_uuid(uuid::Uuid::from_u128(1)),
        agent: agent.map(AgentName::new),
        author: UserId::new("ann"),
        prompt: prompt.to_owned(),
        by_person,
        outcome: outcome.to_owned(),
        usage: Usage {
            duration: Duration::from_secs(90),
            ..Usage::default()
        },
        at: Timestamp::from_second(999_900).unwrap(),
    };
    let mut turns = Turns {
        ended: 12,
        usage: Usage {
            input_tokens: 1_200,
            output_tokens: 340,
            cache_read_tokens: 50_000,
            cache_creation_tokens: 7,
            cost_microdollars: 1_234_567,
            duration: Duration::from_mins(3),
            ..Usage::default()
        },
        last: vec![
            turn(Some("qa"), "try `it`\nand say", "answered", false),
            turn(None, &"long ".repeat(40), "failed", true),
        ],
    };
    turns.keep_last(last);
    turns
}

fn ten() -> Place {
    thread("one", "10")
}

/// A thread that has answered once, and is ready.
fn answered() -> Scene {
    let mut scene = Scene::new();
    scene.say(one(), 10, "first");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.text.clear();
    scene
}

/// Ends the job that is open.
fn done(scene: &mut Scene, result: Result<Done, String>) {
    let index = scene.pending_position(|p| matches!(p, Pending::Effect(Effect::Job(_))));
    let Pending::Effect(Effect::Job(job)) = scene.world.pending.remove(index) else {
        panic!("it is a job");
    };
    scene.event(
        "the job is done",
        Event::JobDone {
            job: job.id,
            result,
        },
    );
}

fn has_job(scene: &Scene) -> bool {
    let mut pending = scene.world.pending.iter();
    pending.any(|p| matches!(p, Pending::Effect(Effect::Job(_))))
}

fn replies(scene: &Scene) -> Vec<String> {
    let posts = scene.world.delivered.iter();
    posts.map(|(_, text)| text.clone()).collect()
}

/// What a command says that finds this.
fn said(text: &str, result: Result<Done, String>) -> String {
    let mut scene = answered();
    scene.say(ten(), 11, text);
    done(&mut scene, result);
    let before = scene.world.delivered.len();
    scene.settle();
    let new: Vec<String> = replies(&scene).drain(before..).collect();
    format!("== {text}\n{}", new.join("\n-- next post\n"))
}

#[test]
fn what_is_said_about_a_workspace() {
    let lines = "+one more line\n".repeat(300);
    let patch = |summary: &str, text: &str, cut| Patch {
        summary: summary.to_owned(),
        text: text.to_owned(),
        cut,
    };
    let diff = |committed, uncommitted| {
        Done::Compared(Diff {
            base: Some("main".to_owned()),
            committed,
            uncommitted,
        })
    };
    let both = || ("mpg/chat-one-10".to_owned(), "main".to_owned());
    let ((b1, m1), (b2, m2)) = (both(), both());
    let clean = WorkspaceState {
        dirty: mpg_core::workspace::Names::default(),
        ignored: mpg_core::workspace::Names::default(),
        unsaved: 0,
        ..state()
    };
    let nested = WorkspaceState {
        nested: ["vendor/x".to_owned()].into_iter().collect(),
        ..state()
    };
    let small = patch(" a | 1 +\n", "+```rust\n+\u{1b}[31mred", false);
    let all = [
        said("!worktree", Ok(Done::Inspected(state()))),
        said("!worktree", Ok(Done::Inspected(clean.clone()))),
        said(
            "!worktree",
            Err("this thread works in the project's directory and has no worktree".to_owned()),
        ),
        said("!diff", Ok(Done::Compared(Diff::default()))),
        said("!diff", Ok(diff(small.clone(), Patch::default()))),
        said(
            "!diff",
            Ok(diff(small, patch(" many | 300 +\n", &lines, true))),
        ),
        said("!merge", Ok(found(&Work::Merge(workspace())))),
        said(
            "!merge",
            Ok(Done::Merged(Merged::Nothing {
                branch: b1,
                base: m1,
            })),
        ),
        said(
            "!merge",
            Ok(Done::Merged(Merged::Conflicts {
                branch: b2,
                base: m2,
                files: ["src/lib.rs".to_owned()].into_iter().collect(),
            })),
        ),
        said(
            "!merge",
            Ok(Done::Merged(Merged::Refused(MergeRefusal::Uncommitted(
                ["src/lib.rs".to_owned()].into_iter().collect(),
            )))),
        ),
        said("!discard", Ok(Done::Inspected(state()))),
        said("!discard", Ok(Done::Inspected(clean))),
        said("!discard", Ok(Done::Inspected(nested))),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

fn workspace() -> mpg_core::job::WorkspaceRef {
    let mut scene = answered();
    scene.say(ten(), 11, "!merge");
    let index = scene.pending_position(|p| matches!(p, Pending::Effect(Effect::Job(_))));
    match &scene.world.pending[index] {
        Pending::Effect(Effect::Job(job)) => match &job.work {
            Work::Merge(workspace) => workspace.clone(),
            other @ (Work::Inspect(_)
            | Work::Diff(_)
            | Work::Discard(_)
            | Work::Turns { .. }
            | Work::Resume(_)) => panic!("{other:?}"),
        },
        other @ (Pending::Effect(_) | Pending::Run(_) | Pending::Close(_)) => panic!("{other:?}"),
    }
}

#[test]
fn what_is_said_about_what_was_done() {
    let all = [
        said(
            "!history",
            Ok(found(&Work::Turns {
                threads: Vec::new(),
                last: 10,
            })),
        ),
        said(
            "!history 1",
            Ok(found(&Work::Turns {
                threads: Vec::new(),
                last: 1,
            })),
        ),
        said("!history", Ok(Done::Turns(Turns::default()))),
        said(
            "!cost",
            Ok(found(&Work::Turns {
                threads: Vec::new(),
                last: 0,
            })),
        ),
        said("!cost", Ok(Done::Turns(Turns::default()))),
        said(
            "!resume-info",
            Ok(Done::Resume(vec![Some(
                "cd /srv/one && agent --resume x".to_owned(),
            )])),
        ),
        said("!resume-info", Ok(Done::Resume(vec![None]))),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_turn_waits_until_a_merge_is_over() {
    let mut scene = answered();
    scene.say(ten(), 11, "!merge");
    scene.say(ten(), 12, "go on");
    assert_eq!(scene.world.runs(), 0, "it waits");
    scene.say(ten(), 13, "!merge");
    done(&mut scene, Ok(found(&Work::Merge(workspace()))));
    scene.settle();
    assert_eq!(scene.world.runs(), 1, "it goes on");
    scene.say(ten(), 14, "!merge");
    assert!(!has_job(&scene), "a turn runs");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_workspace_is_discarded_when_its_agent_is_gone() {
    let mut scene = answered();
    scene.say(ten(), 11, "!discard");
    scene.settle();
    scene.inbound(
        "bob: !discard confirm",
        Inbound::Message(message(ten(), 12, "bob", "!discard confirm")),
    );
    assert!(!has_job(&scene), "somebody else was asked");
    scene.say(ten(), 13, "!discard confirm");
    assert!(!has_job(&scene), "the agent is still there");
    scene.say(ten(), 14, "go on");
    scene.settle();
    let sessions = scene.world.agents.len();
    assert_eq!((scene.world.runs(), sessions), (1, 1), "it starts afresh");
    scene.say(ten(), 15, "!discard confirm");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_question_is_open_for_a_minute() {
    let mut scene = answered();
    scene.say(ten(), 11, "!discard");
    scene.settle();
    scene.pass(61);
    scene.say(ten(), 12, "!discard confirm");
    assert!(!has_job(&scene));
}

#[test]
fn what_waits_is_shown_and_taken_back() {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "first");
    scene.settle();
    scene.text.clear();
    scene.say(
        ten(),
        11,
        "second\nwith more `words` than a list has room for, which is why it is cut",
    );
    scene.inbound(
        "bob: third",
        Inbound::Message(message(ten(), 12, "bob", "third")),
    );
    scene.say(one(), 13, "elsewhere");
    scene.pass(90);
    for (id, text) in [
        (20, "!queue"),
        (21, "!queue drop 5"),
        (22, "!queue drop 1"),
        (23, "!queue drop"),
        (24, "!queue clear"),
        (25, "!queue"),
    ] {
        scene.say(ten(), id, text);
    }
    scene.say(one(), 26, "!queue");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn where_each_agent_has_a_worktree_one_is_named() {
    let mut config = team(2);
    let projects = config.routing.projects().map(|project| {
        let mut project = project.as_ref().clone();
        project.worktree_per = WorktreePer::Agent;
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    let mut scene = Scene::of(config);
    scene.say(one(), 10, "@pm plan, @qa test");
    scene.settle();
    scene.answer();
    scene.answer();
    scene.settle();
    scene.text.clear();
    scene.say(ten(), 11, "!merge");
    scene.say(ten(), 12, "!merge nobody");
    scene.say(ten(), 13, "!merge QA");
    scene.settle();
    scene.say(ten(), 14, "!discard pm");
    scene.settle();
    scene.say(ten(), 15, "!discard confirm qa");
    scene.say(ten(), 16, "!discard confirm pm");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_channel_without_threads_of_its_own_asks_which_one() {
    let mut scene = answered();
    scene.say(one(), 30, "another");
    scene.settle();
    scene.answer();
    scene.settle();
    scene.text.clear();
    for (id, text) in [
        (40, "!merge"),
        (41, "!history"),
        (42, "!resume-info"),
        (43, "!cost two"),
    ] {
        scene.say(one(), id, text);
    }
    scene.say(thread("one", "99"), 44, "!worktree");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_release_lets_go_of_an_agent_that_waits_and_of_none_that_runs() {
    let mut scene = answered();
    scene.text.clear();
    scene.say(ten(), 11, "!release");
    let told = found(&Work::Resume(sessions(&scene)));
    done(&mut scene, Ok(told));
    // What is written before the agent is gone waits for that.
    scene.say(ten(), 12, "go on");
    assert_eq!(scene.world.runs(), 0);
    scene.settle();
    assert_eq!(scene.world.runs(), 1);
    scene.say(ten(), 13, "!release");
    let told = found(&Work::Resume(sessions(&scene)));
    done(&mut scene, Ok(told));
    assert_eq!(scene.world.runs(), 1, "a turn is not disturbed");
    insta::assert_snapshot!(scene.text);
}

/// The sessions of the thread, as a job is told them.
fn sessions(scene: &Scene) -> Vec<(SessionId, String)> {
    let threads = scene.world.disk.threads.values();
    let bound = threads.flat_map(|thread| thread.conversations.values());
    let bound = bound.filter_map(|conversation| conversation.session.clone());
    bound
        .map(|session| (session.id, session.directory))
        .collect()
}

#[test]
fn after_a_crash_it_is_asked_again() {
    let mut scene = answered();
    scene.say(ten(), 11, "!merge");
    scene.world.crash();
    let late = Event::JobDone {
        job: JobId(1),
        result: Err("late".to_owned()),
    };
    let step = scene.world.handle(late);
    assert!(
        step.records.is_empty() && step.effects.is_empty(),
        "{step:?}"
    );
    scene.say(ten(), 12, "go on");
    scene.settle();
    assert_eq!(scene.world.runs(), 1, "nothing is held");
    let seen = scene
        .world
        .disk
        .has_seen(&message(ten(), 11, "ann", "").reference());
    assert!(seen && MessageId::new("11") < MessageId::new("12"));
}

#[test]
fn a_draining_gateway_waits_for_what_it_began() {
    let mut scene = answered();
    scene.say(ten(), 11, "!merge");
    scene.event("drain", Event::Draining);
    while let Some(index) = scene
        .world
        .pending
        .iter()
        .position(|p| matches!(p, Pending::Close(_)))
    {
        drop(scene.world.succeed(index));
    }
    assert!(!scene.world.gateway.is_drained());
    scene.say(ten(), 12, "!diff");
    scene.settle();
    assert!(scene.world.gateway.is_drained());
    let said = replies(&scene);
    assert!(
        said.iter().any(|text| text.starts_with("merged 2 commits")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|text| text.contains("being restarted")),
        "{said:?}"
    );
}
