//! What was spent today: what the budgets of a day are held against.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::id::{AgentName, PlatformId, ProjectName, UserId};

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// Whom money was spent for: an agent of a project, and who asked it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spender {
    /// The project.
    pub project: ProjectName,
    /// The agent; `None` is the project's default agent.
    pub agent: Option<AgentName>,
    /// The platform of who asked.
    pub platform: PlatformId,
    /// Who asked.
    pub user: UserId,
}

/// What was spent on the last day on which anything was, and which budgets do not hold on it.
///
/// Days begin at midnight UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// The day, as days since 1970-01-01.
    pub day: i64,
    /// US dollars, in millionths.
    pub spent: BTreeMap<Spender, u64>,
    /// The projects whose budgets were lifted for the day.
    pub lifted: BTreeSet<ProjectName>,
}

impl Spending {
    /// The day of a moment.
    pub fn day_of(at: Timestamp) -> i64 {
        at.as_second().div_euclid(SECONDS_OF_A_DAY)
    }

    /// When the day of a moment is over.
    pub fn end_of_day(at: Timestamp) -> Timestamp {
        let next = (Self::day_of(at) + 1) * SECONDS_OF_A_DAY;
        Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
    }

    /// What was spent in a project on the day of a moment, in millionths of a US dollar, for those whom
    /// `counts` names.
    pub fn of(
        &self,
        project: &ProjectName,
        at: Timestamp,
        counts: impl Fn(&Spender) -> bool,
    ) -> u64 {
        if Self::day_of(at) > self.day {
            return 0;
        }
        let first = Spender {
            project: project.clone(),
            agent: None,
            platform: PlatformId::new(""),
            user: UserId::new(""),
        };
        let behind = self.spent.range(first..);
        behind
            .take_while(|(spender, _)| spender.project == *project)
            .filter(|(spender, _)| counts(spender))
            .fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// Whether the budgets of a project do not hold on the day of a moment.
    pub fn is_lifted(&self, project: &ProjectName, at: Timestamp) -> bool {
        Self::day_of(at) <= self.day && self.lifted.contains(project)
    }

    pub(super) fn spend(&mut self, spender: &Spender, microdollars: u64, at: Timestamp) {
        self.begin(at);
        let spent = self.spent.entry(spender.clone()).or_default();
        *spent = spent.saturating_add(microdollars).min(i64::MAX as u64);
    }

    pub(super) fn lift(&mut self, project: &ProjectName, at: Timestamp) {
        self.begin(at);
        self.lifted.insert(project.clone());
    }

    /// A later day begins with nothing. A clock that was set back begins none.
    fn begin(&mut self, at: Timestamp) {
        let day = Self::day_of(at);
        if day > self.day {
            *self = Self {
                day,
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).unwrap()
    }

    fn spender(project: &str, user: &str) -> Spender {
        Spender {
            project: ProjectName::new(project),
            agent: None,
            platform: PlatformId::new("chat"),
            user: UserId::new(user),
        }
    }

    #[test]
    fn a_day_ends_at_midnight_and_takes_everything_with_it() {
        let mut spending = Spending::default();
        let project = ProjectName::new("blog");
        spending.spend(&spender("blog", "ada"), 3, at(30));
        spending.spend(&spender("blog", "bob"), 4, at(47));
        spending.spend(&spender("shop", "bob"), 5, at(47));
        spending.lift(&project, at(47));
        assert_eq!(spending.of(&project, at(47), |_| true), 7);
        let bobs = |spender: &Spender| spender.user.as_str() == "bob";
        assert_eq!(spending.of(&project, at(47), bobs), 4);
        assert!(spending.is_lifted(&project, at(47)));
        assert_eq!(Spending::end_of_day(at(47)), at(48));
        assert_eq!(Spending::end_of_day(at(48)), at(72));
        assert_eq!(spending.of(&project, at(48), |_| true), 0);
        assert!(!spending.is_lifted(&project, at(48)));
        spending.spend(&spender("blog", "ada"), 1, at(48));
        assert_eq!(spending.spent.len(), 1);
        // The clock was set back: what was spent since counts all the same.
        spending.spend(&spender("blog", "ada"), 1, at(40));
        assert_eq!(spending.of(&project, at(40), |_| true), 2);
    }
}
