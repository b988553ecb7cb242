//! What agents ask, looked at and answered from outside of every platform.

use mpg_core::ask::Given;
use mpg_core::capability::Controls;
use mpg_core::control::Control;
use mpg_core::event::Event;
use mpg_core::gateway::{AnswerRefusal, AnyRequest, OpenRequest, RequestEnd};
use mpg_core::id::{AskId, UserId};
use mpg_core::interaction::ActionId;
use mpg_core::request::{Answer, Scope};
use mpg_core::snapshot::Answerer;

use crate::asking::{permission, questions, working};
use crate::scene::Scene;
use crate::world::config;

fn bob() -> Answerer {
    Answerer::new(UserId::new("token:1"), "bob\n ")
}

impl Scene {
    fn answer_from_outside(&mut self, id: AskId, given: &Given) -> Result<(), AnswerRefusal> {
        let said = self.world.gateway.reads_as(id, given)?;
        let by = Some(bob());
        self.event("bob answers", Event::Answered { ask: id, said, by });
        self.settle();
        Ok(())
    }

    /// The control of the open request with this label.
    fn offered(&self, label: &str) -> ActionId {
        let open = self.world.gateway.open_requests();
        let mut controls = open.iter().flat_map(OpenRequest::controls);
        let found = controls.find(|control| match control {
            Control::Button(button) => button.label == label,
            Control::Choice(choice) => choice.prompt == label,
        });
        found.expect("a control with this label").id().clone()
    }
}

fn used(control: ActionId, values: &[&str], fields: &[(&str, &str)]) -> Given {
    Given::Used {
        control,
        values: values.iter().map(|&value| value.to_owned()).collect(),
        fields: fields
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned()))
            .collect(),
    }
}

#[test]
fn the_first_answer_from_outside_counts_and_says_whose_it_was() {
    // Where a channel has no controls, those who look from outside have them all the same.
    let mut scene = working(config(1), Controls::None);
    scene.ask("r1", &permission("git push"));
    assert_eq!(scene.world.gateway.open_request_count(), 1);
    let id = scene.open();
    let AnyRequest::Open(open) = scene.world.gateway.request(id).unwrap() else {
        panic!("it is open");
    };
    assert!(open.text().contains("git push"), "{}", open.text());
    let how = open.how(scene.world.now);
    assert!(how.contains("`1` allow once"), "{how}");

    let deny = used(
        scene.offered("Deny with a reason"),
        &[],
        &[("text", "not on a Friday")],
    );
    let unknown = scene
        .offered("Deny with a reason")
        .as_str()
        .replace(":5", ":9");
    let unknown = used(ActionId::parse(&unknown).unwrap(), &[], &[]);
    for nonsense in [Given::Written("perhaps".to_owned()), unknown] {
        let refused = scene.world.gateway.reads_as(id, &nonsense);
        assert_eq!(refused, Err(AnswerRefusal::NoAnswer), "{nonsense:?}");
    }
    assert_eq!(scene.answer_from_outside(id, &deny), Ok(()));
    let told = scene.told();
    let [Answer::Deny { message }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(message, "bob denied this: not on a Friday");

    let allow = Given::Written("allow".to_owned());
    let late = scene.answer_from_outside(id, &allow).unwrap_err();
    assert_eq!(late.to_string(), "bob answered this already");
    let Some(AnyRequest::Past(past)) = scene.world.gateway.request(id) else {
        panic!("it is over");
    };
    let RequestEnd::Answered { by, outcome } = past.end else {
        panic!("{past:?}");
    };
    assert_eq!(by, Some(bob()));
    assert_eq!(outcome, "denied by `bob`: not on a Friday");
    // A restart knows it as long as the turn runs.
    scene.restart_with(config(1));
    let later = scene.world.gateway.reads_as(id, &allow);
    assert!(
        matches!(later, Err(AnswerRefusal::Answered { .. })),
        "{later:?}"
    );
    let stranger = AskId::from_uuid(uuid::Uuid::nil());
    let refused = scene.world.gateway.reads_as(stranger, &allow);
    assert_eq!(refused, Err(AnswerRefusal::NotKnown));
}

#[test]
fn questions_are_answered_one_after_the_other_from_outside() {
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &questions());
    let id = scene.open();
    let first = used(scene.offered("SQLite"), &[], &[]);
    let other = used(scene.offered("Other…"), &[], &[]);
    let incomplete = scene.answer_from_outside(id, &other);
    assert_eq!(incomplete, Err(AnswerRefusal::NoAnswer));
    scene.answer_from_outside(id, &first).unwrap();
    let earlier = scene.answer_from_outside(id, &first);
    assert_eq!(earlier, Err(AnswerRefusal::Earlier));
    let several = scene.offered("choose what fits");
    let nothing = used(several.clone(), &[], &[]);
    let incomplete = scene.answer_from_outside(id, &nothing);
    assert_eq!(incomplete, Err(AnswerRefusal::Incomplete));
    let chosen = used(several, &["0", "2"], &[]);
    scene.answer_from_outside(id, &chosen).unwrap();
    let replies = [vec!["SQLite"], vec!["unit", "docs"]];
    let replies = replies.map(|reply| reply.into_iter().map(str::to_owned).collect());
    assert_eq!(scene.told(), [Answer::Replies(replies.into())]);
}

#[test]
fn what_nobody_waits_for_any_more_is_told_as_that() {
    let allow = Given::Written("allow".to_owned());
    let mut scene = working(config(1), Controls::Forms);
    scene.ask("r1", &permission("git push"));
    let expired = scene.open();
    scene.pass(30 * 60);
    scene.settle();
    let refused = scene.answer_from_outside(expired, &allow);
    assert_eq!(refused, Err(AnswerRefusal::Expired));
    scene.told();

    scene.ask("r2", &permission("git pull"));
    let over = scene.open();
    scene.answer();
    scene.settle();
    let refused = scene.answer_from_outside(over, &allow);
    assert_eq!(refused, Err(AnswerRefusal::Over));

    // Only so many are remembered.
    for number in 0..300 {
        scene.say(crate::scene::one(), 1_000 + number, "again");
        scene.settle();
        scene.ask("r3", &permission("ls"));
        let id = scene.open();
        scene.answer_from_outside(id, &allow).unwrap();
        assert_eq!(scene.told(), [Answer::Allow(Scope::Once)]);
        scene.answer();
        scene.settle();
    }
    assert_eq!(scene.world.gateway.request(over), None);
    assert_eq!(
        scene.world.gateway.reads_as(over, &allow),
        Err(AnswerRefusal::NotKnown)
    );
}
