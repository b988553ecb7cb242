//! Effects with one end: each becomes a future of the event that it ends in.

use std::sync::Arc;

use mpg_core::catch_up::{CatchUpFailure, MissedRequest};
use mpg_core::event::{Event, ThreadRefusal};
use mpg_core::id::{ConversationId, MessageRef, Place, RootId, TurnId};
use mpg_core::port::{DeliveryError, Outbox, WorkspaceRequest, Workspaces};
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::backoff::{Backoff, Next};

/// Opens a thread, or finds out that there will be none.
pub(crate) async fn open_thread(
    outbox: Arc<dyn Outbox>,
    root: RootId,
    from: MessageRef,
    title: String,
) -> Event {
    let mut backoff = Backoff::idempotent();
    let result = loop {
        let failure = match outbox.open_thread(&from, &title).await {
            Ok(place) => break Ok(place),
            Err(failure) => failure,
        };
        match backoff.after(&failure) {
            Next::Wait(wait) => {
                warn!(%root, error = %failure, ?wait, "thread not opened, trying again");
                sleep(wait).await;
            }
            Next::GiveUp => {
                warn!(%root, error = %failure, "no thread; the channel serves instead");
                break Err(match failure {
                    DeliveryError::Unsupported => ThreadRefusal::Refused,
                    DeliveryError::Gone(_)
                    | DeliveryError::Removed(_)
                    | DeliveryError::Rejected(_)
                    | DeliveryError::Unknown(_)
                    | DeliveryError::Transient { .. } => ThreadRefusal::Failed(failure.to_string()),
                });
            }
        }
    };
    Event::ThreadOpened { root, result }
}

/// Gives a thread another title, if the platform does that at once: nothing waits for it.
pub(crate) async fn rename(outbox: Arc<dyn Outbox>, place: Place, title: String) -> Event {
    if let Err(error) = outbox.rename_thread(&place, &title).await {
        debug!(%place, %error, "thread not renamed");
    }
    Event::Tick
}

/// Looks what was missed in a channel, for as long as that may hold up what is said there now.
pub(crate) async fn catch_up(outbox: Arc<dyn Outbox>, request: MissedRequest) -> Event {
    let channel = request.channel.clone();
    let mut backoff = Backoff::looking();
    let result = loop {
        let failure = match outbox.missed(&request).await {
            Ok(missed) => break Ok(missed),
            Err(failure) => failure,
        };
        let unknown = match failure {
            DeliveryError::Unsupported | DeliveryError::Gone(_) => {
                break Err(CatchUpFailure::Unsupported);
            }
            // Nothing happens by looking, so it may be looked again.
            DeliveryError::Unknown(message) => DeliveryError::Transient {
                retry_after: None,
                message,
            },
            DeliveryError::Transient { .. }
            | DeliveryError::Rejected(_)
            | DeliveryError::Removed(_) => failure,
        };
        match backoff.after(&unknown) {
            Next::Wait(wait) => {
                warn!(%channel, error = %unknown, ?wait, "looking for what was missed failed, trying again");
                sleep(wait).await;
            }
            Next::GiveUp => {
                warn!(%channel, error = %unknown, "what was missed could not be looked for");
                break Err(CatchUpFailure::Failed(unknown.to_string()));
            }
        }
    };
    Event::CaughtUp { channel, result }
}

/// Prepares the directory that a turn works in.
pub(crate) async fn prepare(
    workspaces: Arc<dyn Workspaces>,
    conversation: ConversationId,
    turn: TurnId,
    request: WorkspaceRequest,
) -> Event {
    let result = workspaces.prepare(request).await;
    Event::WorkspaceReady {
        conversation,
        turn,
        result: result.map_err(|error| error.message),
    }
}
