//! What is asked from outside of every platform, as transcripts.

use mpg_core::capability::{Capabilities, FileLimits, TextLimit, TextUnit};
use mpg_core::config::Config;
use mpg_core::event::{Effect, Event, Step, Undelivered};
use mpg_core::gateway::{MAX_PROMPT, Prompt, PromptRefusal, Purpose};
use mpg_core::id::{AgentName, DeliveryId, MessageId, ProjectName, RootId};
use mpg_core::message::{Inbound, Link};

use crate::scene::{Scene, one};
use crate::world::{Pending, config, team, threaded};

fn prompt(text: &str) -> Prompt {
    Prompt {
        key: "1".to_owned(),
        earlier: None,
        purpose: Purpose::Ask,
        thread: None,
        project: ProjectName::new("one"),
        agent: None,
        text: text.to_owned(),
        from: "ann at a shell".to_owned(),
    }
}

/// A scene in which it is known from the start what the channels can do.
fn started(config: Config, can: Capabilities) -> Scene {
    let mut scene = Scene::on(config.clone(), can);
    scene.restart_with(config);
    scene
}

fn ask(scene: &mut Scene, prompt: &Prompt) -> Result<DeliveryId, PromptRefusal> {
    let world = &mut scene.world;
    let (delivery, step): (DeliveryId, Step) = world.gateway.ask(world.now, prompt)?;
    world.commit(&step);
    world.take_on(&step);
    scene.note("an operator asks", &step);
    Ok(delivery)
}

