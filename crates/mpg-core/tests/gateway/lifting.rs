//! `!unsafe` and `!safe`: whose limits are lifted, for how long, and what runs meanwhile.

use std::time::Duration;

use mpg_core::agent::PermissionMode;
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::event::{Effect, TurnNotice};
use mpg_core::id::{MessageId, Place};
use mpg_core::message::{Inbound, Message, Role};

use crate::scene::{Scene, one};
use crate::world::{Pending, config, human, team, thread};

fn changed(config: Config, change: impl Fn(&mut Project)) -> Config {
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        change(&mut project);
        project
    });
    let routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("no conflict");
    Config { routing, ..config }
}

pub(crate) fn guarded(config: Config) -> Config {
    changed(config, |project| {
        project.access.unsafe_roles.insert("root".to_owned());
    })
}

impl Scene {
    /// Somebody who may lift limits says something.
    fn root_says(&mut self, who: &str, place: Place, id: u32, text: &str) {
        let mut author = human(who);
        author.roles.push(Role {
            id: "3".to_owned(),
            name: Some("root".to_owned()),
        });
        let message = Message {
            place,
            id: MessageId::new(id.to_string()),
            author,
            text: text.to_owned(),
            attachments: Vec::new(),
        };
        self.inbound(&format!("{who}, root: {text}"), Inbound::Message(message));
        self.settle();
    }

    fn turn(&mut self, place: Place, id: u32, text: &str) {
        self.say(place, id, text);
        self.settle();
    }

    /// Whether the oldest turn that runs was started without limits.
    fn is_unlimited(&self) -> bool {
        match &self.world.pending[self.run_index()] {
            Pending::Run(run) => {
                run.session.agent.permission_mode == PermissionMode::BypassPermissions
            }
            other @ (Pending::Effect(_) | Pending::Close(_)) => panic!("{other:?} is no run"),
        }
    }
}

