//! What people ask the gateway itself for.

mod aside;
mod asks;
mod choices;
mod fork;
mod lifting;
mod order;
mod past;
mod session;
mod verbosity;
mod waiting;
mod workspace;

pub(super) use self::lifting::without_limits;
pub use self::order::Order;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::Gateway;
use super::lane::Phase;
use crate::access::{meant, reaches};
use crate::agent::{SessionCommand, Usage};
use crate::command::{Command, CommandSpec, Scope, suggest};
use crate::id::{ChannelKey, ConversationId, MessageRef, RootId, TurnId};
use crate::message::Message;
use crate::post::Status;
use crate::record::{Record, TurnOutcome, UnboundReason};
use crate::snapshot::DeadLetter;
use crate::wording;

/// How many conversations one list shows.
const LONGEST_LIST: usize = 30;

impl Gateway {
    pub(super) fn command(&mut self, command: &Command, message: &Message) {
        let text = match command {
            Command::Worktree(agent) => later(self.worktree(agent.as_deref(), message)),
            Command::Diff(agent) => later(self.diff(agent.as_deref(), message)),
            Command::Merge(agent) => later(self.merge(agent.as_deref(), message)),
            Command::Discard { confirmed, agent } => {
                let agent = agent.as_deref();
                later(if *confirmed {
                    self.discard(agent, message)
                } else {
                    self.ask_to_discard(agent, message)
                })
            }
            Command::History(number) => later(self.history(*number, message)),
            Command::Cost(scope) => later(self.cost(scope, message)),
            Command::ResumeInfo(scope) => match self.in_scope(scope, message) {
                Ok(ids) => later(self.resume_info(&ids, scope, message)),
                Err(refusal) => refusal,
            },
            Command::Release(scope) => match self.in_scope(scope, message) {
                Ok(ids) => later(self.release(&ids, scope, message)),
                Err(refusal) => refusal,
            },
            Command::Queue(what) => match self.in_scope(&Scope::Here, message) {
                Ok(ids) => self.queue(*what, &ids, message),
                Err(refusal) => refusal,
            },
            Command::Help(None) => wording::help(),
            Command::Help(Some(name)) => help_on(name),
            Command::Misused(spec) => wording::misused(spec),
            Command::Unknown { word, suggestion } => {
                wording::unknown_command(word, suggestion.as_deref())
            }
            Command::Sessions => self.list(message),
            Command::Session(scope) => match self.in_scope(scope, message) {
                Ok(ids) => self.describe(&ids, scope, message),
                Err(refusal) => refusal,
            },
            Command::Kill(scope) => match self.in_scope(scope, message) {
                Ok(ids) => self.kill(&ids, scope),
                Err(refusal) => refusal,
            },
            Command::Resume(scope) => match self.in_scope(scope, message) {
                Ok(ids) => self.resume(&ids, scope),
                Err(refusal) => refusal,
            },
            Command::Agents => self.agents_of(&message.place.channel),
            Command::Stop(scope) => match self.in_scope(scope, message) {
                Ok(ids) => self.stop_turns(&ids, scope),
                Err(refusal) => refusal,
            },
            Command::Budget { lift: false } => self.budgets_of(&message.place.channel),
            Command::Budget { lift: true } => self.lift_budget(&message.place.channel),
            Command::Model(model) => self.choose_model(model.as_deref(), message),
            Command::Mode(mode) => self.choose_mode(mode.as_deref(), message),
            Command::Effort(effort) => self.choose_effort(effort.as_deref(), message),
            Command::Compact(what) => {
                self.ask_sessions(&SessionCommand::Compact(what.clone()), message)
            }
            Command::Context => self.ask_sessions(&SessionCommand::Context, message),
            Command::Usage => self.ask_sessions(&SessionCommand::Usage, message),
            Command::Aside(question) => later(self.ask_aside(question, message)),
            Command::Fork(prompt) => self.fork(prompt.as_deref(), message),
            Command::Requests => self.list_requests(message),
            Command::Rules(None) => self.list_rules(message),
            Command::Rules(Some(number)) => self.remove_rule(*number, message),
            Command::Unsafe { confirmed } => self.lift(*confirmed, message),
            Command::Safe => self.put_back(message),
            Command::Verbosity(wanted) => self.set_verbosity(*wanted, message),
            Command::Restart(scope) => match self.in_scope(scope, message) {
                Ok(ids) => self.restart(&ids, scope),
                Err(refusal) => refusal,
            },
        };
        if !text.is_empty() {
            self.reply(message, &text);
        }
    }

    fn agents_of(&self, channel: &ChannelKey) -> String {
        let project = self.project_of(channel);
        project.map_or_else(String::new, |project| wording::agents(project))
    }

