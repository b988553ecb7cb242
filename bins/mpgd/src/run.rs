//! `mpgd run`: the gateway itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mpg_claude::GatewayIdentity;
use mpg_core::agent::{Network, Sandbox};
use mpg_core::config::Config;
use mpg_core::id::{ChannelId, PlatformId};
use mpg_core::native::NativeCommands;
use mpg_core::observe::Observer;
use mpg_core::port::{Connection, Store as _, Workspaces};
use mpg_core::snapshot::Snapshot;
use mpg_discord::config::TableSettings;
use mpg_discord::{ThreadArchive, Token};
use mpg_engine::{Ended, Engine};
use mpg_store::{Limits, SqliteStore};
use mpg_web::chat::{self, Chat};
use mpg_web::{Backing, Configured, Invitations, Listing, Watch};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::agent::Agent;
use crate::cli::Global;
use crate::configuration::Configuration;
use crate::control::{Control, Served, SocketPath};
use crate::dashboard::Doorway;
use crate::ending::Ending;
use crate::exit::Failure;
use crate::file_door::FileDoor;
use crate::http::EngineDesk;
use crate::logging::Log;
use crate::notify::Notify;
use crate::reload::{self, Platform, Reloader, Running};
use crate::sent::Sent;
use crate::{adoption, http, logging, secret, signals, state_dir, workspaces};

/// The file in a state's directory by which it is known that there is one.
const STATE: &str = "state.db";

/// How long a stop waits for a `claude` that was asked for its version.
const VERSION_WAIT: Duration = Duration::from_secs(2);

/// The loop, the shard and the store's waiting side: more threads would only wait.
const THREADS: usize = 2;

/// The folder of the agents' sessions, below the state.
pub(crate) const SESSIONS: &str = "sessions";

/// The folder of the files that people attach, below the state. Its name begins with what lets agents
/// read in it although the state is closed to them.
pub(crate) const FILES: &str = "@files";

/// The folder of the files that agents hand over until they are posted, below the state.
const COPIES: &str = "outgoing";

pub(crate) fn run(global: &Global) -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(global)?;
    let log = logging::start_with_files(configuration.log_level(), global.log_level.is_some());
    for problem in configuration.warnings.problems() {
        warn!("{}: {}", configuration.path, problem.message);
    }
    runtime()?.block_on(serve(global, configuration, log))
}

/// The runtime that everything runs in.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(Failure::io("threads cannot be started"))
}

