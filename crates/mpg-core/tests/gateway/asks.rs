//! What agents ask people, as transcripts.

use std::time::Duration;

use mpg_core::ask::{Given, Said};
use mpg_core::capability::Controls;
use mpg_core::event::{Effect, Event, RunEnd};
use mpg_core::id::{Place, RequestId};
use mpg_core::message::Inbound;
use mpg_core::post::Post;
use mpg_core::record::Record;
use mpg_core::request::{Answer, Request, Scope};

use crate::asking::{allowed, changed, permission, plan, questions, with_controls, working};
use crate::scene::{Scene, one};
use crate::world::{Pending, config, exited, human, thread};

#[test]
fn a_permission_is_asked_for_without_a_slot_and_goes_on_in_front() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.say(one(), 20, "another thread begins meanwhile");
    scene.say(one(), 30, "and this one waits");
    scene.settle();
    // The first turn takes 40 minutes, of which it waits for 25: none of them counts.
    scene.pass(25 * 60);
    assert_eq!(scene.world.gateway.turns_in_progress(), 1);
    scene.press(40, "bob", "Allow once");
    assert!(scene.told().is_empty(), "it has no slot yet");
    let second = scene.pending_position(
        |pending| matches!(pending, Pending::Run(run) if run.submission.prompt.starts_with("another")),
    );
    let step = scene.world.succeed(second);
    scene.note("the other one answers", &step);
    scene.settle();
    assert_eq!(scene.told(), allowed(Scope::Once));
    scene.pass(20 * 60);
    assert_eq!(scene.world.disk.threads.len(), 3);
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn nobody_answering_is_no_denial() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    assert_eq!(
        scene.world.gateway.next_deadline(),
        scene.world.now.checked_add(Duration::from_mins(30)).ok()
    );
    scene.pass(30 * 60);
    scene.settle();
    let told = scene.told();
    let [Answer::Deny { message }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(message.contains("not denied"), "{message}");
    let control = scene.button("Allow once");
    scene.press_id(50, "ann", thread("one", "10"), &control);
    scene.answer();
    scene.settle();
    scene.press_id(51, "ann", thread("one", "10"), &control);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn who_may_not_answer_is_told_so_alone() {
    let config = changed(|project| {
        project.access.approver_roles.insert("lead".to_owned());
        project.access.users.insert(human("ann").id);
    });
    let mut scene = working(config, Controls::Forms);
    scene.ask("r1", &permission("rm -rf target"));
    scene.press(50, "ann", "Allow once");
    scene.press(51, "mallory", "Deny");
    scene.write(52, "ann", "allow");
    assert!(scene.told().is_empty());
    let elsewhere = scene.button("Allow once");
    scene.press_id(
        53,
        "ann",
        Place::channel(crate::world::channel("two")),
        &elsewhere,
    );
    assert_eq!(scene.world.gateway.open_requests().len(), 1);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn the_first_answer_counts_and_the_others_hear_whose_it_was() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.submit(50, "bob", "Deny with a reason", "not on a Friday");
    scene.press(51, "ann", "Allow once");
    let told = scene.told();
    let [Answer::Deny { message }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(message, "bob denied this: not on a Friday");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_adopted_agent_asks_once_and_its_buttons_still_work() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let step = scene.world.crash_alone();
    scene.note("the gateway restarts", &step);
    let step = scene.world.find_agents();
    scene.note("its agent is there", &step);
    scene.ask("r1", &permission("git push"));
    assert_eq!(scene.requests_shown().len(), 1);
    assert_eq!(scene.world.gateway.turns_in_progress(), 0);
    scene.press(50, "ann", "Allow once");
    assert_eq!(scene.told(), allowed(Scope::Once));
    // The gateway dies before the agent hears of it.
    drop(scene.world.crash_alone());
    drop(scene.world.find_agents());
    scene.ask("r1", &permission("git push"));
    assert_eq!(scene.told(), allowed(Scope::Once), "it is told again");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_answer_that_finds_no_agent_is_used_when_its_turn_is_resumed() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let step = scene.world.crash();
    scene.note("the machine restarts", &step);
    let step = scene.world.find_agents();
    scene.note("no agent is there", &step);
    assert_eq!(
        scene.world.runs(),
        0,
        "nothing goes on before somebody answers"
    );
    scene.press(50, "ann", "Allow once");
    scene.end("it was cut off before", RunEnd::InterruptedBefore);
    scene.settle();
    scene.ask("r2", &permission("git push"));
    assert_eq!(scene.told(), allowed(Scope::Once));
    assert_eq!(scene.requests_shown().len(), 1, "nobody is asked twice");
    scene.ask("r3", &permission("git push"));
    assert_eq!(
        scene.requests_shown().len(),
        2,
        "another call is another one"
    );
    scene.press(51, "ann", "Deny");
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn an_agent_that_dies_while_it_asks_is_not_resumed_before_somebody_answers() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.end("the agent dies", exited());
    scene.settle();
    assert_eq!(scene.world.runs(), 0);
    assert_eq!(scene.world.gateway.turns_in_progress(), 0);
    scene.press(50, "ann", "Deny");
    assert_eq!(scene.world.runs(), 1);
    scene.ask("r2", &permission("git push"));
    let told = scene.told();
    assert!(matches!(told.as_slice(), [Answer::Deny { .. }]), "{told:?}");
    assert_eq!(scene.requests_shown().len(), 1);
}

#[test]
fn questions_come_in_order_and_a_plain_reply_is_an_answer() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &questions());
    scene.press(50, "ann", "SQLite");
    let earlier = scene.button("SQLite");
    scene.press_id(51, "bob", thread("one", "10"), &earlier);
    let step = scene.world.crash_alone();
    scene.note("the gateway restarts", &step);
    scene.write(52, "bob", "1, 3");
    drop(scene.world.find_agents());
    scene.ask("r1", &questions());
    let replies = vec![
        vec!["SQLite".to_owned()],
        vec!["unit".to_owned(), "docs".to_owned()],
    ];
    assert_eq!(scene.told(), vec![Answer::Replies(replies)]);
    scene.answer();
    scene.settle();
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_plan_is_approved_or_commented_on() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &plan());
    scene.write(50, "ann", "and what about the tests?");
    scene.ask("r2", &plan());
    scene.press(51, "ann", "Approve and accept edits");
    scene.ask("r3", &plan());
    scene.write(52, "ann", "approve");
    let told = scene.told();
    let [
        Answer::Deny { message },
        Answer::AcceptEdits,
        Answer::Allow(Scope::Once),
    ] = told.as_slice()
    else {
        panic!("{told:?}");
    };
    assert!(message.ends_with("and what about the tests?"), "{message}");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn where_there_are_no_controls_a_number_answers() {
    for (text, expected) in [
        ("1", Some(Said::Allow(Scope::Once))),
        ("2", Some(Said::Allow(Scope::Session))),
        ("always", Some(Said::Allow(Scope::Project))),
        ("4", Some(Said::Deny { reason: None })),
        (
            "5 not today",
            Some(Said::Deny {
                reason: Some("not today".to_owned()),
            }),
        ),
        ("do something else", None),
    ] {
        let mut scene = working(config(1), Controls::None);
        scene.ask("r1", &permission("git push"));
        scene.write(50, "ann", text);
        let running = &scene
            .world
            .disk
            .threads
            .values()
            .next()
            .unwrap()
            .conversations
            .get(None)
            .unwrap();
        let verdict = running.running.as_deref().unwrap().asks[0].verdict.clone();
        assert_eq!(verdict.and_then(|verdict| verdict.said), expected, "{text}");
        assert_eq!(
            running.queue.len(),
            usize::from(expected.is_none()),
            "{text}"
        );
    }
    let mut scene = working(config(1), Controls::None);
    scene.ask("r1", &permission("git push"));
    scene.write(50, "ann", "1");
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_was_written_before_people_were_asked_is_no_answer() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &questions());
    scene.say(thread("one", "10"), 11, "sent before it was shown");
    assert!(scene.told().is_empty());
    let queue = scene.world.disk.threads.values().next().unwrap();
    assert_eq!(queue.conversations.get(None).unwrap().queue.len(), 1);
}

