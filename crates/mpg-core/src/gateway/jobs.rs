//! Commands whose reply waits for something to be done, one at a time in a thread's workspace.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use jiff::Timestamp;

use super::{Gateway, after};
use crate::event::Effect;
use crate::id::{AgentName, ConversationId, MessageRef, RootId, UserId};
use crate::job::{Done, Job, JobId, Work};
use crate::wording::work as wording;

/// How many jobs there are at once.
const MOST: usize = 50;

/// How many questions whether a workspace is to be discarded are open at once.
const MOST_QUESTIONS: usize = 100;

/// How long such a question is open.
pub(crate) const CONFIRM_WITHIN: Duration = Duration::from_mins(1);

/// The jobs that are done just now, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    last: u64,
    open: BTreeMap<JobId, Pending>,
    /// The threads in whose workspaces something is done, and what.
    busy: BTreeMap<RootId, Hold>,
    /// The workspaces that are discarded when the agents in them are gone.
    waiting: Vec<(Vec<ConversationId>, Job)>,
    /// Who was asked lately whether a workspace is to be discarded.
    questions: BTreeMap<(RootId, Option<AgentName>), Question>,
}

/// A job that is done just now.
#[derive(Debug)]
struct Pending {
    cause: MessageRef,
    purpose: Purpose,
    root: Option<RootId>,
}

/// What is said in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What was found or done.
    Report,
    /// What was found, and whether that is to go.
    AskToDiscard {
        by: UserId,
        agent: Option<AgentName>,
        ends: Ends,
    },
    /// What the turns were.
    History,
    /// What the turns cost, and where they were.
    Cost(String),
    /// How sessions are gone on with, each with a word about its conversation.
    Resume(Vec<String>),
}

/// What is ended with a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) sessions: usize,
    pub(crate) waiting: usize,
    pub(crate) runs: bool,
}

/// What a job means to the turns of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// They go on.
    Shared,
    /// Those that have not begun wait for its end.
    Alone,
}

#[derive(Debug)]
struct Question {
    by: UserId,
    until: Timestamp,
}

impl Jobs {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether no turn may begin in a thread just now.
    pub(super) fn hold(&self, root: &RootId) -> bool {
        self.busy.get(root) == Some(&Hold::Alone)
    }

    fn ask(&mut self, root: RootId, agent: Option<AgentName>, by: UserId, now: Timestamp) {
        self.questions.retain(|_, question| question.until > now);
        if self.questions.len() < MOST_QUESTIONS {
            let until = after(now, CONFIRM_WITHIN);
            self.questions.insert((root, agent), Question { by, until });
        }
    }

    /// Whether this person was asked lately; a question is answered once.
    pub(super) fn confirm(
        &mut self,
        root: &RootId,
        agent: Option<&AgentName>,
        by: &UserId,
        now: Timestamp,
    ) -> bool {
        let key = (root.clone(), agent.cloned());
        let is_asked = |question: &Question| question.by == *by && question.until > now;
        if !self.questions.get(&key).is_some_and(is_asked) {
            return false;
        }
        self.questions.remove(&key);
        true
    }
}

impl Gateway {
    /// Has something done for a command; the reply follows its end. Says why it is not done, if so.
    pub(super) fn begin_job(
        &mut self,
        cause: &MessageRef,
        work: Work,
        purpose: Purpose,
        workspace: Option<(RootId, Hold)>,
    ) -> Result<(), String> {
        let job = self.open_job(cause, work, purpose, workspace)?;
        self.effect(Effect::Job(Box::new(job)));
        Ok(())
    }

    /// Discards a workspace once the agents of these conversations are gone.
    pub(super) fn begin_discard(
        &mut self,
        cause: &MessageRef,
        work: Work,
        root: RootId,
        users: Vec<ConversationId>,
    ) -> Result<(), String> {
        let hold = Some((root, Hold::Alone));
        let job = self.open_job(cause, work, Purpose::Report, hold)?;
        self.jobs.waiting.push((users, job));
        Ok(())
    }

    fn open_job(
        &mut self,
        cause: &MessageRef,
        work: Work,
        purpose: Purpose,
        workspace: Option<(RootId, Hold)>,
    ) -> Result<Job, String> {
        if self.draining {
            return Err(wording::ending().to_owned());
        }
        if self.jobs.open.len() >= MOST {
            return Err(wording::too_much_at_once().to_owned());
        }
        if let Some((root, _)) = &workspace
            && self.jobs.busy.contains_key(root)
        {
            return Err(wording::busy().to_owned());
        }
        let root = workspace.as_ref().map(|(root, _)| root.clone());
        self.jobs.busy.extend(workspace);
        self.jobs.last += 1;
        let id = JobId(self.jobs.last);
        let pending = Pending {
            cause: cause.clone(),
            purpose,
            root,
        };
        self.jobs.open.insert(id, pending);
        Ok(Job { id, work })
    }

