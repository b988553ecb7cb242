//! What a project, an agent and a person may cost in a day: who is near that is told, and what is
//! beyond it waits for the next day.

use super::Gateway;
use super::lane::Run;
use crate::access::is_admin;
use crate::config::Project;
use crate::control::{Button, ButtonStyle, Control};
use crate::id::{ChannelKey, ConversationId, TurnId, UserId};
use crate::interaction::{Action, ActionId, Interaction};
use crate::record::{Disposition, ParkReason, Record};
use crate::route::RefuseReason;
use crate::snapshot::{Spender, Spending};
use crate::wording::{self, budget as words};

/// What the button that lifts budgets is called.
const LIFTS: &str = "budget:lift";

/// From how much of a budget on it is warned of, in percent.
const WARNED_AT: u64 = 80;

/// A budget, and what of it is spent, both in millionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Whose it is.
    pub(crate) whose: Whose,
    /// What may be spent in a day.
    pub(crate) limit: u64,
    /// What was spent today.
    pub(crate) spent: u64,
}

/// Whose a budget is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The project's.
    Project,
    /// One of its agents'.
    Agent(String),
    /// That of who asks.
    Person,
}

impl Budget {
    fn is_used_up(&self) -> bool {
        self.spent >= self.limit
    }

    /// Whether it came so far with the last amount that it is warned of.
    fn is_nearly_used_up_by(&self, amount: u64) -> bool {
        let percent = |spent: u64| u128::from(spent) * 100 / u128::from(self.limit.max(1));
        let before = percent(self.spent.saturating_sub(amount));
        let warned_at = u128::from(WARNED_AT);
        before < warned_at && percent(self.spent) >= warned_at
    }
}

impl Gateway {
    /// Counts what a run of a turn cost, whatever becomes of the turn.
    pub(super) fn spend(&mut self, id: &ConversationId, run: &Run, cost: u64) {
        let lane = self.lanes.get(id).map(|lane| &lane.project);
        let Some(project) = lane.or_else(|| self.project_of(&id.root.channel)) else {
            return;
        };
        if cost == 0 {
            return;
        }
        let spender = Spender {
            project: project.name.clone(),
            agent: id.agent.clone(),
            platform: id.root.channel.platform.clone(),
            user: run.author.clone(),
        };
        self.record(Record::Spent {
            spender,
            microdollars: cost,
            at: self.now,
        });
    }

    /// Warns where a budget is nearly used up by what a run cost.
    pub(super) fn warn_of_budgets(&mut self, id: &ConversationId, run: &Run, cost: u64) {
        let Some(project) = self.project_of(&id.root.channel).cloned() else {
            return;
        };
        if self.state.spending.is_lifted(&project.name, self.now) {
            return;
        }
        for budget in self.budgets(&project, id, &run.author) {
            if budget.is_nearly_used_up_by(cost) {
                let topic = format!("budget {:?}", budget.whose);
                self.notify_for(id, &topic, &words::nearly_used_up(&budget, &project.name));
            }
        }
    }

    /// Holds a turn back that has not begun and whose budget is used up.
    pub(super) fn holds_back(&mut self, id: &ConversationId, turn: TurnId) -> bool {
        let Some(conversation) = self.conversation(id) else {
            return false;
        };
        let running = conversation.running.as_deref();
        let has_begun = match running {
            Some(running) => !running.is_held_back(),
            // Its agent may have it already.
            None => conversation.steered.contains(&turn),
        };
        let waiting = running.map(|running| &running.turn).or(conversation.next());
        let Some(author) = waiting.map(|turn| turn.author.clone()) else {
            return false;
        };
        let is_new = running.is_none();
        let Some(budget) = (!has_begun).then(|| self.used_up(id, &author)).flatten() else {
            return false;
        };
        if is_new {
            self.record_start(id, turn, 1, false);
        }
        let until = Spending::end_of_day(self.now);
        self.park(id, turn, ParkReason::Budget, Some(until));
        self.tell_held_back(id, turn, &budget);
        true
    }

    /// Says why a turn does not begin, with what lets it.
    fn tell_held_back(&mut self, id: &ConversationId, turn: TurnId, budget: &Budget) {
        let Some(project) = self.project_of(&id.root.channel) else {
            return;
        };
        let until = Spending::end_of_day(self.now);
        let text = words::held_back(budget, &project.name, until, self.now);
        let voice = self.voice(id);
        let topic = format!("held back {turn}");
        let controls = lifting_button().into_iter().collect();
        self.notify_with(&id.root, &voice, &topic, &text, controls);
    }

    /// The reply to `!budget`.
    pub(super) fn budgets_of(&self, channel: &ChannelKey) -> String {
        let Some(project) = self.project_of(channel) else {
            return String::new();
        };
        let spending = &self.state.spending;
        let (name, now) = (&project.name, self.now);
        let mut budgets = Vec::new();
        if let Some(limit) = project.budgets.project {
            budgets.push(Budget {
                whose: Whose::Project,
                limit,
                spent: spending.of(name, now, |_| true),
            });
        }
        for (agent, named) in &project.agents {
            if let Some(limit) = named.budget {
                budgets.push(Budget {
                    whose: Whose::Agent(agent.to_string()),
                    limit,
                    spent: spending.of(name, now, |spent| spent.agent.as_ref() == Some(agent)),
                });
            }
        }
        let spent = spending.of(name, now, |_| true);
        let lifted = spending.is_lifted(name, now);
        words::list(name, spent, &budgets, project.budgets.per_user, lifted)
    }

