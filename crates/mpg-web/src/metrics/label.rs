//! By what is counted.

use mpg_core::id::{ChannelKey, PlatformId};
use mpg_core::record::{Disposition, TurnOutcome};
use prometheus_client::encoding::EncodeLabelSet;

/// A project and one of its agents; the default one is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Agent {
    project: String,
    agent: String,
}

impl Agent {
    pub(super) fn new(project: &str, agent: &str) -> Self {
        Self {
            project: project.to_owned(),
            agent: agent.to_owned(),
        }
    }
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TurnEnd {
    project: String,
    agent: String,
    outcome: &'static str,
    /// What sort of failure it was, if it was one.
    reason: &'static str,
}

impl TurnEnd {
    pub(super) fn new(agent: Agent, outcome: &TurnOutcome) -> Self {
        Self {
            project: agent.project,
            agent: agent.agent,
            outcome: outcome.name(),
            reason: outcome.failure().map_or("", |failure| failure.kind.name()),
        }
    }
}

/// Which way tokens went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TokenFlow {
    project: String,
    agent: String,
    direction: &'static str,
}

impl TokenFlow {
    pub(super) fn new(agent: &Agent, direction: &'static str) -> Self {
        Self {
            project: agent.project.clone(),
            agent: agent.agent.clone(),
            direction,
        }
    }
}

/// A platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Platform {
    platform: String,
}

impl Platform {
    pub(super) fn new(platform: &PlatformId) -> Self {
        Self {
            platform: platform.to_string(),
        }
    }

    pub(super) fn of(channel: &ChannelKey) -> Self {
        Self::new(&channel.platform)
    }
}

/// What was decided about a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct PlatformDisposition {
    platform: String,
    disposition: &'static str,
}

impl PlatformDisposition {
    pub(super) fn new(channel: &ChannelKey, disposition: Disposition) -> Self {
        Self {
            platform: channel.platform.to_string(),
            disposition: disposition.name(),
        }
    }
}

/// How a post came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DeliveryEnd {
    platform: String,
    kind: &'static str,
    end: &'static str,
}

impl DeliveryEnd {
    pub(super) fn new(channel: &ChannelKey, kind: &'static str, end: &'static str) -> Self {
        Self {
            platform: channel.platform.to_string(),
            kind,
            end,
        }
    }
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfReason {
    reason: &'static str,
}

impl OfReason {
    pub(super) fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

/// Which program this is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Version {
    version: &'static str,
}

impl Version {
    pub(super) fn new(version: &'static str) -> Self {
        Self { version }
    }
}
