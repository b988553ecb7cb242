//! The agents that are kept: whether each has a gateway, and what others left.

use std::path::Path;

use mpg_claude::{KeptSession, KeptState, inspect};
use mpg_core::wording::plural;
use mpg_store::{StateOwner, owner};

use super::finding::Finding;
use crate::run;

const CHECK: &str = "sessions";

/// What to do about agents and folders that nobody needs.
const REAP: &str = "run: mpgd reap";

pub(super) async fn examine(directory: &Path) -> Vec<Finding> {
    let found = inspect(&directory.join(run::SESSIONS)).await;
    let is_up = matches!(owner(directory), Ok(StateOwner::Gateway(_)));
    judge(&found, is_up)
}

fn judge(found: &[KeptSession], is_up: bool) -> Vec<Finding> {
    let count = |is: &dyn Fn(&KeptSession) -> bool| found.iter().filter(|kept| is(kept)).count();
    let of = |state: KeptState| count(&|kept| kept.state == state);
    let (busy, idle, silent) = (
        of(KeptState::Busy),
        of(KeptState::Idle),
        of(KeptState::Silent),
    );
    let orphaned = count(&KeptSession::is_orphaned);
    let unread = count(&|kept| kept.state == KeptState::Dead && kept.unread);
    let useless = count(&|kept| kept.state == KeptState::Dead && !kept.unread);
    let outcomes = format!("{} of agents that ended", plural(unread, "outcome"));
    let mut findings = Vec::new();
    let kept = {
        let agents = plural(busy + idle, "agent");
        format!("{agents} kept: {busy} busy, {idle} idle")
    };
    if silent > 0 {
        let keepers = found.iter().filter(|kept| kept.state == KeptState::Silent);
        let keepers = keepers.filter_map(|kept| kept.keeper_pid);
        let keepers: Vec<_> = keepers.map(|keeper| keeper.to_string()).collect();
        findings.push(Finding::warn(
            CHECK,
            format!("keepers that do not answer: process {}", keepers.join(", ")),
            "end one that hangs with kill; its agent ends with it, and its turn goes on in another",
        ));
    }
    if is_up && orphaned > 0 {
        findings.push(Finding::warn(
            CHECK,
            format!("{kept}; without the gateway: {orphaned}"),
            REAP,
        ));
    } else if orphaned > 0 {
        let found = format!("{kept}; to be taken over by the next start: {orphaned}");
        findings.push(Finding::ok(CHECK, found));
    }
    if unread > 0 && is_up {
        findings.push(Finding::warn(
            CHECK,
            format!("the gateway did not take {outcomes}"),
            "look again in a moment; the next start takes them",
        ));
    } else if unread > 0 {
        let found = format!("for the next start: {outcomes}");
        findings.push(Finding::ok(CHECK, found));
    }
    if useless > 0 {
        findings.push(Finding::warn(
            CHECK,
            {
                let folders = plural(useless, "folder");
                format!("needed by nobody: {folders} of agents that ended")
            },
            REAP,
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, kept));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::text;
    use crate::sessions::tests::kept;

    #[test]
    fn what_is_kept_is_judged_by_whether_a_gateway_runs() {
        let owned = KeptSession {
            owned: true,
            ..kept(1, KeptState::Busy)
        };
        let unread = KeptSession {
            unread: true,
            ..kept(5, KeptState::Dead)
        };
        let all = [
            owned.clone(),
            kept(2, KeptState::Idle),
            kept(3, KeptState::Silent),
            kept(4, KeptState::Unkept),
            unread,
            kept(6, KeptState::Dead),
        ];
        insta::assert_snapshot!(format!(
            "none\n{}all well, up\n{}everything, up\n{}everything, down\n{}",
            text(&judge(&[], false)),
            text(&judge(&[owned], true)),
            text(&judge(&all, true)),
            text(&judge(&all, false)),
        ));
    }
}