    /// The reply to `!budget lift`. Routing has seen to it that its author may.
    pub(super) fn lift_budget(&mut self, channel: &ChannelKey) -> String {
        match self.project_of(channel).cloned() {
            Some(project) => self.lift_for_today(&project),
            None => String::new(),
        }
    }

    /// Whether somebody pressed the button that lifts budgets.
    pub(super) fn lift_pressed(&mut self, interaction: &Interaction, project: &Project) -> bool {
        if !matches!(&interaction.action, Action::Press { id, .. } if id.as_str() == LIFTS) {
            return false;
        }
        let cause = interaction.reference();
        if !is_admin(project, &cause.place, &interaction.author) {
            let refusal = wording::refusal(RefuseReason::NotAdmin {
                command: "budget lift",
            });
            self.turn_away(interaction, &refusal);
            return true;
        }
        self.saw_interaction(interaction, Disposition::Command);
        let text = self.lift_for_today(project);
        self.reply_to(&cause, &words::by(&interaction.author.name, &text));
        true
    }

    fn lift_for_today(&mut self, project: &Project) -> String {
        let name = &project.name;
        if !has_budgets(project) {
            return words::no_budget(name);
        }
        if self.state.spending.is_lifted(name, self.now) {
            return words::lifted_already(name);
        }
        self.record(Record::BudgetLifted {
            project: name.clone(),
            at: self.now,
        });
        let going_on = self.go_on_within_budgets();
        words::lifted(name, going_on, Spending::end_of_day(self.now), self.now)
    }

    /// Lets those go on that were held back by a budget that has room now, and says how many.
    pub(super) fn go_on_within_budgets(&mut self) -> usize {
        let parked = self.parked.iter().map(|(_, id)| id);
        let free = parked.filter_map(|id| {
            let running = self.conversation(id)?.running.as_deref()?;
            let goes_on =
                running.is_held_back() && self.used_up(id, &running.turn.author).is_none();
            goes_on.then(|| (id.clone(), running.turn.id))
        });
        let free: Vec<(ConversationId, TurnId)> = free.collect();
        for (id, turn) in &free {
            self.record(Record::TurnParked {
                conversation: id.clone(),
                turn: *turn,
                reason: ParkReason::Budget,
                until: Some(self.now),
                at: self.now,
            });
            self.want_slot(id);
        }
        free.len()
    }

    /// The first budget that has no room for a turn of somebody's.
    fn used_up(&self, id: &ConversationId, author: &UserId) -> Option<Budget> {
        let project = self.project_of(&id.root.channel)?;
        if self.state.spending.is_lifted(&project.name, self.now) {
            return None;
        }
        self.budgets(project, id, author)
            .into_iter()
            .find(Budget::is_used_up)
    }

    /// The budgets that a turn of somebody's counts in.
    fn budgets(&self, project: &Project, id: &ConversationId, author: &UserId) -> Vec<Budget> {
        let platform = &id.root.channel.platform;
        let spent = |counts: &dyn Fn(&Spender) -> bool| {
            self.state.spending.of(&project.name, self.now, counts)
        };
        let of_project = project.budgets.project.map(|limit| Budget {
            whose: Whose::Project,
            limit,
            spent: spent(&|_| true),
        });
        let agent = id.agent.as_ref();
        let of_agent = agent.and_then(|name| {
            Some(Budget {
                whose: Whose::Agent(name.to_string()),
                limit: project.agents.get(name)?.budget?,
                spent: spent(&|spender| spender.agent.as_ref() == Some(name)),
            })
        });
        let of_person = project.budgets.per_user.map(|limit| Budget {
            whose: Whose::Person,
            limit,
            spent: spent(&|spender| spender.platform == *platform && spender.user == *author),
        });
        [of_project, of_agent, of_person]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn has_budgets(project: &Project) -> bool {
    let budgets = project.budgets;
    let of_agents = project.agents.values().any(|agent| agent.budget.is_some());
    budgets.project.is_some() || budgets.per_user.is_some() || of_agents
}

fn lifting_button() -> Option<Control> {
    let id = ActionId::parse(LIFTS)?;
    let button = Button::new(id, words::lift_label(), ButtonStyle::Plain);
    Some(Control::Button(button))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amount_that_crosses_the_line_is_warned_of() {
        // What may be spent, what is, the last amount of it: warned of? used up?
        let table = [
            (100, 79, 79, false, false),
            (100, 80, 1, true, false),
            (100, 80, 80, true, false),
            (100, 81, 1, false, false),
            (100, 81, 2, true, false),
            (100, 99, 5, false, false),
            (100, 100, 5, false, true),
            (100, 100, 100, true, true),
            (100, 150, 90, true, true),
            (1_000_000, 799_999, 5, false, false),
            (1_000_000, 800_000, 1, true, false),
            (u64::MAX, u64::MAX, u64::MAX, true, true),
        ];
        for (limit, spent, amount, is_warned_of, is_used_up) in table {
            let budget = Budget {
                whose: Whose::Person,
                limit,
                spent,
            };
            let row = format!("{amount} of {budget:?}");
            assert_eq!(budget.is_nearly_used_up_by(amount), is_warned_of, "{row}");
            assert_eq!(budget.is_used_up(), is_used_up, "{row}");
        }
    }
}
