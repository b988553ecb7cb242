//! A loopback Discord: REST and gateway in one server on 127.0.0.1, as strict as the real one.
//!
//! It knows no client: objects are complete, ids rise, lengths are counted in code points, and what
//! Discord refuses is refused with Discord's codes. The behaviour follows Discord's documentation
//! of API version 10; what that leaves open is said where it is decided. Behind it stands a
//! [`World`] that tests change as people do, look at, and wait for; nothing in it needs a sleep.
//!
//! The server runs on a thread of its own, so a test's paused clock does not reach it, and ends
//! with all its connections when its [`Discord`] is dropped.

mod builder;
mod call;
mod content;
mod control;
mod fault;
mod gateway;
mod limit;
mod listener;
mod object;
mod people;
mod permission;
mod press;
mod refusal;
mod rest;
mod shared;
mod snowflake;
mod view;
mod world;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

pub use self::builder::DiscordBuilder;
pub use self::call::{CALL_LOG, Call};
pub use self::content::FileFault;
pub use self::fault::{Fault, Scope};
pub use self::gateway::GatewayFault;
pub use self::limit::{Quota, RateLimits};
pub use self::permission::Permission;
pub use self::snowflake::Snowflake;
pub use self::world::{
    CHANNEL_HISTORY, Channel, EARLIER_TEXTS, Guild, Interaction, Message, PrivateMessage,
    ThreadState, User, World,
};

use self::builder::Settings;
use self::listener::{Cut, Loopback};
use self::shared::Shared;

/// How long [`Discord::wait_for`] waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many calls are shown when it does.
const SHOWN_CALLS: usize = 60;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Discord {
    shared: Arc<Shared>,
    address: SocketAddr,
    token: String,
    runtime: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Discord {
    /// Starts a server with default settings.
    ///
    /// # Panics
    ///
    /// When no port or thread is to be had.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Sets up a server.
    pub fn builder() -> DiscordBuilder {
        DiscordBuilder::default()
    }

    /// Where REST is: `http://127.0.0.1:PORT`, to which clients add `/api/v10`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the gateway is: `ws://127.0.0.1:PORT`.
    pub fn gateway_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The token that the bot has to show, without `Bot `.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Looks at the world.
    pub fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        self.shared.read(look)
    }

    /// A receiver that is woken by every change of the world.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes()
    }

    /// Waits until the world is as wanted.
    ///
    /// # Panics
    ///
    /// After 30 s, with the log of calls.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_for(&self, condition: impl Fn(&World) -> bool) {
        self.wait_until(|world| condition(world).then_some(()))
            .await;
    }

    /// Waits until something is in the world, and takes it out.
    ///
    /// # Panics
    ///
    /// After 30 s, with the log of calls.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_until<R>(&self, find: impl Fn(&World) -> Option<R>) -> R {
        let mut changes = self.shared.changes();
        // On the server's own clock, which no test pauses.
        let mut patience = JoinSet::new();
        patience.spawn_on(tokio::time::sleep(PATIENCE), &self.runtime);
        loop {
            if let Some(found) = self.look(&find) {
                return found;
            }
            tokio::select! {
                biased;
                woken = changes.changed() => assert!(woken.is_ok(), "the server has ended"),
                _ = patience.join_next() => {
                    panic!("not so after {PATIENCE:?}; the calls were:\n{}", self.transcript())
                }
            }
        }
    }

    /// The last calls and the state of the gateway, for people.
    pub fn transcript(&self) -> String {
        self.look(|world| {
            let calls = world.calls();
            let mut text = String::new();
            for call in &calls[calls.len().saturating_sub(SHOWN_CALLS)..] {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "  {call}");
            }
            let _ = writeln!(
                text,
                "  gateway: {} connections, {} sessions begun, {} resumed",
                world.connection_count(),
                world.identify_count(),
                world.resume_count(),
            );
            text
        })
    }

    async fn launch(settings: Settings) -> Self {
        let token = settings.token.clone();
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("loopback-discord".to_owned())
            .spawn(move || serve(settings, ready, stopped))
            .expect("a thread for the server");
        let (shared, address, runtime) = started.await.expect("a port on loopback");
        Self {
            shared,
            address,
            token,
            runtime,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there was printed where it happened; another one here would abort.
            drop(thread.join());
        }
    }
}

/// The running parts of a server.
type Started = (Arc<Shared>, SocketAddr, tokio::runtime::Handle);

/// Runs a server until `stopped` is dropped. Its connections end with the runtime.
fn serve(settings: Settings, ready: oneshot::Sender<Started>, stopped: oneshot::Receiver<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    runtime.block_on(async {
        let Ok(listener) = Loopback::bind().await else {
            return;
        };
        let address = listener.address();
        let world = World::new(settings, format!("http://{address}"));
        let shared = Arc::new(Shared::new(world));
        let router = Router::new()
            .route("/", get(gateway::upgrade))
            .route("/gateway", get(gateway::upgrade))
            .route("/gateway/", get(gateway::upgrade))
            .route("/attachments/{*path}", get(content::handle))
            .fallback(rest::handle)
            .with_state(shared.clone())
            .into_make_service_with_connect_info::<Cut>();
        let handle = tokio::runtime::Handle::current();
        if ready.send((shared, address, handle)).is_err() {
            return;
        }
        tokio::select! {
            _ = axum::serve(listener, router) => {}
            _ = stopped => {}
        }
    });
}
