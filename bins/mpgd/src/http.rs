//! What the daemon serves over HTTP, and where.

mod desk;
mod listing;

use mpg_config::HttpSettings;
use mpg_core::token::Tokens;
use mpg_web::{Backing, BindError, Listener};
use tracing::{info, warn};

use crate::exit::Failure;

pub(crate) use desk::EngineDesk;
pub(crate) use listing::listings;

/// Listens where the configuration says; nowhere, where it says so, or where the address that nobody
/// chose is taken.
pub(crate) async fn listen(
    settings: &HttpSettings,
    required: bool,
    tokens: &dyn Tokens,
) -> Result<Option<Listener>, Failure> {
    let Some(address) = settings.listen else {
        return Ok(None);
    };
    if !address.ip().is_loopback() && tokens.tokens().await?.is_empty() {
        return Err(Failure::NoConfig(format!(
            "`http.listen` is {address}, which others can reach, and there is no token yet; make \
             one with `mpgd token create`, or listen on 127.0.0.1"
        )));
    }
    match Listener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error @ BindError::InUse(_)) if !required => {
            warn!("{error}; nothing is served over http. Set `listen` in [http], or make it false");
            Ok(None)
        }
        Err(error @ BindError::InUse(_)) => Err(Failure::Refused(format!(
            "`http.listen`: {error}; end that one, choose another port, or set `listen = false`"
        ))),
        Err(BindError::Io { address, source }) => Err(Failure::Io {
            what: format!("`http.listen`: {address} cannot be listened at"),
            source,
        }),
    }
}

/// Serves until the future is dropped.
pub(crate) async fn serve(listener: Listener, backing: Backing) {
    match listener.address() {
        Ok(address) => info!(%address, "serving http"),
        Err(error) => warn!(%error, "serving http at an unknown address"),
    }
    mpg_web::serve(listener, mpg_web::router(backing)).await;
}