#[test]
fn what_an_operator_asks_is_posted_and_a_thread_grows_from_it() {
    let mut scene = started(config(2), threaded());
    // No command, and no mention: a task as it is.
    let asked = prompt("!kill all the flies");
    let first = ask(&mut scene, &asked).unwrap();
    assert_eq!(ask(&mut scene, &asked), Ok(first), "it is posted once");
    scene.settle();
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_crash_before_it_is_posted_loses_nothing() {
    let mut scene = started(team(2), threaded());
    let asked = Prompt {
        agent: Some(AgentName::new("engineer")),
        ..prompt("build it")
    };
    ask(&mut scene, &asked).unwrap();
    scene.restart_with(team(2));
    scene.settle();
    let run = scene.running();
    assert_eq!(run.session.conversation.agent, asked.agent);
    scene.answer();
    scene.settle();
    assert!(scene.world.gateway.is_idle());
}

#[test]
fn what_was_said_before_it_was_posted_is_still_read() {
    let mut scene = started(config(2), threaded());
    let connected = || Inbound::Link(Link::Connected);
    scene.inbound("connected", connected());
    scene.say(one(), 10, "work");
    ask(&mut scene, &prompt("and this")).unwrap();
    scene.settle();
    scene.inbound("connected", connected());
    assert_eq!(scene.looks_behind(), Some("10"));
}

#[test]
fn a_long_text_is_asked_whole() {
    let can = Capabilities {
        files: Some(FileLimits {
            size: 100_000,
            count: 1,
        }),
        ..threaded()
    };
    let most = can.post_limit.max;
    let mut scene = started(config(2), can);
    let text = "a line of many\n".repeat(most);
    ask(&mut scene, &prompt(&text)).unwrap();
    scene.settle();
    assert_eq!(scene.running().submission.prompt, text.trim());
}

#[test]
fn a_text_is_a_file_where_it_is_longer_than_a_post_and_a_file_takes_it() {
    let posted = |length: usize, size: u64, purpose: Purpose| {
        let can = Capabilities {
            files: Some(FileLimits { size, count: 1 }),
            ..threaded()
        };
        let mut scene = started(config(2), can);
        let prompt = Prompt {
            purpose,
            ..prompt(&"x".repeat(length))
        };
        ask(&mut scene, &prompt)?;
        let threads = scene.world.disk.threads.values();
        let owed = threads.flat_map(|thread| &thread.deliveries);
        let posts: Vec<(usize, Vec<String>)> = owed
            .map(|post| {
                let files = post.files.iter().map(|file| file.name.clone());
                (post.text.len(), files.collect())
            })
            .collect();
        Ok(posts)
    };
    let refused = posted(5_000, 4_999, Purpose::Ask);
    let Err(PromptRefusal::TooLongForPost { most: room }) = refused else {
        panic!("{refused:?}");
    };
    let whole = posted(room, 10, Purpose::Ask);
    assert_eq!(whole, Ok(vec![(room, Vec::new())]));
    assert!(posted(room + 1, 10, Purpose::Ask).is_err());
    let file = |name: &str| Ok(vec![(500, vec![name.to_owned()])]);
    assert_eq!(posted(5_000, 5_000, Purpose::Ask), file("prompt.md"));
    assert_eq!(posted(5_000, 5_000, Purpose::Tell), file("message.md"));
    assert_eq!(posted(MAX_PROMPT, 1 << 20, Purpose::Ask), file("prompt.md"));
    assert_eq!(
        posted(MAX_PROMPT + 1, 1 << 20, Purpose::Ask),
        Err(PromptRefusal::TooLong {
            length: MAX_PROMPT + 1
        })
    );
}

#[test]
fn what_cannot_be_asked_is_refused_and_changes_nothing() {
    let short = Capabilities {
        post_limit: TextLimit {
            max: 200,
            unit: TextUnit::CodePoints,
        },
        ..threaded()
    };
    let mut scene = started(config(2), short);
    let agent = Some(AgentName::new("nobody"));
    let cases = [
        Prompt {
            project: ProjectName::new("other"),
            ..prompt("x")
        },
        Prompt {
            agent,
            ..prompt("x")
        },
        prompt(" \n"),
        prompt(&"x".repeat(300)),
        prompt(&"x".repeat(MAX_PROMPT + 1)),
    ];
    let mut said = Vec::new();
    for case in &cases {
        said.push(ask(&mut scene, case).unwrap_err().to_string());
    }
    scene.event("the end begins", Event::Draining);
    said.push(ask(&mut scene, &prompt("x")).unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n"));
    assert!(scene.world.disk.threads.is_empty());
}

#[test]
fn what_is_told_is_posted_once_and_nobody_answers() {
    let mut scene = started(config(2), threaded());
    let told = Prompt {
        purpose: Purpose::Tell,
        ..prompt("!kill the build is red")
    };
    let first = ask(&mut scene, &told).unwrap();
    scene.settle();
    assert!(scene.world.gateway.is_idle(), "nobody works on it");
    // It was posted, and is known all the same.
    assert_eq!(ask(&mut scene, &told), Ok(first));
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_key_is_of_one_text() {
    let mut scene = started(config(2), threaded());
    let told = Prompt {
        purpose: Purpose::Tell,
        ..prompt("green")
    };
    let first = ask(&mut scene, &told).unwrap();
    let other = Prompt {
        text: "red".to_owned(),
        ..told.clone()
    };
    assert_eq!(ask(&mut scene, &other), Err(PromptRefusal::KeyTaken));
    // What is owed is known to the next gateway; what was made, to the store.
    scene.restart_with(config(2));
    assert_eq!(ask(&mut scene, &told), Ok(first));
    assert_eq!(ask(&mut scene, &other), Err(PromptRefusal::KeyTaken));
    scene.settle();
    scene.restart_with(config(2));
    let stored = |prompt: Prompt| Prompt {
        earlier: Some(first),
        ..prompt
    };
    assert_eq!(ask(&mut scene, &stored(told)), Ok(first));
    let taken = ask(&mut scene, &stored(other));
    assert_eq!(taken, Err(PromptRefusal::KeyTaken));
    let posts = scene.text.matches("= planned").count();
    assert_eq!(posts, 1, "{}", scene.text);
}

#[test]
fn a_thread_is_asked_and_told_in_itself() {
    let mut scene = started(config(2), threaded());
    scene.say(one(), 10, "begin");
    scene.settle();
    scene.answer();
    scene.settle();
    let root = scene.world.disk.threads.keys().next().unwrap().clone();
    let here = |key: &str, purpose| Prompt {
        key: key.to_owned(),
        purpose,
        thread: Some(root.clone()),
        ..prompt("go on")
    };
    ask(&mut scene, &here("a", Purpose::Tell)).unwrap();
    ask(&mut scene, &here("b", Purpose::Ask)).unwrap();
    scene.settle();
    let run = scene.running();
    assert_eq!(run.session.conversation.root, root);
    assert_eq!(run.submission.prompt, "go on");
    scene.answer();
    scene.settle();
    assert_eq!(scene.world.disk.threads.len(), 1);

    let elsewhere = Prompt {
        project: ProjectName::new("two"),
        ..here("c", Purpose::Ask)
    };
    let unknown = RootId::of_message(root.channel.clone(), MessageId::new("99"));
    let unknown = Prompt {
        key: "d".to_owned(),
        thread: Some(unknown),
        ..prompt("go on")
    };
    for wrong in [elsewhere, unknown] {
        let refused = ask(&mut scene, &wrong);
        assert_eq!(refused, Err(PromptRefusal::NoThread(wrong.project)));
    }
}

#[test]
fn keys_are_remembered_beside_each_other() {
    let mut scene = started(config(2), threaded());
    let with_key = |key: &str, text: &str| Prompt {
        key: key.to_owned(),
        ..prompt(text)
    };
    for key in ["a", "b", "c"] {
        ask(&mut scene, &with_key(key, "a task")).unwrap();
    }
    let taken = ask(&mut scene, &with_key("a", "another task"));
    assert_eq!(taken, Err(PromptRefusal::KeyTaken));
}

#[test]
fn what_was_left_out_may_be_said_again_and_nothing_else() {
    let mut scene = started(config(2), threaded());
    let told = |key: &str| Prompt {
        key: key.to_owned(),
        purpose: Purpose::Tell,
        ..prompt("news")
    };
    let first = ask(&mut scene, &told("a")).unwrap();
    let owed = |scene: &Scene| {
        let threads = scene.world.disk.threads.values();
        threads.map(|thread| thread.deliveries.len()).sum::<usize>()
    };
    let index =
        scene.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
    let Pending::Effect(Effect::Deliver(delivery)) = scene.world.pending.remove(index) else {
        unreachable!("it was looked for");
    };
    scene.event(
        "somebody removed it",
        Event::Delivered {
            root: delivery.root,
            delivery: first,
            result: Err(Undelivered::Removed),
        },
    );
    assert_eq!(owed(&scene), 0);
    assert_eq!(ask(&mut scene, &told("a")), Ok(first));
    assert_eq!(owed(&scene), 1, "it is said again");
    scene.settle();
    assert_eq!(ask(&mut scene, &told("a")), Ok(first));
    assert_eq!(owed(&scene), 0, "it is not said twice");
}

#[test]
fn a_text_too_long_for_a_post_needs_a_channel_that_takes_a_file() {
    let can = Capabilities {
        files: Some(FileLimits {
            size: 1 << 20,
            count: 0,
        }),
        ..threaded()
    };
    let mut scene = started(config(2), can);
    let refused = ask(&mut scene, &prompt(&"x".repeat(5_000)));
    assert!(matches!(refused, Err(PromptRefusal::TooLongForPost { .. })));
}

#[test]
fn the_beginning_of_a_long_text_has_so_many_characters_in_whatever_language() {
    let can = Capabilities {
        files: Some(FileLimits {
            size: 1 << 20,
            count: 1,
        }),
        ..threaded()
    };
    let mut scene = started(config(2), can);
    ask(&mut scene, &prompt(&"👍".repeat(5_000))).unwrap();
    let threads = scene.world.disk.threads.values();
    let owed: Vec<_> = threads.flat_map(|thread| &thread.deliveries).collect();
    assert_eq!(owed[0].text.chars().count(), 500);
}
