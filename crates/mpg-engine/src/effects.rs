//! Effects with one end: each becomes a future of the event that it ends in.

use std::sync::Arc;

use mpg_core::event::{Event, ThreadRefusal};
use mpg_core::id::{ConversationId, MessageRef, RootId, TurnId};
use mpg_core::port::{DeliveryError, Outbox, WorkspaceRequest, Workspaces};
use tokio::time::sleep;
use tracing::warn;

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
