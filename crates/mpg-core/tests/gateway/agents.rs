//! Several agents in one thread: who is asked, and what they hand over to one another.

use std::time::Duration;

use mpg_core::agent::{FailureKind, Seq, Usage};
use mpg_core::capability::{Capabilities, Controls};
use mpg_core::config::{Config, HandoffBudget, Project, RoutingTable};
use mpg_core::event::{RunEnd, TurnNotice};
use mpg_core::handoff::HandoffMode;
use mpg_core::id::Place;
use mpg_core::interaction::{Action, ActionId};
use mpg_core::message::Inbound;

use crate::interactions::press;
use crate::scene::{Scene, one};
use crate::world::{failed, team, thread, threaded};

/// A team whose project is changed.
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

pub(crate) fn said(text: &str) -> RunEnd {
    RunEnd::Reported {
        result: Ok(text.to_owned()),
        usage: Usage {
            output_tokens: 600,
            cost_microdollars: 30_000,
            duration: Duration::from_secs(50),
            ..Usage::default()
        },
        seq: Seq(1),
        covers: Vec::new(),
        results: None,
        partial: None,
    }
}

impl Scene {
    /// The oldest turn that runs ends with this.
    pub(crate) fn reply(&mut self, text: &str) {
        let agent = self.run().0.agent;
        let who = agent.map_or("the agent".to_owned(), |agent| agent.to_string());
        self.end(&format!("{who}: {text}"), said(text));
        self.settle();
    }
}