#[expect(
    clippy::too_many_lines,
    reason = "the daemon is put together in one place"
)]
async fn serve(
    global: &Global,
    configuration: Configuration,
    mut log: Log,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let (handle, stop) = mpg_engine::stop();
    let notify = Notify::from_environment(&configuration.environment);
    let drain_limit = configuration.settings.drain_limit;
    let ending = Ending::new(handle, notify.clone(), drain_limit);
    let signalled = ending.clone();
    signals::forward(move || signalled.next())?;
    // Without a token nothing is begun, not even a state.
    let token = token(&configuration).await?;
    let state_dir = Path::new(&configuration.state_dir);
    let is_new = !state_dir.join(STATE).exists();
    let limits = Limits {
        audit_keep: configuration.settings.audit_keep,
        ..Limits::default()
    };
    let store = Arc::new(SqliteStore::open_with(state_dir, limits).await?);
    write_log(&mut log, &configuration);
    // With the lock of the state: a socket that is there already belongs to nobody.
    let control = Control::bind(SocketPath::of(state_dir, &configuration.environment))
        .map_err(Failure::io("the control socket cannot be made"))?;
    let chosen = configuration.settings.http.chosen && !configuration.of_predecessor;
    let listener = http::listen(&configuration.settings.http, chosen, store.as_ref()).await?;
    let mut snapshot = store.load().await?;
    if is_new && configuration.of_predecessor {
        snapshot = adopt_sessions(&configuration, &store, snapshot).await?;
    }
    info!(
        configuration = configuration.path,
        state = configuration.state_dir,
        threads = snapshot.threads.len(),
        "starting"
    );

    let discord = match (&configuration.discord, token) {
        (Some(table), Some(token)) => {
            Some(connect_discord(&configuration, table, token, &snapshot).await?)
        }
        (_, _) => None,
    };
    let config = Arc::new(configuration.config.clone());
    let configured = Configured::new(Arc::clone(&config), listings(&configuration));
    let (chat, browser) = browser(&configured, &config, listener.is_some()).unzip();
    let connections = discord.iter().map(|(one, _)| one).chain(&browser);
    let platforms: Vec<PlatformId> = connections.map(|one| one.platform.clone()).collect();
    let watched = platforms.iter().cloned().collect();
    let watch = Arc::new(Watch::new(&configuration.config.routing, watched));
    let (discord, followers) = discord.unzip();
    let running = Running::new(&configuration, Arc::clone(&config));
    let Configuration {
        settings,
        agent,
        environment,
        state_dir,
        ..
    } = configuration;
    confined(&config, &agent).await?;
    let asked_version = tokio::spawn(agent.clone().report());
    let gateway = GatewayIdentity {
        installation: snapshot.installation,
        epoch: store.epoch(),
        secret: mpg_claude::Secret::new(*store.secret().expose()),
    };
    let sessions = below(&state_dir, SESSIONS)?;
    let invitations = Arc::new(Invitations::default());
    let doorway = listener.as_ref().and_then(|listener| {
        let address = listener.address().ok()?;
        Some(Doorway::new(address, Arc::clone(&invitations)))
    });
    let key = gateway.secret.clone();
    let door = FileDoor::open(Path::new(&state_dir), &environment, key)
        .map_err(Failure::io("the socket for agents cannot be made"))?;
    let runtime = agent.runtime(sessions.clone(), gateway, Some(door.gate()));

    let workspaces = workspaces::of(
        &config,
        &settings,
        &environment,
        &snapshot,
        agent.protected(),
    );
    tokio::spawn(workspaces::reconcile(
        Arc::clone(&workspaces),
        workspaces::directories(&config, &settings),
        snapshot.threads.keys().cloned().collect(),
    ));
    let durable: Arc<dyn mpg_core::port::Store> = store.clone();
    let observer: Arc<dyn Observer> = watch.clone();
    let observer = match &chat {
        Some(chat) => chat.observer(observer),
        None => observer,
    };
    let sent = Arc::new(Sent::new(observer));
    let mut engine = Engine::builder(Arc::clone(&config), Arc::new(runtime))
        .store(durable, snapshot)
        .workspaces(Arc::clone(&workspaces) as Arc<dyn Workspaces>)
        .files(below(&state_dir, FILES)?)
        .observer(sent.clone())
        .copies(below(&state_dir, COPIES)?)
        .drain_limit(drain_limit);
    for connection in discord.into_iter().chain(browser) {
        engine = engine.connection(connection);
    }
    let engine = engine.build();
    let (reload, reloads) = reload::channel();
    let reloader = Reloader {
        global: global.clone(),
        running,
        engine: engine.control(),
        level: log.level.clone(),
        workspaces,
        discord: followers,
        watch: Arc::clone(&watch),
        configured: configured.clone(),
    };
    let reloading = tokio::spawn(reloader.run(reloads));
    let controlled = tokio::spawn(control.serve(Served {
        engine: engine.control(),
        tokens: store.clone(),
        reload,
        doorway,
        sent,
        ending: ending.clone(),
        started,
    }));
    let handed = tokio::spawn(door.serve(engine.file_desk()));
    tokio::spawn(notify.clone().follow(engine.control(), platforms));
    let desk = Arc::new(EngineDesk::new(engine.control(), sessions));
    let backing = Backing {
        desk,
        views: store.clone(),
        tokens: store.clone(),
        audit: store.clone(),
        invitations,
        watch,
        configured,
        chat,
        hosts: settings.http.hosts,
        version: env!("CARGO_PKG_VERSION"),
    };
    let served = listener.map(|listener| tokio::spawn(http::serve(listener, backing)));
    let ended = engine.run(stop).await;
    ending.announce();
    reloading.abort();
    for serving in [Some(controlled), Some(handed), served]
        .into_iter()
        .flatten()
    {
        serving.abort();
        // Its end is that it was told to end.
        drop(serving.await);
    }
    // What was started to ask is not left behind; beyond this it is killed with the runtime.
    drop(timeout(VERSION_WAIT, asked_version).await);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await?;
    }
    report(&ended?);
    Ok(ExitCode::SUCCESS)
}

/// The chat in the browser, where a channel of it is mapped.
fn browser(
    configured: &Configured,
    config: &Config,
    is_served: bool,
) -> Option<(Chat, Connection)> {
    if !maps_browser(config) {
        return None;
    }
    if !is_served {
        warn!(
            "a channel of the browser is mapped, and nothing is served over HTTP: set `listen` in [http]"
        );
    }
    let first = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    Some(chat::connect(configured.clone(), first))
}

/// Whether a channel of the browser leads to a project.
pub(crate) fn maps_browser(config: &Config) -> bool {
    let mut channels = config.routing.channels();
    channels.any(|(channel, _)| channel.platform.as_str() == chat::PLATFORM)
}

/// What the dashboard shows of the configuration besides projects.
pub(crate) fn listings(configuration: &Configuration) -> Vec<Listing> {
    http::listings(
        &configuration.path,
        &configuration.state_dir,
        &configuration.settings,
        configuration.discord.as_ref(),
    )
}

