//! Requests of several threads: who sees which, how many rules they become, and how they end.

use std::collections::BTreeSet;

use mpg_core::ask::Said;
use mpg_core::capability::Controls;
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::event::Event;
use mpg_core::gateway::{AnyRequest, RequestEnd};
use mpg_core::id::{AskId, DeliveryId, MessageId, Place, ProjectName, RequestId};
use mpg_core::message::{Inbound, Role};
use mpg_core::record::Record;
use mpg_core::request::{About, Answer, Question, QuestionOption, Request, Scope};
use mpg_core::snapshot::Rule;

use crate::asking::{permission, with_controls, working};
use crate::scene::{Scene, one};
use crate::world::{channel, config, human, message, thread};

fn rule(number: usize) -> String {
    format!("Bash(ls {number})")
}

/// A thread whose agent asks, in a project and a session that allow so much already.
fn asking_with(rules: usize, allowed: usize) -> Scene {
    let mut scene = working(config(1), Controls::Forms);
    let (conversation, _) = scene.run();
    let bound = scene.world.disk.conversation(&conversation);
    let session = bound.and_then(|known| known.session.as_ref());
    let session = session.expect("a session").id;
    for number in 0..rules {
        scene.world.disk.apply(&Record::RuleAdded {
            project: ProjectName::new("one"),
            rule: Rule {
                rule: rule(number),
                by: None,
                at: scene.world.now,
            },
        });
    }
    for number in 0..allowed {
        scene.world.disk.apply(&Record::SessionAllowed {
            conversation: conversation.clone(),
            session,
            rule: rule(number),
        });
    }
    drop(scene.world.crash_alone());
    drop(scene.world.find_agents());
    scene.ask("r1", &permission("git push"));
    scene
}

#[test]
fn what_is_always_allowed_is_so_as_far_as_there_is_room() {
    for (rules, allowed, scope) in [
        (Rule::MOST - 1, 0, Scope::Project),
        (Rule::MOST, 0, Scope::Session),
        (Rule::MOST, Rule::MOST - 1, Scope::Session),
        (Rule::MOST, Rule::MOST, Scope::Once),
    ] {
        let mut scene = asking_with(rules, allowed);
        scene.press(50, "ann", "Always for this project");
        assert_eq!(scene.told(), [Answer::Allow(scope)], "{rules}, {allowed}");
    }
}

#[test]
fn a_turn_goes_on_when_the_last_of_its_requests_is_answered() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.ask("r2", &permission("git pull"));
    scene.press(50, "ann", "Deny");
    assert_eq!(scene.world.gateway.turns_in_progress(), 0);
    assert_eq!(scene.world.gateway.open_request_count(), 1);
    assert!(scene.world.gateway.asks_people());
    let (ask, by) = (scene.open(), None);
    let said = Said::Allow(Scope::Once);
    scene.event("an operator", Event::Answered { ask, said, by });
    assert_eq!(scene.world.gateway.turns_in_progress(), 1);
    assert_eq!(scene.world.gateway.open_request_count(), 0);
    assert!(!scene.world.gateway.asks_people());
}

#[test]
fn what_was_answered_last_is_remembered() {
    let mut scene = working(config(1), Controls::Forms);
    let mut ids: Vec<AskId> = Vec::new();
    for number in 0..3 {
        scene.ask(&format!("r{number}"), &permission(&format!("ls {number}")));
        ids.push(scene.open());
        scene.press(50 + number, "ann", "Allow once");
    }
    for id in ids {
        let known = scene.world.gateway.request(id);
        let Some(AnyRequest::Past(past)) = known else {
            panic!("{known:?}");
        };
        assert!(matches!(past.end, RequestEnd::Answered { .. }), "{past:?}");
    }
}

#[test]
fn where_nobody_looks_any_more_nothing_stays_open() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.ask("r2", &permission("git pull"));
    scene.event("nobody is there", Event::Unattended);
    scene.settle();
    let told = scene.told();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|told| matches!(told, Answer::Deny { .. })));
    assert_eq!(scene.world.gateway.turns_in_progress(), 1);
}

