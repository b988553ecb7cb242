//! What the system tells a keeper itself.

use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the system tells the keeper itself.
pub(super) struct Signals {
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Signals {
    pub(super) fn new() -> Self {
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            hang_up: signal(SignalKind::hangup()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    /// Waits until it is told to end. Somebody who watches and presses ctrl-c does not end it.
    pub(super) async fn end(&mut self) {
        loop {
            select! {
                () = next(&mut self.terminate) => return,
                () = next(&mut self.hang_up) => return,
                () = next(&mut self.interrupt) => {}
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}
