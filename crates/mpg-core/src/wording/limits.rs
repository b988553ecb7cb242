//! What people are told about limits on tools that are lifted and put back.

use std::time::Duration;

use jiff::Timestamp;

use super::{duration, plural};
use crate::gateway::lifted::{CONFIRM_WITHIN, Reach};

/// What `!unsafe` would do, and how it is confirmed.
pub(crate) fn asks(reach: &Reach, limit: Duration) -> String {
    format!(
        "⚠ without limits, the agents of {} run every tool unasked: any shell command, with all that \
         this machine lets them do. That holds for {}, until `!safe`, or until the gateway is \
         started again. `disallowed-tools` and the gateway's own files stay out of reach. Say \
         `!unsafe confirm` here within {} if you mean it",
        whose(reach),
        duration(limit),
        duration(CONFIRM_WITHIN)
    )
}

/// That limits are lifted.
pub(crate) fn lifted(reach: &Reach, limit: Duration, running: usize) -> String {
    format!(
        "⚠ the agents of {} now run every tool unasked, for {}; `!safe` ends that{}",
        whose(reach),
        duration(limit),
        keeps(running)
    )
}

/// That limits are lifted already.
pub(crate) fn lifted_already(reach: &Reach, until: Timestamp, now: Timestamp) -> String {
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    format!(
        "the agents of {} run every tool unasked already, for {} more; `!safe` ends that",
        whose(reach),
        duration(Duration::from_secs(left.as_secs().max(1)))
    )
}

/// That there are no limits that could be lifted.
pub(crate) fn unlimited_by_configuration() -> &'static str {
    "agents run every tool unasked here already: the configuration says so (`permission-mode`)"
}

/// That limits are lifted in too many places.
pub(crate) fn lifted_too_often() -> &'static str {
    "nothing was changed: limits are lifted in too many places already; `!safe` puts them back where \
     they are not needed"
}

/// That a confirmation is not one.
pub(crate) fn nothing_to_confirm() -> String {
    format!(
        "there is nothing to confirm: say `!unsafe` first, and confirm it in the same place within \
         {}; nobody else can",
        duration(CONFIRM_WITHIN)
    )
}

/// That limits are back in force.
pub(crate) fn put_back(reach: &Reach, running: usize) -> String {
    format!(
        "the limits on tools are back in force for the agents of {}{}",
        whose(reach),
        keeps(running)
    )
}

/// That they always were.
pub(crate) fn in_force_already(reach: &Reach) -> String {
    format!(
        "the limits on tools are in force for the agents of {}",
        whose(reach)
    )
}

/// That they are back in force by themselves.
pub(crate) fn time_is_over(reach: &Reach, running: usize) -> String {
    format!(
        "the limits on tools are back in force for the agents of {}: their time without is over \
         (`unsafe-limit`, `unsafe-roles`){}",
        whose(reach),
        keeps(running)
    )
}

/// What stands below what an agent says that runs without limits.
pub(crate) fn footer() -> &'static str {
    "⚠ without limits on tools (!unsafe)"
}

fn whose(reach: &Reach) -> &'static str {
    match reach {
        Reach::Channel(_) => "all threads of this channel",
        Reach::Thread(_) => "this thread",
    }
}

fn keeps(running: usize) -> String {
    match running {
        0 => String::new(),
        1 => "; the turn that runs keeps what it was started with".to_owned(),
        running => format!(
            "; {} that run keep what they were started with",
            plural(running, "turn")
        ),
    }
}
