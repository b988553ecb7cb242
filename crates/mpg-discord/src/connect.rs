//! Connecting.

use std::sync::Arc;

use mpg_core::id::Position;
use mpg_core::port::Connection;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::declaration::Declaration;
use crate::directory::Directory;
use crate::files::Files;
use crate::gateway::{self, Gateway};
use crate::inbox::{self, Inbox, Translator};
use crate::interactions::Interactions;
use crate::lookup::LookUps;
use crate::origin::origin;
use crate::outbox::Outbox;
use crate::position::Resume;
use crate::rest::Rest;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::sign::Signs;
use crate::transport;

/// Where Discord's REST API is.
pub(crate) const API: &str = "https://discord.com";

/// Why the adapter cannot even begin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The address of the REST API is none.
    #[error("the API address {0}; write an origin such as https://discord.com")]
    ApiUrl(String),
    /// The address of the gateway is none.
    #[error("the gateway address {0}; write one such as wss://gateway.discord.gg")]
    GatewayUrl(String),
    /// The token is empty or has characters that no token has.
    #[error("the token cannot be one: it is empty, or has characters that no token has")]
    Token,
}

/// Starts the adapter: it connects, and stays connected, in the background.
///
/// Returns at once; whether Discord can be reached and takes the token is told by the inbox, as
/// [`Link`](mpg_core::message::Link). With a stored position it goes on where that was read, so
/// that what was missed is replayed; a position that is none of this adapter is ignored. Dropping
/// the inbox ends the connection, in a way that it can be resumed.
///
/// Has to be called inside a Tokio runtime. Where the process has no default TLS provider, it
/// installs ring.
///
/// # Errors
///
/// Only for settings that cannot be right.
pub async fn connect(
    settings: Settings,
    resume: Option<Position>,
) -> Result<Connection, ConnectError> {
    let api = origin(
        settings.api_url.as_deref().unwrap_or(API),
        &["http", "https"],
    )
    .map_err(ConnectError::ApiUrl)?;
    let gateway_url = settings
        .gateway_url
        .as_deref()
        .map(|url| origin(url, &["ws", "wss"]))
        .transpose()
        .map_err(ConnectError::GatewayUrl)?;
    if settings.token.expose().is_empty() {
        return Err(ConnectError::Token);
    }
    transport::install_tls();
    let resume = resume.as_ref().and_then(|position| {
        let read = Resume::read(position);
        if read.is_none() {
            tracing::warn!("the stored position cannot be read; a new session is started");
        }
        read
    });
    let rest = Rest::new(&api, &settings.token, settings.requests_per_second)
        .ok_or(ConnectError::Token)?;
    let rest = Arc::new(rest);
    let mut directory = Directory::default();
    if let Some(me) = resume.as_ref().and_then(|resume| resume.user) {
        directory.set_me(me);
    }
    let directory = Shared::new(directory);
    settings.channels.attach(&directory);

    let interactions = Interactions::new(
        Arc::clone(&rest),
        directory.clone(),
        settings.native.clone(),
    );
    let interactions = Arc::new(interactions);
    let declaration = settings.native.map(|commands| Declaration {
        rest: Arc::clone(&rest),
        commands,
        wanted: settings.declare_commands,
    });

    let (item_sender, items) = mpsc::channel(gateway::QUEUE);
    let (translated, inbox) = mpsc::channel(inbox::QUEUE);
    let gateway = Gateway {
        token: settings.token,
        url: gateway_url,
        rest: Arc::clone(&rest),
        resume,
        items: item_sender,
        interactions: Arc::clone(&interactions),
        declaration,
    };
    let translator = Translator {
        look_ups: LookUps::new(Arc::clone(&rest), directory.clone(), settings.look_up_limit),
        directory: directory.clone(),
        items,
        translated,
    };
    tokio::spawn(gateway.run());
    tokio::spawn(translator.run());
    Ok(Connection {
        platform: crate::platform(),
        inbox: Box::new(Inbox::new(inbox)),
        outbox: Arc::new(Outbox {
            rest,
            files: Files::new(&api, &settings.attachment_hosts),
            directory,
            channels: settings.channels,
            signs: Signs::new(settings.reactions_apart),
            interactions,
        }),
    })
}
