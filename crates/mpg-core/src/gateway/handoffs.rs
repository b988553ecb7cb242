//! What agents hand over to one another, and how far that goes.

use std::sync::Arc;
use std::time::Duration;

use super::Gateway;
use crate::config::{HandoffBudget, Project};
use crate::handoff::{HandoffMode, handoffs};
use crate::id::{AgentName, ConversationId, RootId, TurnId};
use crate::likeness::Likeness;
use crate::record::Record;
use crate::route::MAX_QUEUED;
use crate::snapshot::{Branch, FanOut, Origin, QueuedTurn, Spent};
use crate::wording::{self, Unmade};

/// How many bytes of a reply the agent gets that takes over.
const LONGEST_REPLY: usize = 64 * 1024;

/// What stands behind a text that was cut.
const CUT: &str = "\n\n(cut)";

impl Gateway {
    /// Starts the agents that a turn's answer hands over to, and tells who does not get it and why.
    pub(super) fn hand_over(&mut self, id: &ConversationId, turn: &QueuedTurn, answer: &str) {
        // What is said aside goes no further.
        if id.root.is_aside() || self.join(&id.root, turn, answer) {
            return;
        }
        let Some(project) = self.project_of(&id.root.channel).cloned() else {
            return;
        };
        let agents = project.agents.keys();
        let mut found = handoffs(answer, None, agents, project.handoff);
        let own = id.agent.as_ref();
        let (itself, others): (Vec<_>, Vec<_>) =
            found.targets.into_iter().partition(|t| Some(t) == own);
        self.unmade(id, turn, &itself, &Unmade::Itself);
        found.targets = others;
        found.named.retain(|named| Some(named) != own);
        if found.targets.is_empty() {
            if project.handoff == HandoffMode::Mention && !found.named.is_empty() {
                self.offer(id, turn.id, &project, &found.named);
            }
            return;
        }
        let prompt = wording::handed_over(own, &beginning(answer, LONGEST_REPLY));
        let targets = self.admitted(id, turn, &project, found.targets, &prompt);
        self.take_over(id, turn, &project, &targets, &prompt);
    }

    /// Whether others go on with what a turn says: those that it hands over to, or the agent that
    /// waits for it.
    pub(super) fn hands_on(&self, id: &ConversationId, turn: &QueuedTurn, answer: &str) -> bool {
        if let Origin::Handoff { parent, .. } = &turn.origin
            && self.fan_out(&id.root, *parent).is_some()
        {
            return true;
        }
        let Some(project) = self.project_of(&id.root.channel) else {
            return false;
        };
        let found = handoffs(answer, None, project.agents.keys(), project.handoff);
        let mut targets = found.targets.iter();
        targets.any(|target| Some(target) != id.agent.as_ref())
    }

    /// The targets that may take over; the thread is told about the others.
    fn admitted(
        &mut self,
        id: &ConversationId,
        turn: &QueuedTurn,
        project: &Project,
        targets: Vec<AgentName>,
        prompt: &str,
    ) -> Vec<AgentName> {
        let chain = self
            .thread(&id.root)
            .and_then(|thread| thread.chain.as_deref());
        let spent = chain.map_or(Spent::default(), |chain| chain.spent);
        if let Some(exceeded) = exceeded(&project.handoff_budget, spent) {
            self.unmade(id, turn, &targets, &exceeded);
            return Vec::new();
        }
        let made = chain.map_or(0, |chain| chain.handoffs.len());
        let likeness = Likeness::of(prompt);
        let repeats = |target: &AgentName| {
            let last = chain.and_then(|chain| chain.last(id.agent.as_ref(), target));
            last.is_some_and(|last| last.likeness.is_near(&likeness))
        };
        let full = |target: &AgentName| {
            let conversation = self.conversation(&ConversationId {
                root: id.root.clone(),
                agent: Some(target.clone()),
            });
            conversation.is_some_and(|c| c.queue.len() >= MAX_QUEUED)
        };
        let (repeated, targets): (Vec<_>, Vec<_>) = targets.into_iter().partition(repeats);
        let (busy, mut targets): (Vec<_>, Vec<_>) = targets.into_iter().partition(full);
        let room = (project.max_handoffs as usize).saturating_sub(made);
        let beyond = targets.split_off(room.min(targets.len()));
        self.unmade(id, turn, &repeated, &Unmade::Repeated);
        self.unmade(id, turn, &busy, &Unmade::Full);
        self.unmade(id, turn, &beyond, &Unmade::Limit(project.max_handoffs));
        targets
    }

    /// Tells a thread about handoffs that are not made.
    fn unmade(
        &mut self,
        id: &ConversationId,
        turn: &QueuedTurn,
        targets: &[AgentName],
        why: &Unmade,
    ) {
        if let Some(first) = targets.first() {
            let topic = format!("unmade {} {first}", turn.id);
            let text = wording::not_handed_over(id.agent.as_ref(), targets, why);
            self.notify(&id.root, &topic, &text);
        }
    }