    fn kill(&mut self, ids: &[ConversationId], scope: &Scope) -> String {
        if ids.is_empty() {
            return wording::no_session(&where_to(scope));
        }
        let mut dropped = 0;
        for id in ids {
            self.end_chain(&id.root);
            dropped += self.drop_queue(id);
            self.cut(id, UnboundReason::Killed);
        }
        wording::killed(ids.len(), dropped)
    }

    fn restart(&mut self, ids: &[ConversationId], scope: &Scope) -> String {
        // A side question is about the context that it has.
        let ids: Vec<&ConversationId> = ids.iter().filter(|id| !id.root.is_aside()).collect();
        if ids.is_empty() {
            return wording::no_session(&where_to(scope));
        }
        let mut kept = 0;
        for id in &ids {
            self.cut(id, UnboundReason::Restarted);
            kept += self.conversation(id).map_or(0, |c| c.queue.len());
            self.want_slot(id);
        }
        wording::restarted(ids.len(), kept)
    }

    /// Ends the running turn and the session of a conversation.
    fn cut(&mut self, id: &ConversationId, reason: UnboundReason) {
        self.cut_running(id, TurnOutcome::Stopped, Usage::default());
        let bound = self.conversation(id).is_some_and(|c| c.session.is_some());
        if bound {
            self.record(Record::SessionUnbound {
                conversation: id.clone(),
                reason,
            });
        }
        self.close(id);
    }

