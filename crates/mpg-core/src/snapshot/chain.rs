//! The handoffs that follow one message of a person.

use std::collections::BTreeMap;

use crate::agent::Usage;
use crate::id::{AgentName, MessageRef, TurnId, UserId};
use crate::likeness::Likeness;

/// What handoffs led to since a person last wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// Each handoff that was made, in order.
    pub handoffs: Vec<Handoff>,
    /// What the turns that they started took together.
    pub spent: Spent,
    /// What several agents were handed at once and have not all answered, by the turn that handed
    /// it to them. A person who writes does not end it.
    pub fan_outs: BTreeMap<TurnId, FanOut>,
}

impl Chain {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The last handoff from one agent to another.
    pub fn last(&self, from: Option<&AgentName>, to: &AgentName) -> Option<&Handoff> {
        let mut back = self.handoffs.iter().rev();
        back.find(|handoff| handoff.from.as_ref() == from && handoff.to == *to)
    }
}

/// What turns took together. Sums stay below [`Spent::MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, read and written; those that came from the cache do not count.
    pub tokens: u64,
    /// US dollars, in millionths.
    pub microdollars: u64,
    /// The agents' own time, in milliseconds.
    pub milliseconds: u64,
}

impl Spent {
    /// What every sum stops at.
    pub const MOST: u64 = 1 << 53;

    /// What one turn took.
    pub fn of(usage: &Usage) -> Self {
        let tokens = usage
            .input_tokens
            .saturating_add(usage.output_tokens)
            .saturating_add(usage.cache_creation_tokens);
        let milliseconds = u64::try_from(usage.duration.as_millis()).unwrap_or(Self::MOST);
        Self {
            tokens: tokens.min(Self::MOST),
            microdollars: usage.cost_microdollars.min(Self::MOST),
            milliseconds: milliseconds.min(Self::MOST),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let sum = |a: u64, b: u64| a.saturating_add(b).min(Self::MOST);
        Self {
            tokens: sum(self.tokens, other.tokens),
            microdollars: sum(self.microdollars, other.microdollars),
            milliseconds: sum(self.milliseconds, other.milliseconds),
        }
    }
}

/// A handoff that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// Who handed over.
    pub from: Option<AgentName>,
    /// Who took over.
    pub to: AgentName,
    /// What was said.
    pub likeness: Likeness,
}

/// What several agents were handed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// Who handed it to them and gets their answers.
    pub by: Option<AgentName>,
    /// The message that it began with.
    pub cause: MessageRef,
    /// Who wrote that.
    pub author: UserId,
    /// Their turns, in the order in which they were named.
    pub branches: Vec<Branch>,
}

/// One of several agents that were handed something at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its turn.
    pub turn: TurnId,
    /// The agent.
    pub agent: AgentName,
    /// What it answered, or why it did not; at most [`Branch::LONGEST`] bytes.
    pub answer: Option<String>,
}

impl Branch {
    /// How many bytes of an answer are kept for the agent that handed over.
    pub const LONGEST: usize = 16 * 1024;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_handoff_is_the_one_between_the_two() {
        let handoff = |from: Option<&str>, to: &str, text: &str| Handoff {
            from: from.map(AgentName::new),
            to: AgentName::new(to),
            likeness: Likeness::of(text),
        };
        let chain = Chain {
            handoffs: vec![
                handoff(Some("pm"), "qa", "first"),
                handoff(Some("pm"), "engineer", "second"),
                handoff(None, "qa", "third"),
            ],
            ..Chain::default()
        };
        let (pm, qa) = (AgentName::new("pm"), AgentName::new("qa"));
        let last = chain.last(Some(&pm), &qa);
        assert_eq!(last, Some(&handoff(Some("pm"), "qa", "first")));
        assert_eq!(chain.last(Some(&qa), &pm), None);
    }
}