#[test]
fn what_is_always_allowed_is_asked_once_and_can_be_taken_back() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    scene.press(50, "ann", "Always for this project");
    scene.ask("r2", &permission("git push"));
    assert_eq!(
        scene.told(),
        [allowed(Scope::Project), allowed(Scope::Session)].concat()
    );
    scene.answer();
    scene.settle();
    scene.say(one(), 20, "another thread");
    scene.settle();
    let rules = &scene.running().session.agent.allowed_tools;
    assert_eq!(rules, &["Bash(git push)"]);
    scene.answer();
    scene.settle();
    scene.write(51, "ann", "!rules");
    scene.write(52, "ann", "!rules remove 2");
    scene.write(53, "ann", "!rules remove 1");
    assert!(scene.world.disk.rules.is_empty());
    scene.write(54, "ann", "again");
    assert!(scene.running().session.agent.allowed_tools.is_empty());
    scene.ask("r3", &permission("git push"));
    assert_eq!(scene.requests_shown().len(), 2);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_a_session_allows_ends_with_it() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("make"));
    scene.press(50, "ann", "Allow for this session");
    scene.answer();
    scene.settle();
    drop(scene.world.crash());
    scene.write(51, "ann", "go on");
    assert_eq!(scene.running().session.agent.allowed_tools, ["Bash(make)"]);
    scene.write(52, "ann", "!restart");
    scene.settle();
    scene.write(53, "ann", "afresh");
    assert!(scene.running().session.agent.allowed_tools.is_empty());
}

