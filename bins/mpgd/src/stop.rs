//! `mpgd stop`: ends the running gateway, and waits until its state is free.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use mpg_core::wording::plural;
use mpg_store::StateOwner;
use tokio::time::{Instant, sleep};

use crate::cli::{Global, StopOptions};
use crate::control::{AskError, Outcome, SocketPath, StopView, Verb, ask};
use crate::exit::{self, Failure};
use crate::shown::span;
use crate::{environment, run, state_dir};

/// How often the state is looked at.
const BETWEEN: Duration = Duration::from_millis(50);

/// How long a gateway that starts or ends may have the state without a control socket.
const WITHOUT_SOCKET: Duration = Duration::from_secs(10);

/// How much longer than it waits for turns an end may take.
const ENDING: Duration = Duration::from_secs(20);

pub(crate) fn stop(global: &Global, options: &StopOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    run::runtime()?.block_on(end(&directory, &socket, options.now))
}

async fn end(directory: &Path, socket: &SocketPath, now: bool) -> Result<ExitCode, Failure> {
    let owner = mpg_store::owner(directory)?;
    if owner == StateOwner::Nobody {
        exit::print(&format!(
            "no gateway is running on {}\n",
            directory.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(view) = told_to_end(directory, socket, now, owner).await? {
        let limit = Duration::from_secs(view.limit_seconds);
        if view.turns > 0 && view.waits {
            exit::print(&format!(
                "{} running, waited for {} at most; what takes longer goes on at the next start. \
                 `mpgd stop --now` waits for none\n",
                plural(view.turns, "turn"),
                span(limit)
            ));
        }
        free(directory, owner, limit + ENDING).await?;
    }
    exit::print("stopped\n");
    Ok(ExitCode::SUCCESS)
}

/// Tells the owner of a state to end; `None` if it has ended meanwhile.
async fn told_to_end(
    directory: &Path,
    socket: &SocketPath,
    now: bool,
    owner: StateOwner,
) -> Result<Option<StopView>, Failure> {
    let deadline = Instant::now() + WITHOUT_SOCKET;
    loop {
        match ask(socket, &Verb::Stop { now }).await {
            Ok(Outcome::Stopping(view)) => return Ok(Some(view)),
            Ok(_) => return Err(Failure::unexpected_answer()),
            Err(AskError::NotRunning) => {}
            Err(error) => return Err(error.into()),
        }
        if has_left(mpg_store::owner(directory)?, owner) {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Err(Failure::Refused(format!(
                "{} has the state {} and cannot be asked to stop: see its log, or end it with SIGTERM",
                process(owner),
                directory.display()
            )));
        }
        sleep(BETWEEN).await;
    }
}

/// Waits until a state has another owner, or none.
async fn free(directory: &Path, owner: StateOwner, patience: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + patience;
    while !has_left(mpg_store::owner(directory)?, owner) {
        if Instant::now() >= deadline {
            return Err(Failure::Refused(format!(
                "{} was told to stop and has not ended after {}; nothing is lost if it is killed",
                process(owner),
                span(patience)
            )));
        }
        sleep(BETWEEN).await;
    }
    Ok(())
}

/// Whether a state that has an owner `now` was left by the one `before`: a gateway that is starting has
/// not written down its process yet.
fn has_left(now: StateOwner, before: StateOwner) -> bool {
    match (now, before) {
        (StateOwner::Gateway(Some(now)), StateOwner::Gateway(Some(before))) => now != before,
        (StateOwner::Gateway(_), _) => false,
        (StateOwner::Nobody, _) => true,
    }
}

fn process(owner: StateOwner) -> String {
    match owner {
        StateOwner::Gateway(Some(pid)) => format!("process {pid}"),
        StateOwner::Gateway(None) | StateOwner::Nobody => "a gateway".to_owned(),
    }
}
