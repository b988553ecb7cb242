//! What agents can ask, and what people can do about it.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::time::Duration;

use mpg_core::capability::{Capabilities, Controls, EditPace};
use mpg_core::config::{Config, Project, RoutingTable};
use mpg_core::control::Control;
use mpg_core::event::Event;
use mpg_core::id::{AskId, MessageId, Place, RequestId};
use mpg_core::interaction::{Action, ActionId, Interaction};
use mpg_core::message::Inbound;
use mpg_core::post::{Post, PostKind};
use mpg_core::request::{
    About, Answer, Detail, Permission, Question, QuestionOption, Request, Scope,
};

use crate::scene::{Scene, one};
use crate::world::{config, human, message, thread, threaded};

pub(crate) fn permission(command: &str) -> About {
    About::Permission(Permission {
        tool: "Bash".to_owned(),
        summary: command.to_owned(),
        detail: Detail::Command(command.to_owned()),
        rule: format!("Bash({command})"),
    })
}

pub(crate) fn questions() -> About {
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        description: format!("about {label}"),
    };
    About::Questions(vec![
        Question {
            header: "Store".to_owned(),
            text: "Which database?".to_owned(),
            options: vec![option("SQLite"), option("Postgres")],
            multiple: false,
        },
        Question {
            header: String::new(),
            text: "Which checks?".to_owned(),
            options: vec![option("unit"), option("lint"), option("docs")],
            multiple: true,
        },
    ])
}

pub(crate) fn plan() -> About {
    About::Plan {
        text: "1. read\n2. write".to_owned(),
    }
}

pub(crate) fn with_controls(controls: Controls) -> Capabilities {
    Capabilities {
        controls,
        edits: (controls != Controls::None).then_some(EditPace {
            edits: 5,
            per: Duration::from_secs(5),
            passing: 20,
        }),
        ..threaded()
    }
}

pub(crate) fn changed(change: impl Fn(&mut Project)) -> Config {
    let mut config = config(1);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        change(&mut project);
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    config
}

/// A thread in which a turn runs, where only one may at a time.
pub(crate) fn working(config: Config, controls: Controls) -> Scene {
    let mut scene = Scene::of(config);
    scene.world.capabilities = with_controls(controls);
    scene.say(one(), 10, "work");
    scene.settle();
    scene
}

impl Scene {
    /// The agent of the turn that runs asks something.
    pub(crate) fn ask(&mut self, name: &str, about: &About) {
        let (conversation, run) = self.run();
        let request = Request {
            id: RequestId::new(name),
            about: about.clone(),
        };
        let event = Event::Requested {
            conversation,
            run,
            request,
        };
        self.event("the agent asks", event);
        self.settle();
    }

    pub(crate) fn open(&self) -> AskId {
        let open = self.world.gateway.open_requests();
        open.first().expect("something is open").ask.id
    }

    /// Somebody presses the button with this label on the newest request.
    pub(crate) fn press(&mut self, id: u32, who: &str, label: &str) {
        let control = self.button(label);
        self.press_id(id, who, thread("one", "10"), &control);
    }

    pub(crate) fn press_id(&mut self, id: u32, who: &str, place: Place, control: &ActionId) {
        let action = Action::Press {
            id: control.clone(),
            values: Vec::new(),
        };
        self.act(id, who, place, action);
    }

    pub(crate) fn act(&mut self, id: u32, who: &str, place: Place, action: Action) {
        let interaction = Interaction {
            place,
            id: MessageId::new((2_000_000 + id).to_string()),
            author: human(who),
            action,
        };
        self.inbound(who, Inbound::Interaction(interaction));
        self.settle();
    }

    pub(crate) fn submit(&mut self, id: u32, who: &str, label: &str, text: &str) {
        let action = Action::Submit {
            id: self.button(label),
            fields: vec![("text".to_owned(), text.to_owned())],
        };
        self.act(id, who, thread("one", "10"), action);
    }

    /// What somebody writes in the thread, behind everything that was posted.
    pub(crate) fn write(&mut self, id: u32, who: &str, text: &str) {
        let message = message(thread("one", "10"), 2_000_000 + id, who, text);
        self.inbound(&format!("{who}: {text}"), Inbound::Message(message));
        self.settle();
    }

    pub(crate) fn button(&self, label: &str) -> ActionId {
        let posts = self.world.shown.iter().rev();
        let mut controls = posts.flat_map(|post| &post.controls);
        let found = controls.find(|control| match control {
            Control::Button(button) => button.label == label,
            Control::Choice(choice) => choice.prompt == label,
        });
        found.expect("a button with this label").id().clone()
    }

    pub(crate) fn told(&mut self) -> Vec<Answer> {
        let told = std::mem::take(&mut self.world.told);
        told.into_iter().map(|(_, answer)| answer).collect()
    }

    pub(crate) fn requests_shown(&self) -> Vec<&Post> {
        let shown = self.world.shown.iter();
        shown
            .filter(|post| matches!(post.kind, PostKind::Request { .. }))
            .collect()
    }
}

pub(crate) fn allowed(scope: Scope) -> Vec<Answer> {
    vec![Answer::Allow(scope)]
}