async fn token(configuration: &Configuration) -> Result<Option<Token>, Failure> {
    match &configuration.discord {
        Some(table) => {
            let token = secret::token(&table.token, &configuration.environment).await?;
            Ok(Some(token))
        }
        None => Ok(None),
    }
}

/// Where something is below the state, wherever the process goes.
fn below(state: &str, name: &str) -> Result<PathBuf, Failure> {
    std::path::absolute(Path::new(state).join(name)).map_err(Failure::io("the working directory"))
}

fn report(ended: &Ended) {
    match ended {
        Ended::Drained => info!("stopped"),
        Ended::Cut { turns, posts } => warn!(
            turns,
            posts, "stopped; what was cut off goes on at the next start"
        ),
    }
}

/// Refuses to start where agents are to be confined and cannot be.
async fn confined(config: &Config, agent: &Agent) -> Result<(), Failure> {
    let setups = || {
        let projects = config.routing.projects();
        projects.flat_map(|project| project.setups())
    };
    let strict = setups().any(|setup| setup.sandbox == Sandbox::Strict);
    if strict && agent.sandbox().await.is_none() {
        return Err(Failure::Refused(
            "`sandbox = \"strict\"` needs bubblewrap or Landlock, and neither works here; install \
             bubblewrap, or set `sandbox = \"auto\"`"
                .to_owned(),
        ));
    }
    if setups().any(|setup| setup.network == Network::Model) {
        let reached = agent.model_alone().await.map_err(Failure::Refused)?;
        info!(
            reached,
            "agents with `network = \"model\"` reach their model alone"
        );
    }
    Ok(())
}

/// Takes over the sessions beside the predecessor's file: once, for what is ended here later stays
/// ended.
async fn adopt_sessions(
    configuration: &Configuration,
    store: &SqliteStore,
    snapshot: Snapshot,
) -> Result<Snapshot, Failure> {
    let Some(file) = adoption::beside(Path::new(&configuration.path)) else {
        return Ok(snapshot);
    };
    let found = match adoption::read(&file) {
        Ok(found) => found,
        Err(failure) => {
            warn!("{failure}");
            return Ok(snapshot);
        }
    };
    let adoption = adoption::adopt(&found, &configuration.config, &snapshot, Timestamp::now());
    for left in &adoption.left {
        warn!("not taken over: {left}");
    }
    store.commit(&adoption.records).await?;
    info!(sessions = adoption.taken, file = %file.display(), "took over sessions");
    Ok(store.load().await?)
}

async fn connect_discord(
    configuration: &Configuration,
    table: &TableSettings,
    token: Token,
    snapshot: &Snapshot,
) -> Result<(Connection, Platform), Failure> {
    let mut settings = mpg_discord::Settings::new(token);
    settings.api_url.clone_from(&table.api_url);
    settings.gateway_url.clone_from(&table.gateway_url);
    if let Some(limit) = table.requests_per_second {
        settings.requests_per_second = limit;
    }
    settings
        .attachment_hosts
        .clone_from(&table.attachment_hosts);
    settings.channels.replace(channels(configuration));
    let commands = Arc::new(NativeCommands::new(Arc::new(configuration.config.clone())));
    settings.native = Some(Arc::clone(&commands));
    let follows = Platform {
        commands,
        channels: settings.channels.clone(),
    };
    settings.declare_commands = table.native_commands;
    let platform = PlatformId::new(mpg_discord::PLATFORM);
    let position = snapshot.positions.get(&platform).cloned();
    let connection = mpg_discord::connect(settings, position)
        .await
        .map_err(|error| Failure::NoConfig(format!("[discord]: {error}")))?;
    Ok((connection, follows))
}

/// Writes the log into its files from now on; where that cannot be done, it is on standard error.
fn write_log(log: &mut Log, configuration: &Configuration) {
    let directory = match &configuration.settings.log.dir {
        Some(directory) => directory.into(),
        None => Path::new(&configuration.state_dir).join(state_dir::LOG),
    };
    if let Some(files) = &mut log.files
        && let Err(error) = files.open(&directory)
    {
        warn!(%error, directory = %directory.display(), "the log is not written into files");
    }
}

/// The channels that Discord's messages of projects come from.
pub(crate) fn channels(configuration: &Configuration) -> BTreeMap<ChannelId, ThreadArchive> {
    let channels = configuration.config.routing.channels();
    channels
        .filter(|(key, _)| key.platform.as_str() == mpg_discord::PLATFORM)
        .map(|(key, project)| {
            let project = configuration.settings.projects.get(project);
            let minutes = project.map(|project| project.thread_archive.as_secs() / 60);
            let archive = minutes.and_then(ThreadArchive::from_minutes);
            (key.channel.clone(), archive.unwrap_or_default())
        })
        .collect()
}