#[test]
fn a_turn_that_is_stopped_asks_nobody_any_more() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let control = scene.button("Allow once");
    scene.write(50, "ann", "!stop");
    scene.press_id(51, "ann", thread("one", "10"), &control);
    assert!(scene.told().is_empty());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_request_that_is_withdrawn_is_closed_and_its_turn_has_a_slot_again() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let (conversation, run) = scene.run();
    let request = RequestId::new("r1");
    let event = Event::Withdrawn {
        conversation,
        run,
        request,
    };
    scene.event("the agent takes it back", event);
    scene.settle();
    assert_eq!(scene.world.gateway.turns_in_progress(), 1);
    assert!(scene.world.gateway.open_requests().is_empty());
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_waits_is_listed_and_an_operator_may_answer() {
    let mut scene = working(config(1), Controls::Forms);
    scene.write(50, "ann", "!requests");
    scene.ask("r1", &permission("git push"));
    scene.pass(120);
    scene.write(51, "ann", "!requests");
    let ask = scene.open();
    let given = Given::Written("allow".to_owned());
    let said = scene.world.gateway.reads_as(ask, &given).unwrap();
    let by = None;
    scene.event("an operator", Event::Answered { ask, said, by });
    scene.settle();
    assert_eq!(scene.told(), allowed(Scope::Once));
    insta::assert_snapshot!(scene.text);
}

#[test]
fn a_request_that_is_long_is_cut_and_says_so() {
    let mut scene = working(config(1), Controls::Forms);
    let lines = "one more line of it\n".repeat(4_000);
    scene.ask("r1", &permission(&lines));
    let posts = scene.world.shown.iter();
    let posts: Vec<&Post> = posts.filter(|post| post.replaces.is_none()).collect();
    assert!(posts.len() <= 10, "{}", posts.len());
    assert!(posts.iter().all(|post| post.text.chars().count() <= 2000));
    let last = &posts.last().unwrap();
    assert!(
        last.text.contains("more characters are not shown")
            || posts.iter().any(|post| post.text.contains("are not shown"))
    );
    scene.press(50, "ann", "Deny");
    let edited = scene.world.shown.last().unwrap();
    assert!(edited.controls.is_empty() && edited.text.contains("denied by `ann`"));
}

#[test]
fn agents_that_wait_are_not_more_than_may_be_ready() {
    let mut config = changed(|_| {});
    config.limits.max_concurrent_turns = 8;
    config.limits.max_warm_sessions = 2;
    let mut scene = Scene::of(config);
    scene.world.capabilities = with_controls(Controls::Forms);
    for number in 1..=4 {
        scene.say(one(), number * 10, "work");
        scene.settle();
    }
    for (number, (conversation, run)) in (0..).zip(scene.runs()) {
        let request = Request {
            id: RequestId::new(format!("r{number}")),
            about: permission("git push"),
        };
        drop(scene.world.handle(Event::Requested {
            conversation,
            run,
            request,
        }));
    }
    assert_eq!(scene.world.gateway.turns_that_ask(), 4);
    assert_eq!(scene.world.gateway.turns_in_progress(), 2);
}

#[test]
fn a_place_that_is_gone_takes_what_was_asked_with_it() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let control = scene.button("Allow once");
    scene.inbound(
        "the thread is deleted",
        Inbound::PlaceGone(thread("one", "10")),
    );
    scene.settle();
    assert!(scene.world.gateway.open_requests().is_empty());
    scene.press_id(50, "ann", thread("one", "10"), &control);
    assert!(scene.told().is_empty());
    let answered = |record: &Record| matches!(record, Record::RequestAnswered { .. });
    let press = scene.world.handle(Event::Tick);
    assert!(!press.records.iter().any(answered));
    assert!(
        !press
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Respond { .. }))
    );
}
