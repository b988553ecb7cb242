//! How a running engine is told to end: first to finish what runs, then to stop waiting.

use tokio::sync::watch;

/// How urgently the engine shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Run,
    Drain,
    Cut,
}

/// Tells the engine to end. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct StopHandle(watch::Sender<Stage>);

/// The engine's end of a [`StopHandle`].
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Stage>);

/// A handle and the signal that it gives.
pub fn stop() -> (StopHandle, StopSignal) {
    let (sender, receiver) = watch::channel(Stage::Run);
    (StopHandle(sender), StopSignal(receiver))
}

impl StopHandle {
    /// Start nothing new, and end when what runs has ended or the drain limit has passed.
    pub fn drain(&self) {
        self.raise(Stage::Drain);
    }

    /// Stop waiting for what runs. It is taken up by the next start.
    pub fn cut(&self) {
        self.raise(Stage::Cut);
    }

    /// One step further: drain, then cut.
    pub fn next(&self) {
        let drains = *self.0.borrow() >= Stage::Drain;
        self.raise(if drains { Stage::Cut } else { Stage::Drain });
    }

    fn raise(&self, stage: Stage) {
        self.0.send_if_modified(|current| {
            let further = stage > *current;
            *current = stage.max(*current);
            further
        });
    }
}

impl StopSignal {
    /// Whether nothing new shall be started.
    pub(crate) fn drains(&self) -> bool {
        *self.0.borrow() >= Stage::Drain
    }

    /// Whether nothing shall be waited for.
    pub(crate) fn cuts(&self) -> bool {
        *self.0.borrow() >= Stage::Cut
    }

    /// Waits for a further stage; for ever, if there is nobody left to give it.
    ///
    /// Cancel safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
