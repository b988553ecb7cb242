//! The projects, people and files that scenarios are about.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::AgentSpec;
use mpg_core::capability::{Capabilities, TextLimit, TextUnit, Threads};
use mpg_core::config::{Config, Limits, NamedAgent, Project, RoutingTable};
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, MessageId, Place, PlatformId, ProjectName, ThreadId, UserId,
};
use mpg_core::message::{Attachment, Author, AuthorKind, Message};

pub(crate) fn channel(name: &str) -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new(name))
}

pub(crate) fn thread(channel_name: &str, thread: &str) -> Place {
    Place::thread(channel(channel_name), ThreadId::new(thread))
}

pub(crate) fn human(name: &str) -> Author {
    Author {
        id: UserId::new(name),
        name: name.to_owned(),
        kind: AuthorKind::Human,
        roles: Vec::new(),
    }
}

pub(crate) fn message(place: Place, id: u32, author: &str, text: &str) -> Message {
    Message {
        place,
        id: MessageId::new(id.to_string()),
        author: human(author),
        text: text.to_owned(),
        attachments: Vec::new(),
    }
}

pub(crate) fn file(name: &str, size: u64) -> Attachment {
    Attachment {
        name: name.to_owned(),
        size,
        media_type: Some("image/png".to_owned()),
        url: format!("https://files.example/{name}"),
    }
}

pub(crate) fn threaded() -> Capabilities {
    Capabilities {
        threads: Threads::FromMessage,
        post_limit: TextLimit {
            max: 2000,
            unit: TextUnit::CodePoints,
        },
        typing: true,
        status: true,
        ..Capabilities::default()
    }
}

pub(crate) fn config(slots: u32) -> Config {
    let project = |name: &str, cap| {
        let mut project = Project::new(ProjectName::new(name), format!("/srv/{name}"));
        project.channels.insert(channel(name));
        project.max_concurrent_turns = cap;
        project
    };
    Config {
        routing: RoutingTable::new([project("one", None), project("two", Some(1))]).unwrap(),
        limits: Limits {
            max_concurrent_turns: slots,
            max_warm_sessions: 2,
            max_sessions: 6,
            ..Limits::default()
        },
    }
}

/// The same, with three agents in the first project.
pub(crate) fn team(slots: u32) -> Config {
    let mut config = config(slots);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        if project.name == ProjectName::new("one") {
            let agents = [("pm", "product"), ("engineer", "builds"), ("qa", "tests")];
            project.agents = agents.map(|(name, role)| named(name, role)).into();
            project.max_handoffs = 3;
        }
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    config
}

fn named(name: &str, role: &str) -> (AgentName, Arc<NamedAgent>) {
    let agent = NamedAgent {
        role: role.to_owned(),
        color: None,
        agent: Arc::new(AgentSpec {
            system_prompt: Some(format!("you are {name}")),
            ..AgentSpec::default()
        }),
        timeout: Duration::from_mins(3),
        budget: None,
    };
    (AgentName::new(name), Arc::new(agent))
}