    /// Ends the running turn for good at once; its agent is closed apart from that.
    pub(super) fn cut_running(&mut self, id: &ConversationId, outcome: TurnOutcome, usage: Usage) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some(running) = running else {
            return;
        };
        let queued = running.turn.clone();
        let began = running.started_at;
        let ended = outcome.clone();
        let open = self.open_asks(id);
        self.record(Record::TurnEnded {
            conversation: id.clone(),
            turn: queued.id,
            outcome,
            usage,
            at: self.now,
        });
        self.takes_over_no_more(id);
        // Of a thread that is gone nothing is left to be seen.
        if ended != TurnOutcome::Abandoned {
            self.end_live(id, queued.id, began, &ended, &usage);
            self.end_asks(id, &open);
        }
        self.join(
            &id.root,
            &queued,
            &wording::no_answer(wording::stopped_turn()),
        );
        if ended == TurnOutcome::Stopped {
            self.set_status(&id.root, &queued.cause, Status::Stopped);
            self.settle_absorbed(id, Status::Stopped);
        }
    }

    /// Drops what waits in a conversation, and says how much that was.
    pub(super) fn drop_queue(&mut self, id: &ConversationId) -> usize {
        let waiting: Vec<(TurnId, MessageRef)> = self.conversation(id).map_or(Vec::new(), |c| {
            let queue = c.queue.iter();
            queue.map(|turn| (turn.id, turn.cause.clone())).collect()
        });
        let dropped = waiting.len();
        for (turn, message) in waiting {
            self.drop_queued(id, turn);
            self.set_status(&id.root, &message, Status::Stopped);
        }
        dropped
    }

    fn list(&self, message: &Message) -> String {
        let mut lines = Vec::new();
        let mut left_out = 0;
        for project in self.config.routing.projects() {
            if !reaches(project, message) {
                continue;
            }
            for id in self.active(project.channels.iter()) {
                if lines.len() < LONGEST_LIST {
                    lines.push(format!("- **{}** {}", project.name, self.line(&id)));
                } else {
                    left_out += 1;
                }
            }
        }
        if lines.is_empty() {
            lines.push(wording::no_session("yet; write a message to start one"));
        }
        if left_out > 0 {
            lines.push(format!("- and {left_out} more"));
        }
        lines.extend(self.undelivered(|dead| {
            let project = self.project_of(&dead.root.channel);
            project.is_some_and(|project| reaches(project, message))
        }));
        lines.join("\n")
    }

    /// How many of the dead letters that `counts` could not be delivered, if there are any.
    fn undelivered(&self, counts: impl Fn(&DeadLetter) -> bool) -> Option<String> {
        let count = self
            .dead_letters()
            .iter()
            .filter(|dead| counts(dead))
            .count();
        (count > 0).then(|| wording::undelivered(count))
    }

    fn describe(&self, ids: &[ConversationId], scope: &Scope, message: &Message) -> String {
        let mut text = String::new();
        if ids.is_empty() {
            text.push_str(&wording::no_session(&where_to(scope)));
        }
        for id in ids.iter().take(LONGEST_LIST) {
            let Some(conversation) = self.conversation(id) else {
                continue;
            };
            let project = self.project_of(&id.root.channel);
            let name = project.map_or("?", |project| project.name.as_str());
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let _ = write!(text, "**{name}** {}", self.line(id));
            if let Some(session) = &conversation.session {
                let _ = write!(
                    text,
                    "\nsession: `{}`\ndirectory: `{}`",
                    session.id,
                    session.directory.replace('`', "'")
                );
            }
        }
        let here = self.bound_root(&message.place);
        let undelivered = self.undelivered(|dead| match scope {
            Scope::Here if message.place.thread.is_some() => Some(&dead.root) == here.as_ref(),
            Scope::Here => dead.root.channel == message.place.channel,
            Scope::Project(name) => self
                .project_of(&dead.root.channel)
                .is_some_and(|project| project.name.as_str().to_lowercase() == name.to_lowercase()),
        });
        if let Some(undelivered) = undelivered {
            let _ = write!(text, "\n\n{undelivered}");
        }
        text
    }

    /// One conversation in one line.
    fn line(&self, id: &ConversationId) -> String {
        let Some(thread) = self.thread(&id.root) else {
            return String::new();
        };
        let Some(conversation) = thread.conversations.get(id.agent.as_ref()) else {
            return String::new();
        };
        let phase = self.lanes.get(id).map(|lane| &lane.phase);
        let starting = matches!(phase, Some(Phase::Preparing { .. }));
        let state = match (&conversation.running, conversation.queue.len()) {
            (Some(running), _) => match running.parked {
                Some(parked) => wording::parked(parked, self.now),
                None => format!("working for {}", self.since(running.started_at)),
            },
            (None, 0) => {
                let ready = matches!(phase, Some(Phase::Warm { .. }));
                let state = if ready { "ready" } else { "idle" };
                format!("{state}, last active {} ago", self.since(thread.active_at))
            }
            (None, _) if starting => "starting".to_owned(),
            (None, _) => "waiting for a free slot".to_owned(),
        };
        let mut line = match &id.agent {
            Some(agent) => format!("`@{agent}` {state}"),
            None => state,
        };
        if id.root.is_aside() {
            line = format!("aside: {line}");
        }
        // The first one is what is being started.
        match conversation.queue.len() - usize::from(starting && !conversation.queue.is_empty()) {
            0 => {}
            queued => {
                let _ = write!(line, ", {} waiting", wording::plural(queued, "message"));
            }
        }
        if thread.turns_since_human > 1 {
            let turns = thread.turns_since_human as usize;
            let _ = write!(
                line,
                ", {} since a person spoke",
                wording::plural(turns, "turn")
            );
        }
        if let Some(session) = &conversation.session {
            let id = session.id.to_string();
            let _ = write!(line, " · `{}`", id.get(..8).unwrap_or(&id));
        }
        line
    }

    fn since(&self, at: Timestamp) -> String {
        let passed = Duration::try_from(self.now.duration_since(at)).unwrap_or_default();
        wording::duration(Duration::from_secs(passed.as_secs().max(1)))
    }

    fn in_scope(&self, scope: &Scope, message: &Message) -> Result<Vec<ConversationId>, String> {
        match scope {
            Scope::Project(name) => {
                let project = meant(&self.config.routing, message, name)
                    .ok_or_else(|| wording::unknown_project(name))?;
                Ok(self.active(&project.channels))
            }
            Scope::Here if message.place.thread.is_some() => {
                let roots = self.roots_at(&message.place).into_iter();
                Ok(roots.flat_map(|root| self.active_in(&root)).collect())
            }
            Scope::Here => Ok(self.active([&message.place.channel])),
        }
    }

    fn active<'a>(
        &self,
        channels: impl IntoIterator<Item = &'a ChannelKey>,
    ) -> Vec<ConversationId> {
        let channels: BTreeSet<&ChannelKey> = channels.into_iter().collect();
        channels
            .into_iter()
            .flat_map(|channel| self.roots_of(channel))
            .flat_map(|root| self.active_in(&root))
            .collect()
    }

    /// The conversations of a thread that have a session, a turn or a queue.
    fn active_in(&self, root: &RootId) -> Vec<ConversationId> {
        let Some(thread) = self.thread(root) else {
            return Vec::new();
        };
        thread
            .conversations
            .iter()
            .filter(|(_, c)| c.session.is_some() || c.running.is_some() || !c.queue.is_empty())
            .map(|(agent, _)| ConversationId {
                root: root.clone(),
                agent: agent.clone(),
            })
            .collect()
    }
}

/// Nothing yet, where the reply follows; else why there is nothing to follow.
fn later(begun: Result<(), String>) -> String {
    begun.err().unwrap_or_default()
}

fn help_on(name: &str) -> String {
    if let Some(spec) = CommandSpec::named(name) {
        return wording::help_on(spec);
    }
    let word: String = name.chars().take(40).collect();
    wording::unknown_command(&word, suggest(name, []).as_deref())
}

pub(super) fn where_to(scope: &Scope) -> String {
    match scope {
        Scope::Here => "here".to_owned(),
        Scope::Project(name) => format!("in {name}"),
    }
}
