//! What the gateways of a run are configured with.

use std::time::Duration;

use mpg_core::config::{Config, Limits, Patience, Project, RoutingTable};
use mpg_core::id::{ProjectName, UserId};
use mpg_testkit::fake::FakePlatform;

use crate::people::USERS;
use crate::plan::Plan;

/// What each answer costs, in millionths of a US dollar.
pub(crate) const COST: u64 = 10_000;

/// Two projects, one of which runs one turn at a time.
pub(crate) fn config(plan: &Plan, chat: &FakePlatform) -> Config {
    let project = |name: &str, cap| {
        let mut project = Project::new(ProjectName::new(name), format!("/srv/{name}"));
        project.channels.insert(chat.key(name));
        project.max_concurrent_turns = cap;
        project.turn_timeout = Duration::from_secs(40);
        project.access.users = USERS.map(UserId::new).into();
        project.permission_timeout = Duration::from_secs(9);
        project.idle_timeout = Duration::from_secs(30);
        project.patience = Patience {
            notice: Duration::from_secs(6),
            limit: Duration::from_secs(15),
        };
        project.while_busy = plan.while_busy;
        if name == "two" {
            project.on_interrupted = plan.on_interrupted;
        }
        project.budgets.project = plan.turns_a_day.map(|turns| turns * COST);
        if let Some(team) = plan.team {
            team.join(&mut project);
        }
        project
    };
    let projects = [project("one", None), project("two", Some(1))];
    Config {
        routing: RoutingTable::new(projects).expect("the channels differ"),
        limits: Limits {
            max_concurrent_turns: plan.slots,
            max_warm_sessions: plan.warm,
            ..Limits::default()
        },
    }
}
