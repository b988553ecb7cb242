//! `!model`, `!mode`, `!effort`, and what agents are asked about their sessions.

use mpg_core::agent::{Effort, PermissionMode};
use mpg_core::id::{MessageId, Place};
use mpg_core::message::{Inbound, Message, Role};

use crate::lifting::guarded;
use crate::scene::{Scene, one};
use crate::world::{config, human, team, thread};

impl Scene {
    /// What the oldest turn that runs was started with.
    fn works_with(&self) -> (Option<String>, PermissionMode, Option<Effort>) {
        let agent = &self.running().session.agent;
        (agent.model.clone(), agent.permission_mode, agent.effort)
    }

    fn turned(&mut self, place: Place, id: u32, text: &str) {
        self.say(place, id, text);
        self.settle();
    }

    fn answered(&mut self) {
        self.answer();
        self.settle();
    }
}

const CONFIGURED: (Option<String>, PermissionMode, Option<Effort>) =
    (None, PermissionMode::Default, None);

#[test]
fn what_is_chosen_holds_from_the_next_turn_on_and_after_a_start() {
    let mut scene = Scene::of(config(1));
    let here = || thread("one", "10");
    scene.turned(one(), 10, "begin");
    scene.turned(here(), 11, "!model opus");
    scene.turned(here(), 12, "!effort high");
    assert_eq!(scene.works_with(), CONFIGURED, "the running turn goes on");
    scene.answered();
    scene.turned(here(), 13, "go on");
    let chosen = (
        Some("opus".to_owned()),
        PermissionMode::Default,
        Some(Effort::High),
    );
    assert_eq!(scene.works_with(), chosen);
    scene.restart_with(config(1));
    scene.settle();
    assert_eq!(scene.works_with(), chosen);
    // What was cut off, and what it then goes on with.
    scene.answered();
    scene.answered();
    scene.turned(here(), 14, "!mode plan");
    scene.turned(here(), 15, "!model default");
    scene.turned(here(), 16, "what would you do?");
    let planning = (None, PermissionMode::Plan, Some(Effort::High));
    assert_eq!(scene.works_with(), planning);
    scene.answered();
    scene.turned(one(), 20, "another thread");
    assert_eq!(scene.works_with(), CONFIGURED);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn what_cannot_be_chosen_is_refused_with_what_can() {
    let mut scene = Scene::of(guarded(config(1)));
    let here = || thread("one", "10");
    scene.turned(one(), 10, "begin");
    scene.answered();
    for (id, text) in [
        "!model",
        "!model --dangerously",
        "!mode",
        "!mode acceptEdits",
        "!mode bypassPermissions",
        "!mode configured",
        "!effort none",
        "!effort",
    ]
    .into_iter()
    .enumerate()
    {
        scene.turned(here(), 11 + u32::try_from(id).unwrap(), text);
    }
    scene.turned(one(), 30, "!model opus");
    scene.turned(thread("one", "31"), 32, "!model opus");
    scene.turned(here(), 33, "as before");
    assert_eq!(scene.works_with(), CONFIGURED);
    insta::assert_snapshot!(scene.text);
}

#[test]
fn who_may_lift_limits_may_choose_a_freer_mode() {
    let mut scene = Scene::of(guarded(config(1)));
    let here = || thread("one", "10");
    scene.turned(one(), 10, "begin");
    scene.answered();
    let mut author = human("ann");
    author.roles.push(Role {
        id: "3".to_owned(),
        name: Some("root".to_owned()),
    });
    let message = Message {
        place: here(),
        id: MessageId::new("11"),
        author,
        text: "!mode acceptEdits".to_owned(),
        attachments: Vec::new(),
    };
    scene.inbound("ann, root: !mode acceptEdits", Inbound::Message(message));
    scene.settle();
    scene.turned(here(), 12, "edit");
    assert_eq!(scene.works_with().1, PermissionMode::AcceptEdits);
}

#[test]
fn sessions_are_asked_about_themselves_in_their_turn() {
    let mut scene = Scene::of(team(4));
    let here = || thread("one", "10");
    scene.turned(one(), 10, "!compact");
    scene.turned(one(), 11, "@pm plan");
    let here_now = || thread("one", "11");
    scene.turned(here_now(), 12, "!context");
    scene.answered();
    scene.answered();
    scene.turned(here_now(), 13, "@engineer build");
    scene.answered();
    scene.turned(here_now(), 14, "!compact keep the names of files");
    scene.answered();
    scene.answered();
    scene.turned(here_now(), 15, "!usage");
    scene.answered();
    scene.answered();
    scene.turned(here(), 16, "!usage");
    insta::assert_snapshot!(scene.text);
}
