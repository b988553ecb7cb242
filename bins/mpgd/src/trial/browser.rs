//! `mpgd try --web`: the same chat on a page of the dashboard.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use mpg_core::config::Config;
use mpg_core::port::{AgentRuntime, Store as _};
use mpg_core::token::Scope;
use mpg_engine::{Engine, StopSignal};
use mpg_store::SqliteStore;
use mpg_web::{Backing, Configured, Invitations, Listener, Watch, chat};
use mpg_workspace::PlainDirectories;

use super::opener::Opener;
use super::{DRAIN_LIMIT, Sessions};
use crate::dashboard::Doorway;
use crate::exit::{self, Failure};
use crate::http::{self, EngineDesk};

/// The channel of the page.
pub(super) const CHANNEL: &str = "here";

/// Serves the page until it is told to end. Nothing is kept: the state is in the folder of the chat.
pub(super) async fn serve(
    config: Config,
    runtime: Arc<dyn AgentRuntime>,
    sessions: &Sessions,
    opener: Option<Opener>,
    stop: StopSignal,
) -> Result<(), Failure> {
    let store = Arc::new(SqliteStore::open(&sessions.folder.join("state")).await?);
    let snapshot = store.load().await?;
    let anywhere = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let failed = |error: io::Error| Failure::Io {
        what: "this machine cannot be listened at".to_owned(),
        source: error,
    };
    let listener = Listener::bind(anywhere).await;
    let listener = listener.map_err(|error| failed(io::Error::other(error)))?;
    let address = listener.address().map_err(failed)?;
    let config = Arc::new(config);
    let configured = Configured::new(Arc::clone(&config), Vec::new());
    let first = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let (chat, connection) = chat::connect(configured.clone(), first);
    let platforms = [connection.platform.clone()].into();
    let watch = Arc::new(Watch::new(&config.routing, platforms));
    let invitations = Arc::new(Invitations::default());
    let doorway = Doorway::new(address, Arc::clone(&invitations));
    let engine = Engine::builder(config, runtime)
        .store(store.clone(), snapshot)
        .workspaces(Arc::new(PlainDirectories))
        .observer(chat.observer(watch.clone()))
        .connection(connection)
        .drain_limit(DRAIN_LIMIT)
        .build();
    let backing = Backing {
        desk: Arc::new(EngineDesk::new(engine.control(), sessions.folder.clone())),
        views: store.clone(),
        tokens: store.clone(),
        audit: store.clone(),
        invitations,
        watch,
        configured,
        chat: Some(chat),
        hosts: Vec::new(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let served = tokio::spawn(http::serve(listener, backing));
    let link = doorway.invite_to_chat(Scope::Admin);
    let link = link.map_err(|error| failed(io::Error::from(error)))?;
    exit::print(&format!(
        "open this within five minutes; it lets one browser in:\n{link}\nctrl-c ends\n"
    ));
    if let Some(opener) = opener {
        opener.open(&link, &sessions.folder);
    }
    let ended = engine.run(stop).await;
    served.abort();
    // Its end is that it was told to end.
    drop(served.await);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await?;
    }
    ended?;
    Ok(())
}
