//! A message that is kept where everybody finds it, if that can be had soon.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use mpg_core::id::{MessageId, Place};
use mpg_core::port::{DeliveryError, Outbox};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// How long it is tried in all: the message is there, and other posts wait behind it.
const LIMIT: Duration = Duration::from_secs(20);

/// How long it takes until it is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Pins a message. One that is not pinned is where it is all the same.
pub(crate) async fn pin(outbox: &dyn Outbox, place: &Place, message: &MessageId) {
    if !outbox.capabilities(place).pins {
        debug!(%place, %message, "messages cannot be pinned here");
        return;
    }
    let pinning = AssertUnwindSafe(try_to(outbox, place, message)).catch_unwind();
    match timeout(LIMIT, pinning).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => warn!(%place, %message, %error, "a message is not pinned"),
        Ok(Err(_)) => warn!(%place, %message, "pinning a message panicked"),
        Err(_) => warn!(%place, %message, "a message is not pinned: it took too long"),
    }
}

async fn try_to(
    outbox: &dyn Outbox,
    place: &Place,
    message: &MessageId,
) -> Result<(), DeliveryError> {
    loop {
        let pause = match outbox.pin(place, message).await {
            Ok(()) => return Ok(()),
            Err(DeliveryError::Transient { retry_after, .. }) => retry_after.unwrap_or(PAUSE),
            Err(DeliveryError::Unknown(_)) => PAUSE,
            Err(
                failure @ (DeliveryError::Gone(_)
                | DeliveryError::Removed(_)
                | DeliveryError::Rejected(_)
                | DeliveryError::Unsupported),
            ) => return Err(failure),
        };
        sleep(pause).await;
    }
}