    /// Begins to discard what no agent works in any more.
    pub(super) fn discard_what_is_left(&mut self) {
        if self.jobs.waiting.is_empty() {
            return;
        }
        for (users, job) in mem::take(&mut self.jobs.waiting) {
            let used = |id| {
                self.lanes
                    .get(id)
                    .is_some_and(|lane| lane.session().is_some())
            };
            if users.iter().any(used) {
                self.jobs.waiting.push((users, job));
            } else {
                self.effect(Effect::Job(Box::new(job)));
            }
        }
    }

    pub(super) fn job_done(&mut self, id: JobId, result: Result<Done, String>) {
        let Some(pending) = self.jobs.open.remove(&id) else {
            return;
        };
        if let Some(root) = &pending.root {
            self.jobs.busy.remove(root);
        }
        let text = match result {
            Err(message) => message,
            Ok(done) => self.job_reply(&pending, &done),
        };
        self.reply_to(&pending.cause, &text);
        for id in pending
            .root
            .map_or(Vec::new(), |root| self.conversations_of(&root))
        {
            self.want_slot(&id);
        }
    }

    fn job_reply(&mut self, pending: &Pending, done: &Done) -> String {
        match (done, &pending.purpose) {
            (Done::Inspected(state), Purpose::AskToDiscard { by, agent, ends }) => {
                if !state.nested.is_empty() {
                    return wording::nested(&state.nested);
                }
                if let Some(root) = &pending.root {
                    let (root, agent, by) = (root.clone(), agent.clone(), by.clone());
                    self.jobs.ask(root, agent, by, self.now);
                }
                wording::asks_to_discard(state, agent.as_ref(), *ends)
            }
            (Done::Inspected(state), _) => wording::state(state),
            (Done::Compared(diff), _) => wording::diff(diff),
            (Done::Merged(merged), _) => wording::merged(merged),
            (Done::Discarded(discarded), _) => wording::discarded(discarded),
            (Done::Turns(turns), Purpose::Cost(place)) => wording::cost(turns, place),
            (Done::Turns(turns), _) => wording::history(turns, self.now, |user| self.name_of(user)),
            (Done::Resume(lines), Purpose::Resume(sessions)) => wording::resume(lines, sessions),
            (Done::Resume(lines), _) => wording::resume(lines, &[]),
        }
    }

    /// All conversations of a thread.
    pub(super) fn conversations_of(&self, root: &RootId) -> Vec<ConversationId> {
        let thread = self.thread(root);
        let agents = thread.map(|thread| thread.conversations.agents());
        let agents = agents.into_iter().flatten();
        let of = |agent: &Option<AgentName>| ConversationId {
            root: root.clone(),
            agent: agent.clone(),
        };
        agents.map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, ChannelKey, MessageId, PlatformId};

    fn root(number: usize) -> RootId {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        RootId::of_message(channel, MessageId::new(number.to_string()))
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_question_is_answered_once_in_time_by_whom_it_was_asked() {
        let (ann, bob) = (UserId::new("ann"), UserId::new("bob"));
        let within = i64::try_from(CONFIRM_WITHIN.as_secs()).unwrap();
        let mut jobs = Jobs::default();
        jobs.ask(root(1), None, ann.clone(), second(0));
        assert!(!jobs.confirm(&root(1), None, &bob, second(1)));
        assert!(!jobs.confirm(&root(2), None, &ann, second(1)));
        assert!(!jobs.confirm(&root(1), None, &ann, second(within)));
        assert!(jobs.confirm(&root(1), None, &ann, second(within - 1)));
        assert!(!jobs.confirm(&root(1), None, &ann, second(within - 1)));
    }

    #[test]
    fn so_many_questions_are_open_and_no_more() {
        let ann = UserId::new("ann");
        let within = i64::try_from(CONFIRM_WITHIN.as_secs()).unwrap();
        let mut jobs = Jobs::default();
        for number in 0..=MOST_QUESTIONS {
            jobs.ask(root(number), None, ann.clone(), second(0));
        }
        assert_eq!(jobs.questions.len(), MOST_QUESTIONS);
        jobs.ask(root(MOST_QUESTIONS), None, ann.clone(), second(within - 1));
        assert_eq!(jobs.questions.len(), MOST_QUESTIONS);
        jobs.ask(root(MOST_QUESTIONS), None, ann, second(within));
        assert_eq!(jobs.questions.len(), 1, "the others are over");
    }
}
