//! Who did what, as the audit log is told.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fmt::Write as _;

use mpg_core::audit::{Act, Actor, Deed, Text};
use mpg_core::capability::Controls;
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::event::{Effect, Event, Step, Undelivered};
use mpg_core::gateway::{Order, Prompt, Purpose};
use mpg_core::id::{AgentName, MessageId, MessageRef, ProjectName, RootId, UserId};
use mpg_core::message::{Inbound, Message, Role};
use mpg_core::record::Record;
use mpg_core::request::Scope;
use mpg_core::snapshot::Answerer;

use crate::asking::{permission, questions, working};
use crate::lifting::guarded;
use crate::scene::{Scene, one};
use crate::world::{Pending, channel, config, human, message, team, thread};

/// What is told of a step, a line each.
fn told(step: &Step) -> Vec<&Deed> {
    let records = step.records.iter();
    records
        .filter_map(|record| {
            if let Record::Audited { deed } = record {
                Some(&**deed)
            } else {
                None
            }
        })
        .collect()
}

/// All that was told since the last look, with ids that stay the same.
fn log(scene: &mut Scene) -> String {
    let mut text = String::new();
    for deed in std::mem::take(&mut scene.world.deeds) {
        let _ = writeln!(text, "{deed}");
    }
    text
}

fn plain(mut config: Config) -> Config {
    config.limits.audit_texts = true;
    config
}