    fn take_over(
        &mut self,
        id: &ConversationId,
        turn: &QueuedTurn,
        project: &Arc<Project>,
        targets: &[AgentName],
        prompt: &str,
    ) {
        if targets.is_empty() {
            return;
        }
        if targets.len() > 1 {
            let branches = targets.iter().map(|target| Branch {
                turn: TurnId::of_handoff(turn.id, target),
                agent: target.clone(),
                answer: None,
            });
            self.record(Record::FanOutOpened {
                root: id.root.clone(),
                parent: turn.id,
                fan_out: FanOut {
                    by: id.agent.clone(),
                    cause: turn.cause.clone(),
                    author: turn.author.clone(),
                    branches: branches.collect(),
                },
            });
        }
        for target in targets {
            let origin = Origin::Handoff {
                from: id.agent.clone(),
                parent: turn.id,
            };
            let taken = QueuedTurn {
                id: TurnId::of_handoff(turn.id, target),
                prompt: prompt.to_owned(),
                at: self.now,
                origin,
                ..turn.clone()
            };
            self.enqueue(&id.root, Some(target.clone()), taken);
        }
        let chain = self
            .thread(&id.root)
            .and_then(|thread| thread.chain.as_deref());
        let made = chain.map_or(0, |chain| chain.handoffs.len());
        let text = wording::hands_over(id.agent.as_ref(), targets, made, project.max_handoffs);
        self.notify(&id.root, &format!("handoff {}", turn.id), &text);
    }

    /// Keeps what a turn came to, if an agent waits for it that handed over to several; that agent
    /// goes on once it has everything.
    pub(super) fn join(&mut self, root: &RootId, turn: &QueuedTurn, answer: &str) -> bool {
        let Origin::Handoff { parent, .. } = &turn.origin else {
            return false;
        };
        let parent = *parent;
        if self.fan_out(root, parent).is_none() {
            return false;
        }
        self.record(Record::FanOutJoined {
            root: root.clone(),
            parent,
            turn: turn.id,
            answer: beginning(answer, Branch::LONGEST),
        });
        let Some(fan_out) = self.fan_out(root, parent) else {
            return true;
        };
        let answers = fan_out.branches.iter();
        let answers: Option<Vec<(&AgentName, &str)>> = answers
            .map(|branch| Some((&branch.agent, branch.answer.as_deref()?)))
            .collect();
        if let Some(answers) = answers {
            let joined = QueuedTurn {
                id: TurnId::of_join(parent),
                cause: fan_out.cause.clone(),
                author: fan_out.author.clone(),
                prompt: wording::joined(&answers),
                attachments: Vec::new(),
                at: self.now,
                origin: Origin::Joined { parent },
            };
            let by = fan_out.by.clone();
            self.record(Record::FanOutClosed {
                root: root.clone(),
                parent,
            });
            self.enqueue(root, by, joined);
        }
        true
    }

    fn fan_out(&self, root: &RootId, parent: TurnId) -> Option<&FanOut> {
        let chain = self.thread(root)?.chain.as_deref()?;
        chain.fan_outs.get(&parent)
    }

    fn enqueue(&mut self, root: &RootId, agent: Option<AgentName>, turn: QueuedTurn) {
        let conversation = ConversationId {
            root: root.clone(),
            agent,
        };
        self.record(Record::TurnQueued {
            conversation: conversation.clone(),
            turn,
        });
        self.want_slot(&conversation);
    }

    /// Ends what agents of a thread handed over and nobody began: a person wants it to stop.
    pub(super) fn end_chain(&mut self, root: &RootId) -> usize {
        let Some(thread) = self.thread(root) else {
            return 0;
        };
        let fan_outs = thread.chain.iter().flat_map(|chain| chain.fan_outs.keys());
        let fan_outs: Vec<TurnId> = fan_outs.copied().collect();
        let mut waiting = Vec::new();
        for (agent, conversation) in &thread.conversations {
            let id = ConversationId {
                root: root.clone(),
                agent: agent.clone(),
            };
            let handed = conversation.queue.iter().filter(|q| !q.origin.is_person());
            waiting.extend(handed.map(|turn| (id.clone(), turn.id)));
        }
        for parent in fan_outs {
            self.record(Record::FanOutClosed {
                root: root.clone(),
                parent,
            });
        }
        let dropped = waiting.len();
        for (conversation, turn) in waiting {
            self.record(Record::QueuedDropped { conversation, turn });
        }
        dropped
    }
}

/// The limit of a budget that is reached.
fn exceeded(budget: &HandoffBudget, spent: Spent) -> Option<Unmade> {
    let by = |key, limit| Some(Unmade::Budget { limit, key });
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if let Some(tokens) = budget.tokens.filter(|most| spent.tokens >= *most) {
        return by("handoff-budget-tokens", format!("{tokens} tokens"));
    }
    if let Some(most) = budget
        .microdollars
        .filter(|most| spent.microdollars >= *most)
    {
        return by("handoff-budget-usd", wording::dollars(most));
    }
    let time = budget
        .time
        .filter(|most| spent.milliseconds >= milliseconds(*most));
    time.and_then(|time| by("handoff-budget-time", wording::duration(time)))
}

/// As much of a text as fits, with a sign where it goes on.
fn beginning(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(longest.saturating_sub(CUT.len()));
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}
