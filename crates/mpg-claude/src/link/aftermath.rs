//! What follows when a keeper says nothing more: its end is waited for, and what it left is read.

use std::time::Duration;

use mpg_core::agent::{AgentEvent, Exit, Seq};
use rustix::process::{Signal, kill_process};
use tokio::task::spawn_blocking;

use super::Kept;
use crate::folder::Folder;
use crate::spool::Remains;
use crate::survivors::end_leftover;

/// How long a keeper that says nothing more may take to end.
const END: Duration = Duration::from_secs(10);
/// How many events that nobody read are still handed out, but for the essential ones.
const REST: usize = 1_024;

/// Waits until keeper and agent are gone; returns the events behind `last` that were not told.
/// `exited` says whether the end was.
pub(super) async fn aftermath(kept: &Kept, last: u64, exited: bool) -> Vec<(Seq, AgentEvent)> {
    if !kept.keeper.ended(END).await {
        tracing::warn!(keeper = kept.keeper.pid, "a keeper hangs; it is killed");
        if let Some(keeper) = kept.keeper.pid() {
            let _gone = kill_process(keeper, Signal::KILL).is_err();
        }
        let _ended = kept.keeper.ended(END).await;
    }
    if let Err(error) = end_leftover(&kept.folder).await {
        tracing::warn!(%error, "an agent outlives its keeper");
    }
    let folder = kept.folder.clone();
    let rest = spawn_blocking(move || rest(&folder, last, exited)).await;
    rest.unwrap_or_default()
}

fn rest(folder: &Folder, last: u64, exited: bool) -> Vec<(Seq, AgentEvent)> {
    let mut rest = Vec::new();
    let mut unread = None;
    if let Ok(remains) = Remains::read(&folder.spool()) {
        unread = remains.last_unread;
        rest.extend(remains.events(last).into_iter().flatten());
    }
    if rest.len() > REST {
        rest.retain(|(_, event)| matches!(event, AgentEvent::Ended(_) | AgentEvent::Exited(_)));
    }
    let told = |(_, event): &(Seq, AgentEvent)| matches!(event, AgentEvent::Exited(_));
    if !exited && !rest.iter().any(told) {
        let last = rest.last().map_or(last, |(seq, _)| seq.0);
        let exit = Exit {
            code: None,
            stderr: "its keeper was ended".to_owned(),
        };
        rest.push((Seq(last + 1), AgentEvent::Exited(exit)));
    }
    if unread.is_none() {
        remove(folder);
    }
    rest
}

/// Notes that what a dead keeper left is stored up to `seq`, and removes what nobody needs then.
pub(crate) async fn settle(folder: Folder, seq: Seq) {
    let settling = spawn_blocking(move || {
        if !folder.path().exists() || folder.is_held() {
            return;
        }
        let Ok(mut remains) = Remains::read(&folder.spool()) else {
            return;
        };
        remains.acknowledge(seq.0);
        if remains.last_unread.is_none() {
            remove(&folder);
        }
    });
    // What is not removed now is looked at again by the next gateway.
    drop(settling.await);
}

/// Removes a folder that nobody needs, unless somebody has it again.
pub(crate) fn remove(folder: &Folder) {
    if folder.path().exists()
        && let Ok(Some(lock)) = folder.lock()
    {
        folder.remove(&lock);
    }
}
