//! Signals: the first asks the engine to finish what runs, the second to stop waiting.

use mpg_engine::StopHandle;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::exit::Failure;

/// Passes SIGTERM and SIGINT on to the engine, for as long as the runtime lives.
pub(crate) fn forward(stop: StopHandle) -> Result<(), Failure> {
    let what = "signals cannot be received";
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::io(what))?;
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
            stop.next();
        }
    });
    Ok(())
}
