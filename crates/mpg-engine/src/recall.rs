//! What was said before, put in front of what an agent is asked.

use std::sync::Weak;
use std::time::Duration;

use mpg_core::history::HistoryRequest;
use mpg_core::port::Store;
use tokio::time::timeout;
use tracing::warn;

/// How long the store may take. An agent is asked without its history rather than not at all.
const LIMIT: Duration = Duration::from_secs(5);

/// What is asked, behind what the agent has not seen of its thread.
pub(crate) async fn recall(
    store: Weak<dyn Store>,
    request: Option<HistoryRequest>,
    prompt: String,
) -> String {
    // Without a store the engine is gone, and nobody is asked any more.
    let (Some(request), Some(store)) = (request, store.upgrade()) else {
        return prompt;
    };
    match timeout(LIMIT, store.said(&request.root)).await {
        Ok(Ok(said)) => request.frame(&said, &prompt),
        Ok(Err(error)) => {
            warn!(root = %request.root, %error, "asked without what was said before");
            prompt
        }
        Err(_) => {
            warn!(root = %request.root, "asked without what was said before: the store is too slow");
            prompt
        }
    }
}
