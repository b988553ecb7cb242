//! A gateway in this process, put together as the daemon does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::id::{ChannelId, ChannelKey, PlatformId};
use mpg_core::port::{AgentRuntime, Connection, Store as _};
use mpg_discord::{PLATFORM, Settings, ThreadArchive, Token};
use mpg_engine::{Ended, Engine, EngineError, StopHandle};
use mpg_store::SqliteStore;
use mpg_testkit::discord::{Discord, Snowflake};
use mpg_workspace::PlainDirectories;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::past;

/// As many as the daemon has.
const THREADS: usize = 2;

/// A gateway with threads of its own, and its state on disk.
pub(crate) struct Running {
    runtime: Runtime,
    stop: StopHandle,
    task: JoinHandle<Result<Ended, EngineError>>,
    // Removed once nothing is written to it any more.
    _directory: TempDir,
}

impl Running {
    /// Starts a gateway with one mapped channel, so many slots and so many warm agents.
    pub(crate) fn start(
        connect: impl Future<Output = Connection> + Send + 'static,
        channel: ChannelKey,
        agents: Arc<dyn AgentRuntime>,
        slots: u32,
        warm: u32,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let project = directory.path().to_str().unwrap();
        let config = past::config(channel, project, slots, warm);
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .unwrap();
        let (stop, signal) = mpg_engine::stop();
        let task = runtime.spawn(async move {
            let store = Arc::new(SqliteStore::open(&state).await.unwrap());
            let snapshot = store.load().await.unwrap();
            let engine = Engine::builder(Arc::new(config), agents)
                .store(store, snapshot)
                .workspaces(Arc::new(PlainDirectories))
                .connection(connect.await)
                .build();
            engine.run(signal).await
        });
        Self {
            runtime,
            stop,
            task,
            _directory: directory,
        }
    }

    /// Lets what runs end, and stops.
    pub(crate) async fn stop(self) {
        self.stop.drain();
        let ended = self.task.await.unwrap().unwrap();
        assert_eq!(ended, Ended::Drained);
        self.runtime.shutdown_background();
    }
}

/// Connects to a loopback Discord, without the limit of requests that Discord's own has.
pub(crate) fn discord(
    discord: &Discord,
    channel: Snowflake,
) -> impl Future<Output = Connection> + Send + use<> {
    let mut settings = Settings::new(Token::new(discord.token()));
    settings.api_url = Some(discord.origin());
    settings.gateway_url = Some(discord.gateway_url());
    settings.channels.replace(BTreeMap::from([(
        key(channel).channel,
        ThreadArchive::default(),
    )]));
    settings.requests_per_second = 10_000;
    settings.reactions_apart = Duration::ZERO;
    async move { mpg_discord::connect(settings, None).await.unwrap() }
}

/// A channel of Discord as the configuration maps it.
pub(crate) fn key(channel: Snowflake) -> ChannelKey {
    let channel = ChannelId::new(channel.to_string());
    ChannelKey::new(PlatformId::new(PLATFORM), channel)
}