#[test]
fn limits_are_lifted_in_a_thread_and_put_back() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.turn(one(), 10, "begin");
    scene.answer();
    scene.settle();
    let here = || thread("one", "10");
    scene.root_says("ann", here(), 11, "!unsafe confirm");
    scene.root_says("ann", here(), 12, "!unsafe");
    scene.root_says("bob", here(), 13, "!unsafe confirm");
    scene.root_says("ann", one(), 14, "!unsafe confirm");
    scene.root_says("ann", here(), 15, "!unsafe confirm");
    scene.turn(here(), 16, "now with everything");
    assert!(scene.is_unlimited());
    scene.answer();
    scene.settle();
    scene.root_says("ann", here(), 17, "!unsafe");
    scene.turn(here(), 18, "once more");
    assert!(scene.is_unlimited(), "in the same agent");
    // Somebody without the role puts them back, while the turn runs.
    scene.turn(here(), 19, "!safe");
    scene.answer();
    scene.settle();
    scene.turn(here(), 20, "and now");
    assert!(!scene.is_unlimited());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_channel_is_lifted_with_all_its_threads_and_agents_until_time_is_over() {
    let mut scene = Scene::of(guarded(team(4)));
    scene.turn(one(), 10, "@pm plan");
    scene.root_says("ann", one(), 11, "!unsafe");
    scene.root_says("ann", one(), 12, "!unsafe confirm");
    assert!(!scene.is_unlimited(), "it keeps what it was started with");
    scene.answer();
    scene.settle();
    scene.turn(thread("one", "10"), 13, "@engineer build");
    assert!(scene.is_unlimited());
    scene.answer();
    scene.settle();
    scene.turn(one(), 14, "another thread");
    assert!(scene.is_unlimited());
    scene.answer();
    scene.settle();
    // One thread keeps its limits.
    scene.turn(thread("one", "14"), 15, "!safe");
    scene.turn(thread("one", "14"), 16, "carefully");
    assert!(!scene.is_unlimited());
    scene.answer();
    scene.settle();
    let ends = scene.world.gateway.next_deadline().expect("limits end");
    let left = ends.duration_since(scene.world.now);
    assert_eq!(left.as_secs(), 30 * 60);
    scene.pass(30 * 60);
    scene.settle();
    scene.turn(thread("one", "10"), 17, "@engineer go on");
    assert!(!scene.is_unlimited());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_confirmation_that_comes_late_or_after_a_start_counts_for_nothing() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.root_says("ann", one(), 10, "!unsafe");
    scene.pass(60);
    scene.root_says("ann", one(), 11, "!unsafe confirm");
    scene.root_says("ann", one(), 12, "!unsafe");
    scene.restart_with(guarded(config(2)));
    scene.root_says("ann", one(), 13, "!unsafe confirm");
    scene.turn(one(), 14, "begin");
    assert!(!scene.is_unlimited());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_start_of_the_gateway_puts_limits_back() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.root_says("ann", one(), 10, "!unsafe");
    scene.root_says("ann", one(), 11, "!unsafe confirm");
    scene.turn(one(), 12, "begin");
    assert!(scene.is_unlimited());
    // The gateway dies, and the agent goes on with its turn.
    let step = scene.world.crash_alone();
    scene.note("another gateway", &step);
    assert!(!scene.is_unlimited(), "what is started from now on");
    scene.notice(TurnNotice::Outdated);
    scene.answer();
    let closes = |pending: &Pending| matches!(pending, Pending::Close(_));
    assert!(
        scene.world.pending.iter().any(closes),
        "its agent had one turn to end, and gets no other"
    );
    scene.turn(thread("one", "12"), 13, "go on");
    assert!(!scene.is_unlimited());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_turn_that_was_cut_off_goes_on_in_an_agent_with_its_limits() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.root_says("ann", one(), 10, "!unsafe");
    scene.root_says("ann", one(), 11, "!unsafe confirm");
    scene.turn(one(), 12, "begin");
    assert!(scene.is_unlimited());
    scene.turn(one(), 13, "!safe");
    scene.notice(TurnNotice::Stalled(Duration::from_mins(5)));
    scene.end(
        "the agent was interrupted",
        crate::world::failed(mpg_core::agent::FailureKind::Interrupted),
    );
    assert_eq!(scene.world.runs(), 0, "not in the agent without limits");
    scene.settle();
    assert!(!scene.is_unlimited());
    scene.answer();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn another_configuration_may_take_the_right_away() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.root_says("ann", one(), 10, "!unsafe");
    scene.root_says("ann", one(), 11, "!unsafe confirm");
    scene.reconfigure(config(2));
    scene.settle();
    scene.turn(one(), 12, "begin");
    assert!(!scene.is_unlimited());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_is_unlimited_by_configuration_is_said() {
    let unlimited = changed(guarded(config(2)), |project| {
        let mut agent = mpg_core::agent::AgentSpec::clone(&project.agent);
        agent.permission_mode = PermissionMode::BypassPermissions;
        project.agent = agent.into();
    });
    let mut scene = Scene::of(unlimited);
    scene.root_says("ann", one(), 10, "!unsafe");
    scene.root_says("ann", one(), 11, "!safe");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn who_lifted_limits_and_where_is_for_the_operator() {
    let mut scene = Scene::of(guarded(config(2)));
    scene.root_says("ann", one(), 10, "!unsafe");
    let mut author = human("ann");
    author.roles.push(Role {
        id: "root".to_owned(),
        name: None,
    });
    let confirm = Message {
        place: one(),
        id: MessageId::new("11"),
        author,
        text: "!unsafe confirm".to_owned(),
        attachments: Vec::new(),
    };
    let step = scene.world.receive(Inbound::Message(confirm));
    let effects = step.effects.into_iter();
    let said = effects.filter_map(|effect| {
        if let Effect::LimitsChanged {
            place,
            by,
            lifted_until,
        } = effect
        {
            Some((place, by, lifted_until))
        } else {
            None
        }
    });
    let said: Vec<_> = said.collect();
    let [(place, by, until)] = said.as_slice() else {
        panic!("the operator is told once: {said:?}");
    };
    assert_eq!(*place, one());
    assert_eq!(by.as_ref().expect("somebody did").as_str(), "ann");
    let limit = until.expect("for a while").duration_since(scene.world.now);
    assert_eq!(limit.as_secs(), 30 * 60);
}
