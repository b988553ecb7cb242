//! What people are told about what a project may cost in a day.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{dollars, moment};
use crate::gateway::budgets::{Budget, Whose};
use crate::id::ProjectName;

/// That a budget is nearly used up.
pub(crate) fn nearly_used_up(budget: &Budget, project: &ProjectName) -> String {
    let next = if budget.spent >= budget.limit {
        "what comes next waits until midnight UTC, or until somebody says `!budget lift`"
    } else {
        "what is beyond it waits for the next day"
    };
    format!(
        "{} of {} of today's budget of {} is used; {next}",
        dollars(budget.spent),
        dollars(budget.limit),
        whose(&budget.whose, project),
    )
}

/// That a turn does not begin, because a budget is used up.
pub(crate) fn held_back(
    budget: &Budget,
    project: &ProjectName,
    until: Timestamp,
    now: Timestamp,
) -> String {
    format!(
        "today's budget of {} is used up ({} of {}); this begins by itself at {}, with what waits \
         behind it. `!budget lift` lets it begin now, `!stop` drops it",
        whose(&budget.whose, project),
        dollars(budget.spent),
        dollars(budget.limit),
        moment(until, now),
    )
}

/// That `!resume` does not help a turn that is held back.
pub(crate) fn cannot_resume() -> &'static str {
    "what waits here waits because a budget is used up; `!budget` shows it, `!budget lift` lets it go \
     on today"
}

/// The reply to `!budget`.
pub(crate) fn list(
    project: &ProjectName,
    spent: u64,
    budgets: &[Budget],
    per_user: Option<u64>,
    lifted: bool,
) -> String {
    let mut text = format!("**{project}** cost {} today", dollars(spent));
    if budgets.is_empty() && per_user.is_none() {
        text.push_str(", and has no budget (`budget`, `budget-per-user`)");
        return text;
    }
    for budget in budgets {
        let _ = write!(
            text,
            "\n- {}: {} of {} a day",
            whose(&budget.whose, project),
            dollars(budget.spent),
            dollars(budget.limit)
        );
    }
    if let Some(limit) = per_user {
        let _ = write!(text, "\n- each person: {} a day", dollars(limit));
    }
    if lifted {
        text.push_str("\nnone of it holds today: somebody lifted it");
    }
    text
}

/// The reply to `!budget lift`.
pub(crate) fn lifted(
    project: &ProjectName,
    going_on: usize,
    until: Timestamp,
    now: Timestamp,
) -> String {
    let mut text = format!(
        "the budgets of {project} do not hold any more, until {}",
        moment(until, now)
    );
    if going_on > 0 {
        let _ = write!(text, "; {}", super::going_on(going_on));
    }
    text
}

/// Who did something that is told in the third person.
pub(crate) fn by(name: &str, text: &str) -> String {
    let name: String = name.chars().take(60).collect();
    format!("{name}: {text}")
}

/// That there is nothing to lift.
pub(crate) fn no_budget(project: &ProjectName) -> String {
    format!("{project} has no budget that could be lifted")
}

/// That it was lifted before.
pub(crate) fn lifted_already(project: &ProjectName) -> String {
    format!("the budgets of {project} do not hold today already")
}

/// What the button says that lifts a budget.
pub(crate) fn lift_label() -> &'static str {
    "Lift for today"
}

fn whose(whose: &Whose, project: &ProjectName) -> String {
    match whose {
        Whose::Project => project.to_string(),
        Whose::Agent(agent) => format!("`@{agent}`"),
        Whose::Person => "who asked".to_owned(),
    }
}
