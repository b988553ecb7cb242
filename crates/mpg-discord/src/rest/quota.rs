//! How many requests Discord takes in a second, whatever they are about.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

/// What the limit is counted over.
const WINDOW: Duration = Duration::from_secs(1);

/// The right to so many requests in any second, as the other end counts them.
///
/// Discord counts a request when it arrives, which is some time between its start and its answer. So a
/// place that was taken is free again a second behind the answer: two requests that took the same place
/// never arrive within one second, however long either was on its way.
#[derive(Debug)]
pub(super) struct Quota(Arc<Semaphore>);

/// The right to one request; hold it until that is answered or given up.
#[derive(Debug)]
pub(super) struct Share(Option<OwnedSemaphorePermit>);

impl Quota {
    pub(super) fn new(requests: u16) -> Self {
        Self(Arc::new(Semaphore::new(usize::from(requests))))
    }

    /// Waits for the right to one request, first come, first served.
    ///
    /// Nothing is taken if the future is dropped.
    pub(super) async fn share(&self) -> Share {
        // The semaphore is never closed.
        Share(Arc::clone(&self.0).acquire_owned().await.ok())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let permit = self.0.take();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(WINDOW).await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_a_second_behind_the_answer() {
        let quota = Quota::new(2);
        let begun = Instant::now();
        let slow = quota.share().await;
        drop(quota.share().await);
        drop(quota.share().await);
        assert_eq!(begun.elapsed().as_secs(), 1);
        sleep(Duration::from_secs(4)).await;
        drop(slow);
        drop(quota.share().await);
        assert_eq!(begun.elapsed().as_secs(), 5, "the other place is free");
        drop(quota.share().await);
        assert_eq!(begun.elapsed().as_secs(), 6);
    }
}
