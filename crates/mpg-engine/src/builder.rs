//! Putting an engine together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::config::Config;
use mpg_core::id::InstallationId;
use mpg_core::observe::Observer;
use mpg_core::port::{
    AgentRuntime, Connection, Store, Workspace, WorkspaceError, WorkspaceRequest, Workspaces,
};
use mpg_core::snapshot::Snapshot;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::clock::Clock;
use crate::control::{ControlHandle, control};
use crate::copies::Copies;
use crate::desk::FileDesk;
use crate::engine::{Ended, EngineError, Loop, Parts};
use crate::files::Files;
use crate::intake::Intake;
use crate::memory_store::MemoryStore;
use crate::observation::Observation;
use crate::stop::StopSignal;

/// A gateway with everything that it needs to run.
///
/// Built by [`Engine::builder`]; [`run`](Engine::run) is its whole life.
#[derive(Debug)]
pub struct Engine {
    parts: Parts,
    connections: Vec<Connection>,
    control: ControlHandle,
}

/// Puts an [`Engine`] together. What is not given has a default that needs nothing: state in
/// memory, and each project's own directory to work in.
#[derive(Debug)]
pub struct EngineBuilder {
    config: Arc<Config>,
    runtime: Arc<dyn AgentRuntime>,
    store: Option<(Arc<dyn Store>, Snapshot)>,
    workspaces: Arc<dyn Workspaces>,
    connections: Vec<Connection>,
    files: Files,
    copies: Copies,
    drain_limit: Duration,
    clock: Option<Clock>,
    observer: Option<Arc<dyn Observer>>,
}

impl Engine {
    /// Begins with the two things that have no default: what is served, and who answers.
    pub fn builder(config: Arc<Config>, runtime: Arc<dyn AgentRuntime>) -> EngineBuilder {
        EngineBuilder {
            config,
            runtime,
            store: None,
            workspaces: Arc::new(ProjectDirectories),
            connections: Vec::new(),
            files: Files::default(),
            copies: Copies::in_folder(None),
            drain_limit: Duration::from_secs(30),
            clock: None,
            observer: None,
        }
    }

    /// A handle to ask the engine while it runs.
    pub fn control(&self) -> ControlHandle {
        self.control.clone()
    }

    /// Where agents hand files over, while the engine runs.
    pub fn file_desk(&self) -> FileDesk {
        FileDesk {
            control: self.control(),
            workspaces: Arc::clone(&self.parts.workspaces),
            copies: self.parts.copies.clone(),
        }
    }

    /// Runs until `stop` is given, then ends what runs within the drain limit; or until nothing can
    /// come in any more, then ends when everything that came in is answered.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] once something cannot be stored: nothing is done after that but to let
    /// go of the agents, and what was stored is taken up by the next run. [`EngineError::Platform`] if the last
    /// platform is lost for good.
    pub async fn run(self, stop: StopSignal) -> Result<Ended, EngineError> {
        let intake = Intake::new();
        let mut readers = JoinSet::new();
        let mut stored = BTreeMap::new();
        let inboxes = self.connections.len();
        for connection in self.connections {
            let (acknowledge, reader) = intake.read(connection.platform.clone(), connection.inbox);
            stored.insert(connection.platform, acknowledge);
            readers.spawn(reader);
        }
        let ended = Loop::new(self.parts, stored)
            .run(intake, inboxes, stop)
            .await;
        readers.shutdown().await;
        ended
    }
}

impl EngineBuilder {
    /// Keeps the state in `store`, and begins with what it has loaded.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>, loaded: Snapshot) -> Self {
        self.store = Some((store, loaded));
        self
    }

    /// Lets `workspaces` say where conversations work.
    #[must_use]
    pub fn workspaces(mut self, workspaces: Arc<dyn Workspaces>) -> Self {
        self.workspaces = workspaces;
        self
    }

    /// Adds a platform. There is one connection a platform: a later one replaces an earlier one.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connections
            .retain(|earlier| earlier.platform != connection.platform);
        self.connections.push(connection);
        self
    }

    /// Keeps the files that come with messages in `folder`, absolute and for this user alone, until
    /// their turns end. The default is nowhere: then no file is passed on.
    ///
    /// Agents are told the paths, so they have to see the folder under the same name. What is in it
    /// and belongs to no running turn is removed at the start.
    #[must_use]
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Files::in_folder(Some(folder.into()));
        self
    }

    /// Keeps copies of the files that agents hand over in `folder`, for this user alone, until they
    /// are posted. The default is nowhere: then nothing can be handed over.
    ///
    /// What is in it and belongs to no post that is owed is removed at the start.
    #[must_use]
    pub fn copies(mut self, folder: impl Into<PathBuf>) -> Self {
        self.copies = Copies::in_folder(Some(folder.into()));
        self
    }

    /// How long running turns may go on once the engine is told to end. The default is 30 s.
    #[must_use]
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain_limit = limit;
        self
    }

    /// Tells the time by `clock` instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Lets `observer` see what the engine sees and does. The default sees nothing.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let (store, snapshot) = self.store.unwrap_or_else(|| {
            let installation = InstallationId::from_uuid(Uuid::nil());
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(installation));
            (store, Snapshot::new(installation))
        });
        let outboxes = self
            .connections
            .iter()
            .map(|connection| (connection.platform.clone(), Arc::clone(&connection.outbox)))
            .collect();
        let (control, requests) = control();
        let clock = self.clock.unwrap_or_else(Clock::system);
        Engine {
            control,
            parts: Parts {
                requests,
                config: self.config,
                snapshot,
                store,
                runtime: self.runtime,
                workspaces: self.workspaces,
                outboxes,
                files: self.files,
                copies: self.copies,
                drain_limit: self.drain_limit,
                clock,
                observation: Observation::new(self.observer, clock),
            },
            connections: self.connections,
        }
    }
}

/// Lets every conversation work in its project's own directory.
#[derive(Debug)]
struct ProjectDirectories;

#[async_trait]
impl Workspaces for ProjectDirectories {
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
        Ok(Workspace::new(request.directory))
    }
}
