//! How the gateway is told to end: by signals, and by `mpgd stop`.

use std::time::Duration;

use mpg_engine::StopHandle;

use crate::notify::Notify;

/// Ends the gateway, and tells the service manager so. Clones end the same one.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    engine: StopHandle,
    manager: Notify,
    drain_limit: Duration,
}

impl Ending {
    pub(crate) fn new(engine: StopHandle, manager: Notify, drain_limit: Duration) -> Self {
        Self {
            engine,
            manager,
            drain_limit,
        }
    }

    /// How long the turns that run are waited for, at the most.
    pub(crate) fn drain_limit(&self) -> Duration {
        self.drain_limit
    }

    /// Waits for the turns that run; the second time for nothing.
    pub(crate) fn next(&self) {
        self.announce();
        self.engine.next();
    }

    /// Waits for the turns that run, however often it is called.
    pub(crate) fn drain(&self) {
        self.announce();
        self.engine.drain();
    }

    /// Waits for nothing.
    pub(crate) fn cut(&self) {
        self.announce();
        self.engine.cut();
    }

    /// Tells the service manager that the gateway ends.
    pub(crate) fn announce(&self) {
        self.manager.stopping(self.drain_limit);
    }
}
