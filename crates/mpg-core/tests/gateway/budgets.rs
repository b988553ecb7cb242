//! What may be spent in a day, as transcripts. Each answer costs three cents, and the day has begun at
//! a quarter to two.

use std::sync::Arc;

use mpg_core::agent::{FailureKind, Seq, TurnFailure, Usage};
use mpg_core::capability::Controls;
use mpg_core::config::{Config, Project, RoutingTable, WhileBusy};
use mpg_core::control::Control;
use mpg_core::event::RunEnd;
use mpg_core::id::AgentName;
use mpg_core::message::Inbound;

use crate::asking::working;
use crate::scene::{Scene, one};
use crate::world::{exited, message, team, thread};

const CENT: u64 = 10_000;

fn changed(change: impl Fn(&mut Project)) -> Config {
    let mut config = team(4);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        change(&mut project);
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("no conflict");
    config
}

fn of_project(cents: u64) -> Config {
    changed(|project| project.budgets.project = Some(cents * CENT))
}

fn cost(result: Result<String, TurnFailure>) -> RunEnd {
    RunEnd::Reported {
        result,
        usage: Usage {
            cost_microdollars: 3 * CENT,
            ..Usage::default()
        },
        seq: Seq(1),
        covers: Vec::new(),
        results: None,
        partial: None,
    }
}

impl Scene {
    fn says(&mut self, who: &str, id: u32, text: &str) {
        let message = message(one(), id, who, text);
        self.inbound(&format!("{who}: {text}"), Inbound::Message(message));
        self.settle();
    }

    fn spent(&self) -> u64 {
        self.world.disk.spending.spent.values().sum::<u64>() / CENT
    }
}

#[test]
fn what_is_beyond_a_budget_waits_for_midnight() {
    let mut scene = Scene::of(of_project(6));
    scene.says("ann", 10, "first");
    scene.reply("one");
    scene.say(thread("one", "10"), 11, "second");
    scene.reply("two");
    scene.say(thread("one", "10"), 12, "third");
    scene.settle();
    scene.say(thread("one", "10"), 13, "fourth");
    scene.say(thread("one", "10"), 14, "!sessions");
    scene.say(thread("one", "10"), 15, "!resume");
    scene.say(thread("one", "10"), 16, "!budget");
    scene.settle();
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    assert_eq!(scene.world.runs(), 0);
    let day = 24 * 60 * 60;
    let until_midnight = day - scene.world.now.as_second().rem_euclid(day);
    scene.pass(until_midnight - 1);
    assert_eq!(scene.world.runs(), 0);
    scene.pass(1);
    scene.settle();
    assert_eq!(
        scene.running().submission.prompt,
        "third",
        "it is asked anew"
    );
    scene.reply("three");
    scene.reply("four");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn whoever_may_lifts_a_budget_for_the_rest_of_the_day() {
    let config = changed(|project| {
        project.budgets.project = Some(3 * CENT);
        project.access.admin_roles.insert("admin".to_owned());
    });
    let mut scene = working(config, Controls::Forms);
    scene.reply("one");
    scene.write(11, "bob", "second");
    scene.press(12, "bob", "Lift for today");
    assert_eq!(scene.world.runs(), 0, "bob is no admin");
    scene.write(13, "bob", "!budget lift");
    assert_eq!(scene.world.runs(), 0, "nor by a command");
    let mut may = (*scene.world.config).clone();
    let projects = may.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        project.access.admin_roles.clear();
        project
    });
    may.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("no conflict");
    scene.reconfigure(may);
    scene.press(14, "bob", "Lift for today");
    assert_eq!(scene.world.runs(), 1);
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    scene.reply("two");
    scene.write(15, "bob", "third");
    scene.reply("three: it holds for the rest of the day");
    scene.press(16, "bob", "Lift for today");
    scene.pass(24 * 60 * 60);
    scene.write(17, "bob", "a new day");
    scene.reply("four");
    scene.write(18, "bob", "beyond");
    assert_eq!(scene.world.runs(), 0);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_and_a_person_have_budgets_of_their_own() {
    let mut scene = Scene::of(changed(|project| {
        project.budgets.per_user = Some(6 * CENT);
        if let Some(pm) = project.agents.get_mut(&AgentName::new("pm")) {
            Arc::make_mut(pm).budget = Some(3 * CENT);
        }
    }));
    scene.says("ann", 10, "@pm plan it");
    scene.reply("planned");
    scene.says("bob", 11, "@pm plan that");
    assert_eq!(scene.world.runs(), 0, "the agent's is used up");
    scene.says("bob", 12, "@qa test it");
    scene.reply("tested");
    scene.says("ann", 13, "@qa test it again");
    scene.reply("tested again");
    scene.says("ann", 14, "@qa once more");
    assert_eq!(scene.world.runs(), 0, "ann's is used up");
    scene.says("bob", 15, "@qa for me");
    assert_eq!(scene.world.runs(), 1, "bob's is not");
    scene.says("bob", 16, "!budget");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn every_run_counts_whatever_becomes_of_it() {
    let mut scene = Scene::of(of_project(100));
    scene.says("ann", 10, "fails");
    scene.end(
        "it fails",
        cost(Err(TurnFailure::new(FailureKind::Agent, "no"))),
    );
    scene.settle();
    assert_eq!(scene.spent(), 3);
    scene.says("ann", 11, "is stopped");
    scene.say(thread("one", "11"), 12, "!stop");
    scene.end(
        "it was stopped",
        cost(Err(TurnFailure::new(FailureKind::Interrupted, ""))),
    );
    scene.settle();
    assert_eq!(scene.spent(), 6);
    scene.says("ann", 13, "meets a limit");
    scene.end(
        "a limit",
        cost(Err(TurnFailure::new(FailureKind::UsageLimit, ""))),
    );
    scene.settle();
    assert_eq!(scene.spent(), 9);
    scene.says("ann", 14, "@pm hand it over");
    scene.reply("@engineer build it");
    scene.reply("built");
    assert_eq!(scene.spent(), 15);
    let spenders = scene.world.disk.spending.spent.keys();
    let agents: Vec<_> = spenders
        .map(|s| s.agent.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(
        agents,
        [None, Some("engineer".to_owned()), Some("pm".to_owned())]
    );
    assert!(
        scene
            .world
            .disk
            .spending
            .spent
            .keys()
            .all(|s| s.user.as_str() == "ann")
    );
}

#[test]
fn a_larger_budget_lets_what_waits_go_on() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "first");
    scene.reply("one");
    scene.says("ann", 11, "second");
    scene.reconfigure(of_project(3));
    assert_eq!(scene.world.runs(), 0);
    scene.reconfigure(of_project(4));
    scene.settle();
    assert_eq!(scene.running().submission.prompt, "second");
    scene.reply("two");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_is_held_back_can_be_stopped() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "first");
    scene.reply("one");
    scene.say(thread("one", "10"), 11, "second");
    scene.settle();
    scene.say(thread("one", "10"), 12, "!stop");
    scene.settle();
    let running = scene
        .world
        .disk
        .threads
        .values()
        .flat_map(|t| t.conversations.values());
    assert_eq!(running.filter(|c| c.running.is_some()).count(), 0);
    scene.pass(24 * 60 * 60);
    scene.settle();
    assert_eq!(scene.world.runs(), 0);
}

