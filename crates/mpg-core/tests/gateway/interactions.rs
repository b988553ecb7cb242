//! Native commands and other controls.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at what it tests"
)]

use std::fmt::Write as _;

use mpg_core::config::{Config, NamedAgent, RoutingTable};
use mpg_core::event::{Effect, Event, Step};
use mpg_core::id::{AgentName, MessageId, Place, UserId};
use mpg_core::interaction::{Action, ActionId, Interaction};
use mpg_core::message::{Inbound, Link};
use mpg_core::native::{Audience, NativeCommands, ParameterKind};
use mpg_core::post::PostKind;
use mpg_core::record::{Disposition, Record};

use crate::scene::{Scene, one};
use crate::world::{Pending, World, channel, config, human, message, thread, threaded};

pub(crate) fn native(
    place: Place,
    id: u32,
    author: &str,
    name: &str,
    arguments: &[(&str, &str)],
) -> Interaction {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Interaction {
        place,
        id: MessageId::new(id.to_string()),
        author: human(author),
        action: Action::Command {
            name: name.to_owned(),
            arguments: arguments.iter().map(owned).collect(),
        },
    }
}

pub(crate) fn press(place: Place, id: u32, author: &str) -> Interaction {
    Interaction {
        place,
        id: MessageId::new(id.to_string()),
        author: human(author),
        action: Action::Press {
            id: ActionId::parse("allow:1").unwrap(),
            values: Vec::new(),
        },
    }
}

/// Only ann may use the first project.
fn closed() -> Config {
    let mut config = config(2);
    let projects: Vec<_> = config.routing.projects().cloned().collect();
    let changed = projects.iter().map(|project| {
        let mut project = project.as_ref().clone();
        if project.name.as_str() == "one" {
            project.access.users.insert(UserId::new("ann"));
        }
        project
    });
    config.routing = RoutingTable::new(changed).unwrap();
    config
}

/// What is posted in a step, with its kind and what it replies to.
fn posts(step: &Step) -> Vec<(PostKind, Option<String>, String)> {
    let posts = step.records.iter().filter_map(|record| match record {
        Record::DeliveryPlanned { post, .. } => Some(post),
        _ => None,
    });
    posts
        .map(|post| {
            let reply_to = post.reply_to.as_ref().map(ToString::to_string);
            (post.kind.clone(), reply_to, post.text.clone())
        })
        .collect()
}

/// A thread with a session and a queue.
fn busy() -> Scene {
    let mut scene = Scene::with_slots(1);
    scene.say(one(), 10, "first");
    scene.settle();
    scene.say(thread("one", "10"), 11, "second");
    scene
}

#[test]
fn a_native_command_does_what_its_text_does() {
    let commands = NativeCommands::new(config(1).into());
    for command in commands.declared() {
        let values: Vec<(&str, &str)> = command
            .parameters
            .iter()
            .map(|parameter| {
                let value = match &parameter.kind {
                    ParameterKind::Project => "one",
                    ParameterKind::Agent => "pm",
                    ParameterKind::Choice(words) => words[0].as_str(),
                    ParameterKind::Text => "some words",
                };
                (parameter.name.as_str(), value)
            })
            .collect();
        let required = command.parameters.iter().filter(|p| p.required).count();
        for given in [&values[..], &values[..required]] {
            for place in [one(), thread("one", "10")] {
                let values = given.iter().map(|(_, value)| *value);
                let words: Vec<&str> = std::iter::once(command.name).chain(values).collect();
                let text = format!("!{}", words.join(" "));
                let typed = busy().world.say(place.clone(), 30, &text);
                // However the platform orders them.
                let mut given = given.to_vec();
                given.reverse();
                let used = native(place, 30, "ann", command.name, &given);
                let used = busy().world.receive(Inbound::Interaction(used));
                let later = |effect: &Effect| matches!(effect, Effect::Job(_));
                let asks = |record: &Record| matches!(record, Record::TurnQueued { .. });
                if posts(&typed).is_empty() && typed.records.iter().any(asks) {
                    // An answer follows; what is asked natively is shown before that.
                    assert!(!posts(&used).is_empty(), "{text}");
                    continue;
                }
                let says = !posts(&typed).is_empty() || typed.effects.iter().any(later);
                assert!(says, "{text} says something, now or later");
                assert_eq!(posts(&used), posts(&typed), "{text}");
                assert_eq!(used, typed, "{text}");
            }
        }
    }
}

