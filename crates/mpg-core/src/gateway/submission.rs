//! The turn that a session's agent gets, with all that goes with it.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::commands::without_limits;
use super::lane::{Lane, Phase, Run, Started};
use super::steering::is_command;
use super::{Gateway, after};
use crate::agent::{AgentSpec, Choices, PermissionMode, Permissions};
use crate::attachment::{Admission, admit};
use crate::config::{Patience, Project};
use crate::event::{Effect, RunId, RunTurn, TurnFiles};
use crate::history::HistoryRequest;
use crate::id::{ConversationId, RootId, SubmitId};
use crate::persona::Persona;
use crate::port::{SessionSpec, SessionStart, Submission};
use crate::snapshot::{QueuedTurn, RunningTurn, Session};
use crate::wording;

/// How a session gets the running turn of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submit {
    /// As the first one that the session ever gets.
    First(Past),
    /// After others.
    Next,
    /// As one that it may have got before.
    Again,
    /// As one that was handed to the turn before it, and that it may have begun by itself.
    Handed,
}

/// What is behind a session that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// No other session.
    Nothing,
    /// One that is lost.
    Lost,
    /// One that somebody ended.
    Ended,
}

impl Gateway {
    /// Hands the running turn of a conversation to its session's agent.
    pub(super) fn submit(&mut self, id: &ConversationId, submission: Submit) {
        let place = self.expected_place(&id.root);
        let hands_files = self.capabilities(&id.root.channel).files.is_some();
        let starts_with = self.starts_with(&id.root);
        let (verbosity, now) = (self.verbosity(id), self.now);
        let room = self.own_voice(&id.root).room;
        let project = self.lanes.get(id).map(|lane| Arc::clone(&lane.project));
        let allowed = project.map_or_else(BTreeSet::new, |project| self.allowed(id, &project));
        let Some(conversation) = self.state.conversation(id) else {
            return;
        };
        let (Some(running), Some(session)) = (&conversation.running, &conversation.session) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        lane.adopted = false;
        // An agent that runs keeps what it was started with.
        if !matches!(lane.phase, Phase::Warm { .. }) {
            lane.started = starts_with;
            lane.chosen.clone_from(&conversation.choices);
            lane.granted.clone_from(&allowed);
            lane.asked.clear();
        }
        let again = match submission {
            Submit::First(_) | Submit::Next => false,
            Submit::Again | Submit::Handed => true,
        };
        let makes_up = mem::take(&mut lane.makes_up) && again;
        self.runs += 1;
        let run = RunId(self.runs);
        let (turn, attempt) = (running.turn.id, running.attempt);
        // One that goes on has them already.
        let files = if running.continues {
            TurnFiles::default()
        } else {
            files_of(&lane.project, &running.turn)
        };
        let submit = SubmitId::of_attempt(turn, attempt);
        let (agent, patience) = setup(&lane.project, id);
        let agent = as_asked(agent, lane, allowed, &id.root);
        let persona = id.agent.as_ref();
        let persona = persona.map(|agent| Persona::of(Some(&lane.project), agent));
        let mut effect = RunTurn {
            run,
            turn,
            session: SessionSpec {
                session: session.id,
                start: start_of(submission, session),
                directory: session.directory.clone(),
                files: None,
                hands_files: hands_files && !id.root.is_aside(),
                agent,
                conversation: id.clone(),
                project: lane.project.name.clone(),
                turn_limit: lane.project.turn_timeout,
                owed: again.then_some(submit),
            },
            submission: Submission {
                id: submit,
                prompt: prompt_of(&id.root, running, session),
                images: Vec::new(),
                repeat: again,
            },
            history: history(&lane.project, id, running, submission),
            files,
            place,
            persona,
            patience,
            steered: submission == Submit::Handed,
            verbosity,
            room,
            live: None,
            ran: Duration::try_from(now.duration_since(running.started_at)).unwrap_or_default(),
        };
        let phase = Phase::Running(Run {
            id: run,
            turn,
            attempt,
            session: session.id,
            author: running.turn.author.clone(),
            deadline: after(self.now, lane.project.turn_timeout),
            held: None,
            makes_up,
        });
        self.set_phase(id, phase);
        effect.room = self.voice(id).room;
        effect.live = self.live_message(id, turn);
        self.effect(Effect::RunTurn(Box::new(effect)));
        self.steer_again(id);
    }
}

