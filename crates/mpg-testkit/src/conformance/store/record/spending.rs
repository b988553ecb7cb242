//! Records about money, over a few days.

use std::time::Duration;

use mpg_core::id::UserId;
use mpg_core::record::Record;
use mpg_core::snapshot::Spender;

use super::Records;

const DAY: Duration = Duration::from_hours(24);

impl Records {
    pub(super) fn spending(&mut self) -> Record {
        let at = self.now() + DAY * self.small();
        if self.one_in(4) {
            let project = self.project();
            return Record::BudgetLifted { project, at };
        }
        let conversation = self.conversation();
        let microdollars = if self.one_in(10) {
            u64::MAX
        } else {
            self.below(1_000_000)
        };
        Record::Spent {
            spender: Spender {
                project: self.project(),
                agent: conversation.agent,
                platform: conversation.root.channel.platform,
                user: UserId::new(self.pick(["ada", "bob"])),
            },
            microdollars,
            at,
        }
    }
}
