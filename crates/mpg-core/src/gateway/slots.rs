//! Who may run a turn: first come, first served, within the limit of the gateway and the cap of
//! each project.

use std::collections::{BTreeMap, VecDeque};

use crate::id::{ConversationId, ProjectName};

/// The slots of a gateway.
#[derive(Debug)]
pub(crate) struct Slots {
    limit: u32,
    held: u32,
    projects: BTreeMap<ProjectName, ProjectSlots>,
    arrivals: u64,
}

#[derive(Debug, Default)]
struct ProjectSlots {
    cap: Option<u32>,
    held: u32,
    /// Turns that have begun and gave their slot back for a while: before those that have not begun.
    returning: VecDeque<(u64, ConversationId)>,
    waiting: VecDeque<(u64, ConversationId)>,
}

impl ProjectSlots {
    /// Who is next, and how far in front of those of other projects.
    fn first(&self) -> Option<(bool, u64)> {
        let returning = self.returning.front().map(|(arrival, _)| (false, *arrival));
        returning.or(self.waiting.front().map(|(arrival, _)| (true, *arrival)))
    }
}

impl Slots {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            held: 0,
            projects: BTreeMap::new(),
            arrivals: 0,
        }
    }

    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// How many are held.
    pub(crate) fn held(&self) -> u32 {
        self.held
    }

    /// Puts a conversation at the end of the line, or `first`.
    pub(crate) fn wait(
        &mut self,
        project: &ProjectName,
        cap: Option<u32>,
        conversation: ConversationId,
        first: bool,
    ) {
        let slots = self.projects.entry(project.clone()).or_default();
        slots.cap = cap;
        if first {
            slots.waiting.push_front((0, conversation));
        } else {
            self.arrivals += 1;
            slots.waiting.push_back((self.arrivals, conversation));
        }
    }

    /// Puts a conversation whose turn goes on in front of those whose turns have not begun.
    pub(crate) fn return_to(
        &mut self,
        project: &ProjectName,
        cap: Option<u32>,
        conversation: ConversationId,
    ) {
        let slots = self.projects.entry(project.clone()).or_default();
        slots.cap = cap;
        self.arrivals += 1;
        slots.returning.push_back((self.arrivals, conversation));
    }

    /// Gives a slot to a turn that goes on without asking, even where that is one too many: the next
    /// ones wait for it.
    pub(crate) fn retake(&mut self, project: &ProjectName) {
        self.projects.entry(project.clone()).or_default().held += 1;
        self.held += 1;
    }

    /// Takes a conversation out of the line.
    pub(crate) fn leave(&mut self, project: &ProjectName, conversation: &ConversationId) {
        if let Some(slots) = self.projects.get_mut(project) {
            slots.waiting.retain(|(_, waiting)| waiting != conversation);
            slots
                .returning
                .retain(|(_, waiting)| waiting != conversation);
        }
    }

    /// Gives a slot to the one that waited longest among those whose project is below its cap.
    pub(crate) fn grant(&mut self) -> Option<ConversationId> {
        if self.held >= self.limit {
            return None;
        }
        let (_, slots) = self
            .projects
            .values_mut()
            .filter(|slots| slots.cap.is_none_or(|cap| slots.held < cap))
            .filter_map(|slots| Some((slots.first()?, slots)))
            .min_by_key(|(first, _)| *first)?;
        let next = slots.returning.pop_front();
        let (_, conversation) = next.or_else(|| slots.waiting.pop_front())?;
        slots.held += 1;
        self.held += 1;
        Some(conversation)
    }

    /// Takes a slot back.
    pub(crate) fn release(&mut self, project: &ProjectName) {
        self.held = self.held.saturating_sub(1);
        if let Some(slots) = self.projects.get_mut(project) {
            slots.held = slots.held.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, ChannelKey, MessageId, PlatformId, RootId};

    fn conversation(name: &str) -> ConversationId {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        ConversationId {
            root: RootId::of_message(channel, MessageId::new(name)),
            agent: None,
        }
    }

    #[test]
    fn first_come_first_served_across_projects() {
        let (a, b) = (ProjectName::new("a"), ProjectName::new("b"));
        let mut slots = Slots::new(2);
        slots.wait(&b, None, conversation("1"), false);
        slots.wait(&a, None, conversation("2"), false);
        slots.wait(&b, None, conversation("3"), false);
        assert_eq!(slots.grant(), Some(conversation("1")));
        assert_eq!(slots.grant(), Some(conversation("2")));
        assert_eq!(slots.grant(), None);
        slots.release(&a);
        assert_eq!(slots.grant(), Some(conversation("3")));
    }

    #[test]
    fn who_has_begun_comes_first() {
        let (a, b) = (ProjectName::new("a"), ProjectName::new("b"));
        let mut slots = Slots::new(1);
        slots.wait(&a, None, conversation("1"), false);
        slots.wait(&a, None, conversation("2"), false);
        slots.wait(&b, None, conversation("3"), true);
        assert_eq!(slots.grant(), Some(conversation("3")));
        slots.release(&b);
        assert_eq!(slots.grant(), Some(conversation("1")));
    }

    #[test]
    fn who_goes_on_first_came_back_first_in_whatever_project() {
        let (a, b) = (ProjectName::new("a"), ProjectName::new("b"));
        let mut slots = Slots::new(1);
        slots.return_to(&b, None, conversation("1"));
        slots.return_to(&a, None, conversation("2"));
        assert_eq!(slots.grant(), Some(conversation("1")));
    }

    #[test]
    fn a_slot_that_is_taken_again_counts_against_the_cap() {
        let a = ProjectName::new("a");
        let mut slots = Slots::new(4);
        slots.wait(&a, Some(1), conversation("1"), false);
        slots.retake(&a);
        assert_eq!(slots.held(), 1);
        assert_eq!(slots.grant(), None);
        slots.release(&a);
        assert_eq!(slots.grant(), Some(conversation("1")));
    }

    #[test]
    fn a_project_at_its_cap_lets_others_pass() {
        let (a, b) = (ProjectName::new("a"), ProjectName::new("b"));
        let mut slots = Slots::new(4);
        slots.wait(&a, Some(1), conversation("1"), false);
        slots.wait(&a, Some(1), conversation("2"), false);
        slots.wait(&b, None, conversation("3"), false);
        assert_eq!(slots.grant(), Some(conversation("1")));
        assert_eq!(slots.grant(), Some(conversation("3")));
        assert_eq!(slots.grant(), None);
        slots.leave(&a, &conversation("2"));
        slots.release(&a);
        assert_eq!(slots.grant(), None);
        assert_eq!(slots.held(), 1);
    }

    #[test]
    fn who_goes_on_comes_before_who_begins_and_keeps_to_its_cap() {
        let (a, b) = (ProjectName::new("a"), ProjectName::new("b"));
        let mut slots = Slots::new(1);
        slots.wait(&a, None, conversation("1"), true);
        slots.wait(&b, Some(1), conversation("2"), false);
        slots.return_to(&b, Some(1), conversation("3"));
        assert_eq!(slots.grant(), Some(conversation("3")));
        assert_eq!(slots.grant(), None);
        slots.release(&b);
        slots.retake(&b);
        slots.set_limit(2);
        assert_eq!(slots.grant(), Some(conversation("1")));
        slots.return_to(&b, Some(1), conversation("4"));
        slots.leave(&b, &conversation("4"));
        slots.release(&b);
        assert_eq!(slots.grant(), Some(conversation("2")));
    }
}
