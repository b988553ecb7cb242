//! Signals: the first asks the engine to finish what runs, the second to stop waiting.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::exit::Failure;

/// Calls `next` at each SIGTERM and SIGINT, for as long as the runtime lives.
pub(crate) fn forward(next: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let what = "signals cannot be received";
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::io(what))?;
    // A limit of a file's size is an error of the write, not the end of the process.
    let oversized = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    drop(oversized.map_err(Failure::io(what))?);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::io(what))?;
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                received = terminate.recv() => received.map(|()| "SIGTERM"),
                received = interrupt.recv() => received.map(|()| "SIGINT"),
            };
            let Some(name) = name else {
                return;
            };
            info!(signal = name, "asked to stop");
            next();
        }
    });
    Ok(())
}
