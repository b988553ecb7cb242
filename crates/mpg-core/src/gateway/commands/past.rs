//! `!history`, `!cost`, `!resume-info` and `!release`: what was done, what it took, and how a session
//! is gone on with elsewhere.

use std::collections::BTreeSet;

use super::where_to;
use crate::command::Scope;
use crate::gateway::Gateway;
use crate::gateway::jobs::Purpose;
use crate::gateway::lane::Phase;
use crate::id::{ConversationId, RootId};
use crate::job::Work;
use crate::message::Message;
use crate::wording::{self, work};

/// How many turns are told one by one where nobody says how many.
const SHOWN: usize = 10;

/// How many turns are told one by one at most.
const MOST_SHOWN: usize = 50;

/// How many sessions one reply tells of.
const MOST_SESSIONS: usize = 10;

impl Gateway {
    pub(super) fn history(
        &mut self,
        number: Option<usize>,
        message: &Message,
    ) -> Result<(), String> {
        let work = Work::Turns {
            threads: self.roots_in(&Scope::Here, message)?,
            last: number.unwrap_or(SHOWN).min(MOST_SHOWN),
        };
        self.begin_job(&message.reference(), work, Purpose::History, None)
    }

    pub(super) fn cost(&mut self, scope: &Scope, message: &Message) -> Result<(), String> {
        let work = Work::Turns {
            threads: self.roots_in(scope, message)?,
            last: 0,
        };
        let place = where_to(scope);
        self.begin_job(&message.reference(), work, Purpose::Cost(place), None)
    }

    pub(super) fn resume_info(
        &mut self,
        ids: &[ConversationId],
        scope: &Scope,
        message: &Message,
    ) -> Result<(), String> {
        let mut sessions = Vec::new();
        let mut said = Vec::new();
        for id in ids.iter().take(MOST_SESSIONS) {
            let conversation = self.conversation(id);
            let Some(session) = conversation.and_then(|c| c.session.as_ref()) else {
                continue;
            };
            let phase = self.lanes.get(id).map(|lane| &lane.phase);
            let agent = match phase {
                Some(Phase::Running(_) | Phase::Stopping(..) | Phase::Preparing { .. }) => {
                    work::session_runs()
                }
                Some(Phase::Warm { .. }) => work::session_is_ready(),
                Some(Phase::Closing { .. } | Phase::Cold) | None => "",
            };
            sessions.push((session.id, session.directory.clone()));
            said.push(work::session(id, &session.directory, agent));
        }
        if sessions.is_empty() {
            return Err(wording::no_session(&where_to(scope)));
        }
        let work = Work::Resume(sessions);
        self.begin_job(&message.reference(), work, Purpose::Resume(said), None)
    }

    /// Lets go of the agents that wait for work, and says how to go on with their sessions.
    pub(super) fn release(
        &mut self,
        ids: &[ConversationId],
        scope: &Scope,
        message: &Message,
    ) -> Result<(), String> {
        for id in ids.iter().take(MOST_SESSIONS) {
            let lane = self.lanes.get(id);
            if lane.is_some_and(|lane| matches!(lane.phase, Phase::Warm { .. })) {
                self.close(id);
            }
        }
        self.resume_info(ids, scope, message)
    }

    /// The threads that a command is about, idle ones too.
    fn roots_in(&self, scope: &Scope, message: &Message) -> Result<Vec<RootId>, String> {
        let roots: BTreeSet<RootId> = match scope {
            Scope::Here if message.place.thread.is_some() => {
                self.roots_at(&message.place).into_iter().collect()
            }
            Scope::Here => self.roots_of(&message.place.channel).into_iter().collect(),
            Scope::Project(name) => {
                let project = crate::access::meant(&self.config.routing, message, name);
                let project = project.ok_or_else(|| wording::unknown_project(name))?;
                let channels = project.channels.iter();
                channels
                    .flat_map(|channel| self.roots_of(channel))
                    .collect()
            }
        };
        Ok(roots.into_iter().collect())
    }
}