#[test]
fn what_people_ask_and_order_is_told_with_who_did_it() {
    let mut scene = Scene::of(plain(config(1)));
    scene.say(one(), 10, "build it");
    scene.settle();
    scene.say(one(), 20, "and that");
    scene.say(thread("one", "10"), 30, "!stop");
    scene.settle();
    scene.say(thread("one", "10"), 40, "!effort high");
    scene.say(thread("one", "10"), 50, "!verbosity quiet");
    scene.say(thread("one", "10"), 60, "!kill");
    scene.settle();
    scene.say(thread("one", "10"), 70, "!nonsense");
    scene.say(one(), 80, "   ");
    scene.settle();
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn what_is_asked_aside_or_first_in_a_fork_is_told_as_who_asked_it() {
    let mut scene = Scene::of(plain(config(2)));
    scene.say(one(), 10, "build it");
    scene.settle();
    log(&mut scene);
    scene.say(thread("one", "10"), 20, "!btw why?");
    scene.settle();
    let aside = scene.pending_position(
        |pending| matches!(pending, Pending::Run(run) if run.session.conversation.root.is_aside()),
    );
    drop(scene.world.succeed(aside));
    scene.settle();
    scene.say(thread("one", "10"), 30, "!fork and on");
    scene.settle();
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn what_waits_and_is_changed_or_taken_back_is_told_as_the_platforms_news() {
    let mut scene = Scene::of(plain(config(1)));
    scene.say(one(), 10, "first");
    scene.say(one(), 20, "second");
    scene.settle();
    log(&mut scene);
    let second = MessageRef {
        place: one(),
        message: MessageId::new("20"),
    };
    let text = "second, better".to_owned();
    let edited = Inbound::Edited {
        message: second.clone(),
        text,
    };
    scene.inbound("edited", edited);
    scene.inbound("deleted", Inbound::Deleted(second));
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn texts_are_hashes_unless_they_are_to_be_kept() {
    let mut scene = Scene::of(config(1));
    scene.say(one(), 10, "a secret plan");
    let deeds = std::mem::take(&mut scene.world.deeds);
    let texts: Vec<Option<Text>> = deeds.into_iter().map(|deed| deed.text).collect();
    assert_eq!(texts, [Some(Text::kept("a secret plan", false))]);
}

#[test]
fn answers_and_what_they_allow_are_told() {
    let mut scene = working(plain(config(1)), Controls::Forms);
    log(&mut scene);
    scene.ask("r1", &permission("git push"));
    scene.press(50, "bob", "Always for this project");
    scene.ask("r2", &permission("rm -rf target"));
    scene.submit(51, "bob", "Deny with a reason", "no");
    scene.ask("r3", &questions());
    scene.write(52, "ann", "SQLite");
    scene.write(53, "ann", "unit");
    scene.ask("r4", &permission("reboot"));
    scene.pass(30 * 60);
    scene.settle();
    scene.say(thread("one", "10"), 2_000_060, "!rules remove 1");
    scene.settle();
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn who_may_not_is_told_too() {
    let config = changed(plain(config(1)), |project| {
        project.access.approver_roles.insert("lead".to_owned());
        project.access.users.insert(human("ann").id);
    });
    let mut scene = working(config, Controls::Forms);
    scene.ask("r1", &permission("git push"));
    log(&mut scene);
    scene.press(50, "ann", "Allow once");
    scene.press(51, "mallory", "Deny");
    let mallory = message(one(), 90, "mallory", "let me in");
    scene.inbound("mallory", Inbound::Message(mallory));
    insta::assert_snapshot!(log(&mut scene));
}

fn changed(mut config: Config, change: impl Fn(&mut Project)) -> Config {
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        change(&mut project);
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    config
}

#[test]
fn limits_that_are_lifted_are_told_until_they_are_back() {
    let mut scene = Scene::of(guarded(plain(config(1))));
    let root = |id: u32, text: &str| {
        let mut author = human("rob");
        author.roles.push(Role {
            id: "3".to_owned(),
            name: Some("root".to_owned()),
        });
        Inbound::Message(Message {
            author,
            ..message(one(), id, "rob", text)
        })
    };
    scene.inbound("unsafe", root(10, "!unsafe"));
    scene.inbound("unsafe", root(20, "!unsafe confirm"));
    scene.inbound("safe", root(30, "!safe"));
    scene.inbound("unsafe", root(40, "!unsafe"));
    scene.inbound("unsafe", root(50, "!unsafe confirm"));
    scene.pass(31 * 60);
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn another_configuration_is_told_with_whom_it_lets_in() {
    let mut scene = Scene::of(config(1));
    scene.reconfigure(config(1));
    assert_eq!(log(&mut scene), "", "nothing is different");
    let other = changed(config(2), |project| {
        if project.name == ProjectName::new("one") {
            project.access.admin_roles.insert("lead".to_owned());
        }
    });
    let ann = Actor::Local {
        user: "ann".to_owned(),
    };
    scene.world.gateway.on_behalf_of(ann);
    scene.reconfigure(other);
    scene.reconfigure(config(2));
    insta::assert_snapshot!(log(&mut scene));
}

#[test]
fn what_is_done_from_outside_is_told_with_who_did_it_and_nothing_after_it() {
    let mut scene = Scene::of(plain(team(1)));
    scene.say(one(), 10, "work");
    scene.settle();
    log(&mut scene);
    let token = Actor::Token {
        id: "00ff".to_owned(),
        name: "ci".to_owned(),
    };
    let now = scene.world.now;
    let root = RootId::of_message(channel("one"), MessageId::new("10"));
    let gateway = scene.world.gateway.on_behalf_of(token.clone());
    let (_, step) = gateway.order(now, &root, Order::Stop).unwrap();
    assert_eq!(told(&step)[0].act, Act::Stopped);
    assert!(told(&step).iter().all(|deed| deed.actor == token));

    let prompt = Prompt {
        key: "1".to_owned(),
        earlier: None,
        purpose: Purpose::Ask,
        project: ProjectName::new("one"),
        thread: None,
        agent: Some(AgentName::new("pm")),
        text: "a task".to_owned(),
        from: "ci".to_owned(),
    };
    let gateway = scene.world.gateway.on_behalf_of(token.clone());
    let (_, step) = gateway.ask(now, &prompt).unwrap();
    let asked: Vec<String> = told(&step).iter().map(ToString::to_string).collect();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].starts_with("token ci (00ff): asked delivery"),
        "{asked:?}"
    );
    assert!(asked[0].ends_with("@pm a task"), "{asked:?}");
    let news = Prompt {
        key: "2".to_owned(),
        purpose: Purpose::Tell,
        agent: None,
        ..prompt
    };
    let gateway = scene.world.gateway.on_behalf_of(token.clone());
    let (_, step) = gateway.ask(now, &news).unwrap();
    let news: Vec<String> = told(&step).iter().map(ToString::to_string).collect();
    assert_eq!(news.len(), 1);
    assert!(
        news[0].starts_with("token ci (00ff): told delivery"),
        "{news:?}"
    );

    // What nobody asked for is the gateway's own, whatever came before.
    let nothing = RootId::of_message(channel("one"), MessageId::new("99"));
    let gateway = scene.world.gateway.on_behalf_of(token);
    assert!(gateway.order(now, &nothing, Order::Kill).is_none());
    let step = scene.world.gateway.handle(now, Event::Unattended);
    assert_eq!(told(&step), Vec::<&Deed>::new());
    let step = scene.world.say(one(), 20, "more");
    let actors: Vec<&Actor> = told(&step).iter().map(|deed| &deed.actor).collect();
    let platform = &channel("one").platform;
    assert_eq!(actors, [&Actor::person(platform, &human("ann"))]);
}

#[test]
fn what_is_answered_from_outside_is_told_with_who_did_it() {
    let mut scene = working(plain(config(1)), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    log(&mut scene);
    let ann = Actor::Local {
        user: "ann".to_owned(),
    };
    let ask = scene.open();
    scene.world.gateway.on_behalf_of(ann);
    let said = mpg_core::ask::Said::Allow(Scope::Once);
    scene.event(
        "answered",
        Event::Answered {
            ask,
            said,
            by: None,
        },
    );
    let text = log(&mut scene);
    assert!(
        text.starts_with("ann at the command line: allowed permission Bash once"),
        "{text}"
    );
    scene.ask("r2", &permission("git pull"));
    let ask = scene.open();
    let by = Some(Answerer::new(UserId::new("token:00ff"), "ci"));
    let said = mpg_core::ask::Said::Allow(Scope::Project);
    scene.event("answered", Event::Answered { ask, said, by });
    let text = log(&mut scene);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "token ci (00ff): rule-added Bash(git pull) in one"
    );
    assert!(lines[1].starts_with("token ci (00ff): allowed"), "{text}");
}

#[test]
fn what_an_agent_hands_over_is_asked_by_nobody() {
    let mut scene = Scene::of(plain(team(2)));
    scene.say(one(), 10, "@pm plan");
    scene.settle();
    log(&mut scene);
    scene.reply("@engineer build it");
    let text = log(&mut scene);
    assert!(!text.contains("asked"), "{text}");
}

#[test]
fn what_is_posted_beside_a_post_that_was_given_up_is_no_second_attempt() {
    let mut scene = Scene::of(plain(config(2)));
    scene.say(one(), 10, "work");
    scene.settle();
    scene.answer();
    let index =
        scene.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
    let Pending::Effect(Effect::Deliver(delivery)) = scene.world.pending.remove(index) else {
        unreachable!("it was looked for");
    };
    scene.event(
        "it is refused",
        Event::Delivered {
            root: delivery.root,
            delivery: delivery.post.id,
            result: Err(Undelivered::Dead("it is full".to_owned())),
        },
    );
    log(&mut scene);
    scene.say(one(), 11, "!help");
    scene.settle();
    let text = log(&mut scene);
    assert!(!text.contains("redelivered"), "{text}");
}

#[test]
fn whoever_answers_at_the_command_line_is_told_by_name() {
    let mut scene = working(plain(config(1)), Controls::Forms);
    let answer = |scene: &mut Scene, by: Answerer| {
        scene.ask(&by.name, &permission(&format!("ls {by:?}")));
        log(scene);
        let ask = scene.open();
        let said = mpg_core::ask::Said::Allow(Scope::Once);
        let by = Some(by);
        scene.event("answered", Event::Answered { ask, said, by });
        log(scene)
    };
    let local = answer(&mut scene, Answerer::new(UserId::new("operator"), "root"));
    assert!(
        local.starts_with("root at the command line: allowed"),
        "{local}"
    );
    let person = answer(&mut scene, Answerer::new(UserId::new("ann"), "ann"));
    assert!(!person.contains("at the command line"), "{person}");
}
