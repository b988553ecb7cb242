//! The chat in the browser under the suite that every adapter passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

use std::sync::{Arc, OnceLock};

use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::control::Control;
use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, ProjectName, UserId};
use mpg_core::message::{Author, AuthorKind};
use mpg_core::port::Connection;
use mpg_core::post::Post;
use mpg_testkit::conformance::adapter::{self, Act, AdapterHarness, Shown};
use mpg_web::Configured;
use mpg_web::chat::{Chat, PLATFORM, Said, Used, connect};

const FIRST_MESSAGE: u64 = 1_700_000_000_000;

/// Pages, once something serves them.
#[derive(Default)]
struct Pages(OnceLock<Chat>);

impl Pages {
    fn chat(&self) -> &Chat {
        self.0.get().expect("it is connected")
    }

    fn post(&self, place: &Place, message: &MessageId) -> Post {
        let entries = self.chat().entries(place).into_iter();
        let mut posts = entries.filter_map(|entry| match entry.said {
            Said::Posted(post) if entry.id == *message => Some(*post),
            Said::Posted(_) | Said::ByPerson { .. } => None,
        });
        posts.next().expect("it is posted")
    }
}

fn channel(name: &str) -> ChannelKey {
    ChannelKey::new(PlatformId::new(PLATFORM), ChannelId::new(name))
}

fn ann() -> Author {
    Author {
        id: UserId::new("ann"),
        name: "ann".to_owned(),
        kind: AuthorKind::Human,
        roles: Vec::new(),
    }
}

fn says(control: &Control) -> &str {
    match control {
        Control::Button(button) => &button.label,
        Control::Choice(choice) => &choice.prompt,
    }
}

struct Harness;

impl AdapterHarness for Harness {
    type Platform = Pages;

    async fn platform(&self) -> Pages {
        Pages::default()
    }

    async fn connect(&self, pages: &Pages) -> Connection {
        let mut project = Project::new(ProjectName::new("demo"), "/srv/demo");
        project.channels.insert(channel("desk"));
        let config = Config {
            routing: RoutingTable::new([project]).unwrap(),
            limits: Limits::default(),
        };
        let configured = Configured::new(Arc::new(config), Vec::new());
        let (chat, connection) = connect(configured, FIRST_MESSAGE);
        pages.0.set(chat).unwrap();
        connection
    }

    fn channel(&self, _pages: &Pages) -> Place {
        Place::channel(channel("desk"))
    }

    fn missing(&self, _pages: &Pages) -> Place {
        Place::channel(channel("other"))
    }

    fn mention(&self, _pages: &Pages) -> String {
        "@ann".to_owned()
    }

    async fn person_says(&self, pages: &Pages, place: &Place, text: &str) -> MessageId {
        let key = pages.chat().entries(place).len().to_string();
        pages.chat().say(place, ann(), text, &key).unwrap()
    }

    async fn bot_says(&self, _pages: &Pages, _place: &Place, _text: &str) -> bool {
        false
    }

    async fn person_acts(&self, pages: &Pages, place: &Place, message: &MessageId, act: Act<'_>) {
        let post = pages.post(place, message);
        let labelled = |label: &str| {
            let mut controls = post.controls.iter();
            let found = controls.find(|control| says(control) == label);
            found.expect("a control that says so").id().clone()
        };
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let used = match act {
            Act::Press(label) => Used {
                control: labelled(label),
                values: Vec::new(),
                fields: Vec::new(),
            },
            Act::Choose(values) => {
                let mut controls = post.controls.iter();
                let list = controls.find(|control| matches!(control, Control::Choice(_)));
                Used {
                    control: list.expect("a list").id().clone(),
                    values: values.iter().map(|&value| value.to_owned()).collect(),
                    fields: Vec::new(),
                }
            }
            Act::Fill(label, fields) => Used {
                control: labelled(label),
                values: Vec::new(),
                fields: fields.iter().map(owned).collect(),
            },
        };
        pages.chat().act(place, ann(), message, used).unwrap();
    }

    async fn shown(&self, pages: &Pages, place: &Place) -> Vec<Shown> {
        let entries = pages.chat().entries(place).into_iter();
        let posts = entries.filter_map(|entry| match entry.said {
            Said::Posted(post) => Some((entry.id, post)),
            Said::ByPerson { .. } => None,
        });
        posts
            .map(|(id, post)| {
                let name = post.persona.as_ref().map(mpg_core::persona::Persona::name);
                let beside: Vec<&str> = name.into_iter().chain(post.footer.as_deref()).collect();
                Shown {
                    id,
                    beside: beside.join("\n"),
                    // A page has no means to.
                    notified: false,
                    controls: post
                        .controls
                        .iter()
                        .map(|one| says(one).to_owned())
                        .collect(),
                    text: post.text,
                }
            })
            .collect()
    }
}

#[tokio::test]
async fn people_at_browsers() {
    adapter::clauses(&Harness).await;
}