#[test]
fn a_task_is_shown_and_its_thread_grows_from_that() {
    let mut config = config(2);
    let projects = config.routing.projects().map(|project| {
        let mut project = project.as_ref().clone();
        project.agents.insert(AgentName::new("pm"), named().into());
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    let mut scene = Scene::of(config);
    let task = [("task", "plan the release"), ("agent", "pm")];
    let asked = native(one(), 30, "ann", "ask", &task);
    let commands = NativeCommands::new(scene.world.config.clone());
    assert_eq!(commands.audience(&asked), Audience::Everyone);
    scene.inbound("ann: /ask", Inbound::Interaction(asked));
    let open = scene
        .pending_position(|pending| matches!(pending, Pending::Effect(Effect::OpenThread { .. })));
    let ready = scene.pending_position(|pending| {
        matches!(pending, Pending::Effect(Effect::PrepareWorkspace { .. }))
    });
    // Where the thread will be is not known before it is open.
    scene.world.succeed(ready);
    let run = scene.run_index();
    let Pending::Run(run) = &scene.world.pending[run] else {
        panic!("a turn runs");
    };
    assert_eq!(run.place, None);
    let Pending::Effect(Effect::OpenThread { root, .. }) = scene.world.pending.remove(open) else {
        panic!("a thread is opened");
    };
    let opened = Event::ThreadOpened {
        root,
        result: Ok(thread("one", "77")),
    };
    scene.event("the thread is open elsewhere", opened);
    scene.settle();
    scene.answer();
    scene.settle();
    let again = native(thread("one", "77"), 31, "ann", "ask", &task);
    scene.inbound("ann: /ask in the thread", Inbound::Interaction(again));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn who_may_not_use_a_project_is_told_alone() {
    let mut scene = Scene::of(closed());
    let interaction = native(one(), 30, "bob", "sessions", &[]);
    let commands = NativeCommands::new(scene.world.config.clone());
    assert_eq!(commands.audience(&interaction), Audience::Asker);
    scene.inbound("bob: /sessions", Inbound::Interaction(interaction));
    scene.inbound("bob presses", Inbound::Interaction(press(one(), 31, "bob")));
    let interaction = native(one(), 32, "ann", "sessions", &[]);
    assert_eq!(commands.audience(&interaction), Audience::Everyone);
    scene.inbound("ann: /sessions", Inbound::Interaction(interaction));
    scene.inbound("ann presses", Inbound::Interaction(press(one(), 33, "ann")));
    let elsewhere = native(Place::channel(channel("elsewhere")), 34, "ann", "help", &[]);
    assert_eq!(commands.audience(&elsewhere), Audience::Asker);
    scene.inbound("ann: /help elsewhere", Inbound::Interaction(elsewhere));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_command_that_takes_a_role_is_refused_to_who_asked_alone() {
    let mut config = config(2);
    let projects = config.routing.projects().map(|project| {
        let mut project = project.as_ref().clone();
        project.access.admin_roles.insert("lead".to_owned());
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    let (mut world, _) = World::new(config, threaded());
    let commands = NativeCommands::new(world.config.clone());
    for (id, name, audience) in [
        (30, "kill", Audience::Asker),
        (31, "sessions", Audience::Everyone),
    ] {
        let used = native(one(), id, "bob", name, &[]);
        assert_eq!(commands.audience(&used), audience, "{name}");
        let step = world.receive(Inbound::Interaction(used));
        let kind = match audience {
            Audience::Asker => PostKind::Private,
            Audience::Everyone => PostKind::Reply,
        };
        let kinds: Vec<PostKind> = posts(&step).into_iter().map(|(kind, _, _)| kind).collect();
        assert_eq!(kinds, [kind], "{name}");
    }
}

#[test]
fn an_interaction_is_taken_in_once() {
    let mut scene = busy();
    for interaction in [
        native(thread("one", "10"), 30, "ann", "kill", &[]),
        press(thread("one", "10"), 31, "ann"),
        native(Place::channel(channel("elsewhere")), 32, "ann", "kill", &[]),
    ] {
        let inbound = Inbound::Interaction(interaction);
        let first = scene.world.receive(inbound.clone());
        assert_eq!(posts(&first).len(), 1);
        let again = scene.world.receive(inbound.clone());
        assert_eq!((again.records.len(), again.effects.len()), (0, 0));
        scene.world.crash();
        let again = scene.world.receive(inbound);
        assert_eq!(posts(&again), []);
    }
}

#[test]
fn an_interaction_waits_for_what_was_said_before_it() {
    let (mut world, _) = World::new(config(2), threaded());
    world.receive(Inbound::Link(Link::Connected));
    world.say(one(), 10, "first");
    let early = message(one(), 20, "ann", "while nobody listened");
    world.said.push((world.now, early));
    world.receive(Inbound::Link(Link::Connected));
    let used = native(one(), 30, "ann", "sessions", &[]);
    let held = world.receive(Inbound::Interaction(used));
    assert_eq!(posts(&held), []);
    let looking = world.pending.iter().position(
        |pending| matches!(pending, Pending::Effect(Effect::CatchUp(request)) if request.channel == channel("one")),
    );
    let step = world.succeed(looking.unwrap());
    let seen: Vec<(String, Disposition)> = step
        .records
        .iter()
        .filter_map(|record| match record {
            Record::MessageSeen {
                message,
                disposition,
                ..
            } => Some((message.message.to_string(), *disposition)),
            _ => None,
        })
        .collect();
    let expected = [
        ("20".to_owned(), Disposition::Accepted),
        ("30".to_owned(), Disposition::Command),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_cannot_be_read_back_is_held_however_much_is_said() {
    let (mut world, _) = World::new(config(2), threaded());
    world.receive(Inbound::Link(Link::Connected));
    world.say(one(), 10, "first");
    world.receive(Inbound::Link(Link::Connected));
    let used = native(one(), 20, "ann", "sessions", &[]);
    world.receive(Inbound::Interaction(used));
    for id in 21..1_100 {
        let said = message(one(), id, "ann", "and more");
        world.said.push((world.now, said.clone()));
        world.receive(Inbound::Message(said));
    }
    // What is said beyond the limit is looked for once more.
    for _ in 0..2 {
        let looking = world.pending.iter().position(|pending| {
            matches!(pending, Pending::Effect(Effect::CatchUp(request)) if request.channel == channel("one"))
        });
        world.succeed(looking.unwrap());
    }
    let seen = &world.disk.seen[&one()];
    assert!(seen.contains(&MessageId::new("20")));
    let replies = world
        .disk
        .threads
        .values()
        .flat_map(|thread| &thread.deliveries);
    let replies = replies.filter(|post| post.reply_to == Some(MessageId::new("20")));
    assert_eq!(replies.count(), 1);
}

#[test]
fn a_reply_above_what_was_posted_meanwhile_does_not_lower_the_floor() {
    let (mut world, _) = World::new(config(2), threaded());
    for (id, confirmed) in [(30, "41"), (31, "35")] {
        let used = native(one(), id, "ann", "sessions", &[]);
        let step = world.receive(Inbound::Interaction(used));
        let delivery = step.effects.iter().find_map(|effect| match effect {
            Effect::Deliver(delivery) => Some(delivery.clone()),
            _ => None,
        });
        let delivery = delivery.unwrap();
        world.handle(Event::Delivered {
            root: delivery.root,
            delivery: delivery.post.id,
            result: Ok(MessageId::new(confirmed)),
        });
    }
    let floors: Vec<_> = world
        .disk
        .threads
        .values()
        .map(|thread| thread.confirmed.clone())
        .collect();
    assert_eq!(floors, [Some(MessageId::new("41"))]);
}

#[test]
fn suggestions_name_what_a_person_may_use() {
    let mut all = closed();
    let mut projects: Vec<_> = all.routing.projects().map(|p| p.as_ref().clone()).collect();
    for project in &mut projects {
        for agent in ["pm", "engineer", "pm-two"] {
            let agent = AgentName::new(agent);
            project.agents.insert(agent, named().into());
        }
        if project.name.as_str() == "two" {
            project.access.users.insert(UserId::new("cleo"));
        }
    }
    all.routing = RoutingTable::new(projects).unwrap();
    let commands = NativeCommands::new(all.into());
    let suggest = |place: &str, author: &str, kind: &ParameterKind, typed: &str| {
        let place = Place::channel(channel(place));
        commands.suggest(&place, &human(author), kind, typed)
    };
    let (project, agent) = (ParameterKind::Project, ParameterKind::Agent);
    assert_eq!(suggest("one", "ann", &project, ""), ["one"]);
    assert_eq!(suggest("one", "bob", &project, ""), [""; 0]);
    assert_eq!(suggest("two", "cleo", &project, ""), ["two"]);
    assert_eq!(suggest("elsewhere", "ann", &project, ""), [""; 0]);
    assert_eq!(suggest("one", "ann", &agent, "@PM"), ["pm", "pm-two"]);
    assert_eq!(suggest("one", "ann", &agent, "ine"), ["engineer"]);
    assert_eq!(suggest("one", "bob", &agent, ""), [""; 0]);
    assert_eq!(suggest("one", "ann", &ParameterKind::Text, "p"), [""; 0]);
    // Another configuration counts from when it is in force.
    commands.reconfigure(config(2).into());
    assert_eq!(suggest("one", "bob", &project, ""), ["one"]);
    assert_eq!(suggest("one", "ann", &agent, ""), [""; 0]);
}

fn named() -> NamedAgent {
    NamedAgent {
        role: "one of several".to_owned(),
        color: None,
        agent: std::sync::Arc::default(),
        timeout: std::time::Duration::from_mins(3),
        budget: None,
    }
}

#[test]
fn the_table_as_platforms_get_it() {
    let commands = NativeCommands::new(config(1).into());
    let mut text = String::new();
    for command in commands.declared() {
        writeln!(text, "/{} — {}", command.name, command.help).unwrap();
        for parameter in command.parameters {
            writeln!(text, "    {parameter:?}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}