#[test]
fn each_agent_has_its_own_session_and_is_spoken_to_until_another_is() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.say(thread("one", "10"), 11, "keep it small");
    scene.reply("a plan");
    scene.reply("a smaller plan");
    scene.say(thread("one", "10"), 12, "!engineer build it");
    scene.settle();
    scene.reply("built");
    scene.say(thread("one", "10"), 13, "thanks");
    scene.reply("you are welcome");
    scene.say(thread("one", "10"), 14, "!sessions");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_message_to_two_agents_is_done_when_both_are() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@qa and @pm: look at this");
    scene.settle();
    scene.end("qa fails", failed(FailureKind::Agent));
    scene.settle();
    scene.reply("looks good");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_edit_reaches_all_who_were_asked_and_a_deletion_too() {
    let mut scene = Scene::of({
        let mut config = team(1);
        config.limits.max_concurrent_turns = 1;
        config
    });
    scene.say(one(), 10, "work");
    scene.settle();
    scene.say(thread("one", "10"), 11, "@qa and @pm: look");
    let mut second = crate::world::message(thread("one", "10"), 11, "ann", "");
    scene.inbound(
        "an edit",
        Inbound::Edited {
            message: second.reference(),
            text: "@qa and @pm: look twice".to_owned(),
        },
    );
    second.text.clear();
    scene.inbound("a deletion", Inbound::Deleted(second.reference()));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_reply_hands_over_to_one() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.reply("Search by prefix.\n\n@engineer please build it.");
    scene.reply("It is built. Over to @qa.");
    scene.reply("It works, as @pm wanted.");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_gives_the_thread_a_title_once() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.reply("THREAD_NAME: Prefix search\n\nA plan.");
    scene.say(thread("one", "10"), 11, "and then?");
    scene.reply("THREAD_NAME: Something else\n\nThe same plan.");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn several_work_at_once_and_their_answers_come_back() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.reply("@engineer build it\n@qa write the tests");
    scene.say(thread("one", "10"), 11, "@qa keep them short");
    scene.reply("built; @qa test it");
    scene.end("qa fails", failed(FailureKind::Agent));
    scene.settle();
    scene.reply("short ones");
    scene.reply("both are there");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn handoffs_end_at_the_limit_and_a_person_starts_them_anew() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    for text in ["@engineer a", "@qa b", "@engineer c", "@qa d"] {
        scene.reply(text);
    }
    scene.say(thread("one", "10"), 11, "@qa go on");
    scene.settle();
    scene.reply("@engineer e");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn agents_that_repeat_themselves_are_stopped() {
    let mut scene = Scene::of(changed(|project| project.max_handoffs = 20));
    scene.say(one(), 10, "@engineer go");
    scene.settle();
    scene.reply("The tests are green here. @qa, please test the parser again.");
    scene.reply("The parser still fails on an empty file. @engineer, please fix it.");
    scene.reply("The tests are green here! @qa please test the parser again");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn handoffs_end_with_their_budget() {
    let tokens = HandoffBudget {
        tokens: Some(1_000),
        ..HandoffBudget::default()
    };
    let money = HandoffBudget {
        microdollars: Some(60_000),
        ..HandoffBudget::default()
    };
    let time = HandoffBudget {
        time: Some(Duration::from_secs(100)),
        ..HandoffBudget::default()
    };
    for (budget, key) in [(tokens, "tokens"), (money, "usd"), (time, "time")] {
        let mut scene = Scene::of(changed(|project| project.handoff_budget = budget));
        scene.say(one(), 10, "@pm go");
        scene.settle();
        scene.reply("@engineer a");
        scene.reply("@qa b");
        assert!(!scene.text.contains("handoff-budget"), "{}", scene.text);
        scene.reply("@pm c");
        let named = format!("(`handoff-budget-{key}`)");
        assert!(scene.text.contains(&named), "{}", scene.text);
        assert_eq!(scene.world.runs(), 0);
    }
}

#[test]
fn nobody_hands_over_to_themselves_or_where_it_is_off() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.reply("@pm goes on");
    scene.reconfigure(changed(|project| project.handoff = HandoffMode::Off));
    scene.say(thread("one", "10"), 11, "@pm go");
    scene.settle();
    scene.reply("@qa test it");
    scene.reconfigure(changed(|project| project.handoff = HandoffMode::Directive));
    scene.say(thread("one", "10"), 12, "@pm go");
    scene.settle();
    scene.reply("@qa test it");
    scene.say(thread("one", "10"), 13, "@pm go");
    scene.reply("HANDOFF @qa: test it");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_stop_ends_the_chain_and_nothing_else() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.reply("@engineer build it\n@qa test it");
    scene.say(thread("one", "10"), 11, "@qa and then?");
    scene.say(thread("one", "10"), 12, "!stop");
    scene.say(thread("one", "10"), 13, "!stop");
    scene.reply("built in spite of that; @pm look");
    scene.end("qa was interrupted", failed(FailureKind::Interrupted));
    scene.settle();
    scene.reply("then we are done");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_was_stopped_does_not_begin_again_after_a_crash() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.say(thread("one", "10"), 11, "!stop");
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    assert_eq!(scene.world.runs(), 0, "{}", scene.text);
}

#[test]
fn a_chain_goes_on_after_a_crash() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.reply("@engineer build it\n@qa test it");
    scene.reply("built");
    let step = scene.world.crash();
    scene.note("the gateway restarts", &step);
    scene.settle();
    scene.end("cut off", RunEnd::InterruptedBefore);
    scene.settle();
    scene.reply("tested");
    scene.reply("all is well");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_that_is_gone_from_the_configuration_is_not_asked() {
    let mut scene = Scene::of(team(1));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.say(thread("one", "10"), 11, "@qa look");
    scene.restart_with(changed(|project| {
        project.agents.retain(|name, _| name.as_str() != "qa");
    }));
    scene.settle();
    scene.say(thread("one", "10"), 12, "@qa look");
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_that_shows_no_sign_of_life_is_stopped_by_its_own_limit() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm go");
    scene.settle();
    scene.notice(TurnNotice::Stalled(Duration::from_mins(3)));
    assert!(scene.text.contains("(`agent-timeout`)"), "{}", scene.text);
}

#[test]
fn what_is_handed_over_waits_since_it_was() {
    let mut scene = Scene::of(team(1));
    scene.say(one(), 10, "@pm plan");
    scene.settle();
    scene.pass(60);
    scene.reply("@engineer build it\n@qa test it");
    let threads = scene.world.disk.threads.values();
    let conversations = threads.flat_map(|thread| thread.conversations.values());
    let waiting: Vec<_> = conversations.flat_map(|known| &known.queue).collect();
    assert!(!waiting.is_empty(), "{}", scene.text);
    assert!(waiting.iter().all(|turn| turn.at == scene.world.now));
}

#[test]
fn a_stop_counts_what_was_handed_over_and_has_not_begun() {
    let mut scene = Scene::of(team(1));
    scene.say(one(), 10, "@pm plan");
    scene.settle();
    scene.reply("@engineer build it\n@qa test it");
    scene.say(thread("one", "10"), 11, "!stop");
    scene.settle();
    let said = scene.world.delivered.iter().map(|(_, text)| text);
    let said: Vec<&String> = said.filter(|text| text.contains("stopped")).collect();
    assert!(
        said.iter().any(|text| text.contains("2 turns stopped")),
        "{said:?}"
    );
}

#[test]
fn an_agent_is_told_nothing_of_the_past_where_the_configuration_says_so() {
    for (limit, told) in [(0, false), (20, true)] {
        let config = changed(|project| project.history_limit = limit);
        let mut scene = Scene::of(config);
        scene.say(one(), 10, "@pm plan");
        scene.settle();
        scene.reply("planned");
        scene.say(thread("one", "10"), 11, "@qa test");
        scene.settle();
        assert_eq!(scene.running().history.is_some(), told, "{limit}");
    }
}

#[test]
fn nothing_is_kept_of_handoffs_once_a_person_has_written() {
    let mut scene = Scene::of(team(1));
    scene.say(one(), 10, "@pm plan");
    scene.settle();
    scene.reply("@engineer build it");
    let chains = |scene: &Scene| {
        let threads = scene.world.disk.threads.values();
        threads.filter(|thread| thread.chain.is_some()).count()
    };
    assert_eq!(chains(&scene), 1);
    scene.say(thread("one", "10"), 11, "@qa test");
    assert_eq!(chains(&scene), 0);
}

#[test]
fn so_much_of_a_reply_is_handed_over() {
    let mut scene = Scene::of(team(4));
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.reply(&format!("@engineer build it. {}", "x".repeat(70_000)));
    let handed = scene.running().submission.prompt.matches('x').count();
    assert!((65_000..65_536).contains(&handed), "{handed}");
}

/// A press of the button that asks an agent which was named.
fn asks(place: Place, id: u32, author: &str, agent: &str) -> Inbound {
    let mut interaction = press(place, id, author);
    interaction.action = Action::Press {
        id: ActionId::parse(&format!("named:{agent}")).expect("a short name"),
        values: Vec::new(),
    };
    Inbound::Interaction(interaction)
}

#[test]
fn an_agent_that_is_only_named_is_asked_with_a_button() {
    let can = Capabilities {
        controls: Controls::Buttons,
        ..threaded()
    };
    let mut scene = Scene::on(team(4), can);
    let here = thread("one", "10");
    scene.say(one(), 10, "@pm plan the search");
    scene.settle();
    scene.reply("A plan, which @engineer and @qa will like.");
    scene.inbound("ann asks", asks(here.clone(), 20, "ann", "engineer"));
    scene.settle();
    scene.inbound("she asks again", asks(here.clone(), 21, "ann", "engineer"));
    scene.settle();
    scene.reply("It is built.");
    scene.inbound("and once more", asks(here.clone(), 22, "ann", "engineer"));
    scene.inbound("nobody is called so", asks(here, 23, "ann", "nobody"));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn nobody_is_offered_who_would_not_know_what_for() {
    let buttons = |controls, history_limit| {
        let can = Capabilities {
            controls,
            ..threaded()
        };
        let config = changed(|project| project.history_limit = history_limit);
        let mut scene = Scene::on(config, can);
        scene.say(one(), 10, "@pm plan the search");
        scene.settle();
        scene.reply("A plan, which @engineer will like.");
        scene.text.contains("Ask engineer")
    };
    assert!(buttons(Controls::Buttons, 1));
    assert!(!buttons(Controls::None, 1));
    assert!(!buttons(Controls::Buttons, 0));
}
