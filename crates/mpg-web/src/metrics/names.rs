//! The names of the configuration, which bound how many labels there are.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::config::RoutingTable;
use mpg_core::id::{AgentName, ChannelKey, ConversationId, ProjectName};

use super::label::Agent;

/// The names of the configuration.
#[derive(Debug)]
pub(super) struct Names {
    /// Which project a channel belongs to.
    channels: BTreeMap<ChannelKey, ProjectName>,
    /// The agents that each project has by name.
    agents: BTreeMap<ProjectName, BTreeSet<AgentName>>,
}

impl Names {
    pub(super) fn new(routing: &RoutingTable) -> Self {
        let channels = routing.channels();
        let channels = channels.map(|(channel, project)| (channel.clone(), project.clone()));
        let agents = routing.projects().map(|project| {
            (
                project.name.clone(),
                project.agents.keys().cloned().collect(),
            )
        });
        Self {
            channels: channels.collect(),
            agents: agents.collect(),
        }
    }

    /// The labels of a conversation; what is not configured any more is `other`.
    pub(super) fn agent(&self, conversation: &ConversationId) -> Agent {
        let project = self.channels.get(&conversation.root.channel);
        let agents = project.and_then(|project| self.agents.get(project));
        let agent = match &conversation.agent {
            None => "",
            Some(agent) if agents.is_some_and(|known| known.contains(agent)) => agent.as_str(),
            Some(_) => "other",
        };
        Agent::new(project.map_or("other", ProjectName::as_str), agent)
    }
}
