//! `!worktree`, `!diff`, `!merge` and `!discard`: what is done with the workspace of a thread.

use std::collections::BTreeSet;

use crate::config::WorktreePer;
use crate::gateway::Gateway;
use crate::gateway::jobs::{Ends, Hold, Purpose};
use crate::gateway::lane::Slot;
use crate::id::{AgentName, ConversationId, RootId};
use crate::job::{Work, WorkspaceRef};
use crate::message::Message;
use crate::port::WorkspaceRequest;
use crate::record::UnboundReason;
use crate::wording::work as wording;

/// A workspace that somebody means.
struct Meant {
    root: RootId,
    workspace: WorkspaceRef,
    /// The conversations that work in it.
    users: Vec<ConversationId>,
}

impl Gateway {
    pub(super) fn worktree(
        &mut self,
        agent: Option<&str>,
        message: &Message,
    ) -> Result<(), String> {
        let meant = self.meant(agent, message)?;
        let (work, hold) = (Work::Inspect(meant.workspace), (meant.root, Hold::Shared));
        self.begin_job(&message.reference(), work, Purpose::Report, Some(hold))
    }

    pub(super) fn diff(&mut self, agent: Option<&str>, message: &Message) -> Result<(), String> {
        let meant = self.meant(agent, message)?;
        let (work, hold) = (Work::Diff(meant.workspace), (meant.root, Hold::Shared));
        self.begin_job(&message.reference(), work, Purpose::Report, Some(hold))
    }

    pub(super) fn merge(&mut self, agent: Option<&str>, message: &Message) -> Result<(), String> {
        let meant = self.meant(agent, message)?;
        if meant.users.iter().any(|id| self.is_at_work(id)) {
            return Err(wording::turn_runs().to_owned());
        }
        let (work, hold) = (Work::Merge(meant.workspace), (meant.root, Hold::Alone));
        self.begin_job(&message.reference(), work, Purpose::Report, Some(hold))?;
        // They get back in line when it is done.
        for id in &meant.users {
            self.release_slot(id);
        }
        Ok(())
    }

    /// Asks whether a workspace is to go.
    pub(super) fn ask_to_discard(
        &mut self,
        agent: Option<&str>,
        message: &Message,
    ) -> Result<(), String> {
        let meant = self.meant(agent, message)?;
        let purpose = Purpose::AskToDiscard {
            by: message.author.id.clone(),
            agent: meant.workspace.request.agent.clone(),
            ends: self.ends(&meant.users),
        };
        let (work, hold) = (Work::Inspect(meant.workspace), (meant.root, Hold::Shared));
        self.begin_job(&message.reference(), work, purpose, Some(hold))
    }

    /// Ends what works in a workspace, then discards it.
    pub(super) fn discard(&mut self, agent: Option<&str>, message: &Message) -> Result<(), String> {
        let meant = self.meant(agent, message)?;
        let by = &message.author.id;
        let agent = meant.workspace.request.agent.as_ref();
        if !self.jobs.confirm(&meant.root, agent, by, self.now) {
            return Err(wording::nothing_to_confirm());
        }
        let work = Work::Discard(meant.workspace);
        let (root, users) = (meant.root, meant.users);
        self.begin_discard(&message.reference(), work, root.clone(), users.clone())?;
        self.end_chain(&root);
        for id in &users {
            self.drop_queue(id);
            self.cut(id, UnboundReason::Killed);
            self.release_slot(id);
        }
        Ok(())
    }

    fn ends(&self, users: &[ConversationId]) -> Ends {
        let conversations = users.iter().filter_map(|id| self.conversation(id));
        let mut ends = Ends::default();
        for conversation in conversations {
            ends.sessions += usize::from(conversation.session.is_some());
            ends.waiting += conversation.queue.len();
            ends.runs |= conversation.running.is_some();
        }
        ends
    }

    /// Whether a turn runs or is about to.
    fn is_at_work(&self, id: &ConversationId) -> bool {
        self.lanes
            .get(id)
            .is_some_and(|lane| lane.slot == Slot::Held)
    }

    /// The workspace that a command in this place is about, of this agent where each has its own.
    fn meant(&self, agent: Option<&str>, message: &Message) -> Result<Meant, String> {
        let place = &message.place;
        let project = self.project_of(&place.channel).cloned();
        let project = project.ok_or_else(|| wording::no_workspace().to_owned())?;
        let root = self.bound_root(place);
        let root = if place.thread.is_some() {
            root.ok_or_else(|| wording::no_workspace().to_owned())?
        } else {
            // A channel has one of its own only where it has no threads.
            let mut roots = self.roots_of(&place.channel);
            roots.retain(|root| !root.is_aside() && !self.conversations_of(root).is_empty());
            match roots.as_slice() {
                [] => return Err(wording::no_workspace().to_owned()),
                [only] => only.clone(),
                _ => return Err(wording::which_thread(roots.len())),
            }
        };
        let shared = match project.worktree_per {
            WorktreePer::Thread => true,
            WorktreePer::Agent => false,
        };
        let named = agent.map(|name| {
            let mut agents = project.agents.keys();
            let found = agents.find(|known| known.as_str().eq_ignore_ascii_case(name));
            found.cloned().ok_or_else(|| wording::no_such_agent(name))
        });
        let named = named.transpose()?;
        let all = self.conversations_of(&root);
        let agent: Option<AgentName> = if shared {
            None
        } else if let Some(named) = named {
            Some(named)
        } else {
            match all.as_slice() {
                [only] => only.agent.clone(),
                _ => return Err(wording::which_agent(all.iter().map(|id| id.agent.as_ref()))),
            }
        };
        let users: Vec<_> = all
            .into_iter()
            .filter(|id| shared || id.agent == agent)
            .collect();
        let sessions = users.iter().filter_map(|id| self.conversation(id));
        let directories: BTreeSet<&String> = sessions
            .filter_map(|conversation| conversation.session.as_ref())
            .map(|session| &session.directory)
            .collect();
        // Who began in the project's directory stays there, and has no part in the worktree.
        let own = directories
            .iter()
            .find(|directory| ***directory != project.directory);
        let directory = own
            .or(directories.first())
            .map(|directory| (*directory).clone());
        Ok(Meant {
            workspace: WorkspaceRef {
                request: WorkspaceRequest {
                    project: project.name.clone(),
                    directory: project.directory.clone(),
                    thread: root.clone(),
                    agent,
                },
                directory,
            },
            root,
            users,
        })
    }
}
