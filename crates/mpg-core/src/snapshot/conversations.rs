//! The conversations of a thread: so few that they stand in a row.

use std::iter;
use std::slice;

use super::Conversation;
use crate::id::AgentName;

/// The conversations of a thread, by their agent: that of no agent first, then in the order of names.
///
/// Most of thousands of threads have one, for which a map would make room for eleven.
///
/// ```
/// use mpg_core::id::AgentName;
/// use mpg_core::snapshot::Conversations;
///
/// let mut conversations = Conversations::default();
/// let qa = AgentName::new("qa");
/// conversations.get_or_new(Some(&qa));
/// conversations.get_or_new(None);
/// assert_eq!(conversations.agents().collect::<Vec<_>>(), [&None, &Some(qa)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversations(Vec<Entry>);

type Entry = (Option<AgentName>, Conversation);

/// A conversation and whose it is.
type Item<'a> = (&'a Option<AgentName>, &'a Conversation);

impl Conversations {
    /// The conversation of an agent.
    pub fn get(&self, agent: Option<&AgentName>) -> Option<&Conversation> {
        let at = self.find(agent).ok()?;
        self.0.get(at).map(|(_, conversation)| conversation)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, agent: Option<&AgentName>) -> Option<&mut Conversation> {
        let at = self.find(agent).ok()?;
        self.0.get_mut(at).map(|(_, conversation)| conversation)
    }

    /// The conversation of an agent, which begins if there is none.
    pub fn get_or_new(&mut self, agent: Option<&AgentName>) -> &mut Conversation {
        let at = self.find(agent).unwrap_or_else(|at| {
            self.0.reserve_exact(1);
            self.0.insert(at, (agent.cloned(), Conversation::default()));
            at
        });
        &mut self.0[at].1
    }

    /// Whether an agent has one.
    pub fn contains(&self, agent: Option<&AgentName>) -> bool {
        self.find(agent).is_ok()
    }

    /// All of them, with their agents.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.into_iter()
    }

    /// Those who have one.
    pub fn agents(&self) -> impl Iterator<Item = &Option<AgentName>> {
        self.0.iter().map(|(agent, _)| agent)
    }

    /// All of them.
    pub fn values(&self) -> impl Iterator<Item = &Conversation> {
        self.0.iter().map(|(_, conversation)| conversation)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, agent: Option<&AgentName>) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_ref().cmp(&agent))
    }
}

impl<'a> IntoIterator for &'a Conversations {
    type Item = Item<'a>;
    type IntoIter = iter::Map<slice::Iter<'a, Entry>, fn(&'a Entry) -> Item<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
            .iter()
            .map(|(agent, conversation)| (agent, conversation))
    }
}