#[test]
fn what_an_agent_may_have_already_is_not_held_back() {
    let mut scene = Scene::of(changed(|project| {
        project.budgets.project = Some(3 * CENT);
        project.while_busy = WhileBusy::Steer;
    }));
    scene.says("ann", 10, "first");
    scene.say(thread("one", "10"), 11, "and this");
    scene.reply("one");
    assert_eq!(scene.world.runs(), 1, "{}", scene.text);
}

#[test]
fn without_controls_the_words_say_it_all() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "first");
    scene.reply("one");
    scene.says("ann", 11, "second");
    let shown = scene.world.shown.last().expect("it is told");
    assert!(shown.text.contains("`!budget lift`"), "{}", shown.text);
    assert_eq!(shown.controls, Vec::<Control>::new());
    scene.says("ann", 12, "!budget lift");
    assert_eq!(scene.world.runs(), 1);
    scene.says("ann", 13, "!budget lift");
    scene.says("ann", 14, "!budget");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn who_lifts_a_budget_is_in_the_audit_log() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "!budget lift");
    let lifted = scene
        .world
        .deeds
        .iter()
        .find(|deed| deed.act.name() == "budget-lifted");
    let lifted = lifted.expect("it is in the log");
    assert!(lifted.actor.to_string().contains("ann"), "{lifted:?}");
}

#[test]
fn what_is_held_back_waits_on_where_a_new_budget_is_used_up_too() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "first");
    scene.reply("one");
    scene.says("ann", 11, "second");
    drop(scene.world.crash());
    scene.settle();
    assert_eq!(scene.world.runs(), 0, "{}", scene.text);
}

#[test]
fn a_turn_that_has_begun_goes_on_when_its_budget_is_used_up() {
    let mut scene = Scene::of(of_project(3));
    scene.says("ann", 10, "first");
    scene.says("ann", 11, "second");
    assert_eq!(scene.world.runs(), 2);
    scene.reply("one");
    scene.end("it exits", exited());
    scene.settle();
    assert_eq!(scene.running().submission.prompt, "second");
}