#[test]
fn each_post_of_several_long_questions_is_made() {
    let question = |header: &str| Question {
        header: header.to_owned(),
        text: format!("{header} {}", "why and how ".repeat(400)),
        options: ["yes", "no"]
            .map(|label| QuestionOption {
                label: label.to_owned(),
                description: String::new(),
            })
            .into(),
        multiple: false,
    };
    let mut scene = working(config(1), Controls::Forms);
    let questions = ["first", "second", "third"].map(question);
    scene.ask("r1", &About::Questions(questions.into()));
    scene.press(50, "ann", "yes");
    scene.press(51, "ann", "no");
    scene.press(52, "ann", "yes");
    let ids: Vec<DeliveryId> = scene.world.shown.iter().map(|post| post.id).collect();
    let different: BTreeSet<&DeliveryId> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    // Each question takes four posts, and one in which what came of it stands.
    assert_eq!(ids.len(), 3 * 5, "{}", scene.text);
    assert_eq!(
        scene.told(),
        [Answer::Replies(
            [
                vec!["yes".to_owned()],
                vec!["no".to_owned()],
                vec!["yes".to_owned()]
            ]
            .into()
        )]
    );
}

/// The same for everybody but those with a role.
fn with_admins() -> Config {
    let mut config = config(8);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        project.access.admin_roles.insert("admin".to_owned());
        project
            .channels
            .insert(channel(&format!("{}-more", project.name)));
        project.max_concurrent_turns = None;
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).expect("a table");
    config
}

/// Turns of these places, each of which asks something named after it.
fn asking_in(places: &[(Place, u32)]) -> Scene {
    let mut scene = Scene::on(with_admins(), with_controls(Controls::Forms));
    for (place, id) in places {
        scene.say(place.clone(), *id, "work");
        scene.settle();
    }
    for (conversation, run) in scene.runs() {
        let about = permission(&format!("make {}", conversation.root));
        let request = Request {
            id: RequestId::new("r"),
            about,
        };
        let event = Event::Requested {
            conversation,
            run,
            request,
        };
        scene.event("an agent asks", event);
        scene.settle();
    }
    scene
}

/// What `!requests` says to somebody.
fn listed(scene: &mut Scene, place: Place, is_admin: bool) -> Vec<String> {
    let mut asked = message(place, 3_000_000, "ann", "!requests");
    asked.id = MessageId::new((3_000_000 + scene.world.delivered.len()).to_string());
    asked.author = human("ann");
    if is_admin {
        asked.author.roles.push(Role {
            id: "admin".to_owned(),
            name: None,
        });
    }
    scene.inbound("somebody asks", Inbound::Message(asked));
    scene.settle();
    let (_, said) = scene.world.delivered.last().expect("a reply");
    said.lines().map(str::to_owned).collect()
}

#[test]
fn whoever_lists_what_waits_sees_what_is_here_and_an_admin_all_of_the_project() {
    let elsewhere = Place::channel(channel("one-more"));
    let two = Place::channel(channel("two"));
    let mut scene = asking_in(&[(one(), 10), (one(), 20), (elsewhere, 30), (two, 40)]);
    let mut names = |place: Place, is_admin| -> Vec<String> {
        let lines = listed(&mut scene, place, is_admin);
        let make = lines.iter().filter_map(|line| line.split_once("make "));
        let mut names: Vec<String> = make
            .map(|(_, root)| root.chars().take_while(|c| *c != '`').collect())
            .collect();
        names.sort();
        names
    };
    let (ten, twenty) = ("chat:one#10".to_owned(), "chat:one#20".to_owned());
    let thirty = "chat:one-more#30".to_owned();
    assert_eq!(
        names(thread("one", "10"), false),
        std::slice::from_ref(&ten)
    );
    assert_eq!(names(one(), false), [ten.clone(), twenty.clone()]);
    assert_eq!(names(thread("one", "10"), true), [ten, twenty, thirty]);
}

#[test]
fn a_long_list_of_what_waits_says_how_many_more_there_are() {
    let mut config = config(64);
    config.limits.max_warm_sessions = 64;
    config.limits.max_sessions = 64;
    for (threads, more) in [
        (30, None),
        (31, Some("- and 1 more")),
        (33, Some("- and 3 more")),
    ] {
        let mut scene = Scene::on(config.clone(), with_controls(Controls::Forms));
        for number in 1..=threads {
            scene.say(one(), number, "work");
            scene.settle();
            let (conversation, run) = scene.runs().pop().expect("it runs");
            let request = Request {
                id: RequestId::new("r"),
                about: permission("make"),
            };
            let event = Event::Requested {
                conversation,
                run,
                request,
            };
            drop(scene.world.handle(event));
            scene.settle();
        }
        let lines = listed(&mut scene, one(), false);
        let requests = lines.iter().filter(|line| line.contains("make")).count();
        assert_eq!(requests, 30);
        let last = lines.last().filter(|line| line.contains("more"));
        assert_eq!(last.map(String::as_str), more);
    }
}