/// How its session is opened for a turn; whether it answered before shows whether it can be resumed.
fn start_of(submission: Submit, session: &Session) -> SessionStart {
    match (submission, session.forked_from) {
        (_, Some(from)) if !session.answered => return SessionStart::Fork(from),
        (_, Some(_) | None) => {}
    }
    match submission {
        Submit::First(_) => SessionStart::New,
        Submit::Next | Submit::Again | Submit::Handed if session.answered => SessionStart::Resume,
        Submit::Next | Submit::Again | Submit::Handed => SessionStart::Begun,
    }
}

/// What a turn asks now. One that goes on is told what people said meanwhile, and one that begins
/// with another conversation's history is told what is different.
fn prompt_of(root: &RootId, running: &RunningTurn, session: &Session) -> String {
    let prompt = &running.turn.prompt;
    if running.continues {
        let answers = wording::asks::answers_so_far(&running.asks);
        format!("{}{answers}", wording::continuation())
    } else if root.is_aside() {
        wording::forks::asked_aside(prompt)
    } else if session.forked_from.is_some() && !session.answered && !is_command(prompt) {
        wording::forks::asked_first(&session.directory, prompt)
    } else {
        prompt.clone()
    }
}

/// The agent with what was chosen, lifted and allowed for its conversation.
fn as_asked(
    mut agent: Arc<AgentSpec>,
    lane: &Lane,
    allowed: BTreeSet<String>,
    root: &RootId,
) -> Arc<AgentSpec> {
    if lane.chosen != Choices::default() {
        agent = Arc::new(lane.chosen.apply(&agent));
    }
    if lane.started == Started::Unlimited {
        agent = Arc::new(without_limits(&agent));
    }
    if !allowed.is_empty() {
        agent = Arc::new(with_allowed(&agent, allowed));
    }
    if root.is_aside() {
        agent = Arc::new(without_tools(&agent));
    }
    agent
}

/// The agent that answers aside: it reads and changes nothing, so that it disturbs nobody, and asks
/// nobody.
fn without_tools(agent: &AgentSpec) -> AgentSpec {
    AgentSpec {
        args: Vec::new(),
        permission_mode: PermissionMode::Default,
        permissions: Permissions::Deny,
        allowed_tools: Vec::new(),
        ..agent.clone()
    }
}

/// The same agent with rules that people added.
fn with_allowed(agent: &AgentSpec, rules: BTreeSet<String>) -> AgentSpec {
    let mut agent = agent.clone();
    agent.allowed_tools.extend(rules);
    agent
}

/// The files of a turn's message that are taken.
pub(super) fn files_of(project: &Project, turn: &QueuedTurn) -> TurnFiles {
    let limits = &project.attachments;
    let Admission { taken, left_out } = admit(limits, &turn.attachments);
    TurnFiles {
        wanted: taken,
        limit: limits.size,
        left_out,
    }
}

/// How the agent of a conversation is set up, and how long it may show no sign of life.
fn setup(project: &Project, id: &ConversationId) -> (Arc<AgentSpec>, Patience) {
    let named = id
        .agent
        .as_ref()
        .and_then(|agent| project.agents.get(agent));
    let Some(named) = named else {
        return (Arc::clone(&project.agent), project.patience);
    };
    let patience = Patience {
        notice: project.patience.notice.min(named.timeout / 2),
        limit: named.timeout,
    };
    (Arc::clone(&named.agent), patience)
}

/// What the agent of a conversation has to be told before it is asked, if there can be something.
fn history(
    project: &Project,
    id: &ConversationId,
    running: &RunningTurn,
    submission: Submit,
) -> Option<HistoryRequest> {
    let (whole, lost) = match submission {
        Submit::First(Past::Ended) => return None,
        Submit::First(past) => (true, past == Past::Lost),
        Submit::Next | Submit::Again | Submit::Handed => (false, false),
    };
    let limit = project.history_limit as usize;
    let others = !project.agents.is_empty();
    // Behind anything else, a command of the agent's own would be a text.
    let listens = !running.continues && !is_command(&running.turn.prompt);
    (limit > 0 && listens && (others || lost)).then(|| HistoryRequest {
        root: id.root.clone(),
        agent: id.agent.clone(),
        limit,
        whole,
        cause: running.turn.cause.message.clone(),
        origin: running.turn.origin.clone(),
    })
}

#[cfg(test)]
mod tests;
