//! What a scenario is played on.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::{AgentSpec, Permissions};
use mpg_core::attachment::AttachmentLimits;
use mpg_core::capability::{Capabilities, Controls, EditPace, LivePace, Reconcile, Threads};
use mpg_core::config::{
    Config, Limits, OnInterrupted, Patience, Project, RoutingTable, Verbosity, WhileBusy,
};
use mpg_core::id::{InstallationId, Place, ProjectName};
use mpg_core::port::{AgentRuntime, Connection, Store as _, Workspaces};
use mpg_core::snapshot::Snapshot;
use mpg_engine::{
    Clock, ControlHandle, Ended, Engine, EngineBuilder, EngineError, MemoryStore, Prompt,
    ScriptStep, ScriptedRuntime, StopHandle, stop,
};
use mpg_testkit::fake::FakePlatform;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A platform with one mapped channel, and everything else that an engine needs.
pub(crate) struct Stage {
    pub(crate) chat: FakePlatform,
    pub(crate) general: Place,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) runtime: Arc<dyn AgentRuntime>,
    pub(crate) workspaces: Option<Arc<dyn Workspaces>>,
    pub(crate) slots: u32,
    pub(crate) warm: u32,
    pub(crate) turn_timeout: Duration,
    pub(crate) patience: Patience,
    pub(crate) on_interrupted: OnInterrupted,
    pub(crate) permissions: Permissions,
    pub(crate) catch_up_limit: u32,
    pub(crate) drain_limit: Duration,
    /// Where files are kept, if anywhere.
    pub(crate) files: Option<PathBuf>,
    pub(crate) attachments: AttachmentLimits,
    pub(crate) verbosity: Verbosity,
    /// Whether the channel has a message that tells what its threads do.
    pub(crate) status_message: bool,
    pub(crate) while_busy: WhileBusy,
}

/// An engine that runs.
pub(crate) struct Running {
    pub(crate) stop: StopHandle,
    pub(crate) control: ControlHandle,
    task: JoinHandle<Result<Ended, EngineError>>,
}

impl Stage {
    pub(crate) fn new(runtime: impl AgentRuntime + 'static) -> Self {
        Self::on(FakePlatform::new(), runtime)
    }

    pub(crate) fn on(chat: FakePlatform, runtime: impl AgentRuntime + 'static) -> Self {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        Self {
            general: chat.add_channel("general"),
            chat,
            store: Arc::new(MemoryStore::new(installation)),
            runtime: Arc::new(runtime),
            workspaces: None,
            slots: 4,
            warm: 8,
            turn_timeout: Duration::from_mins(1),
            patience: Patience {
                notice: Duration::from_mins(10),
                limit: Duration::from_mins(20),
            },
            on_interrupted: OnInterrupted::Resume,
            permissions: Permissions::Ask,
            catch_up_limit: 200,
            drain_limit: Duration::from_secs(30),
            files: None,
            attachments: AttachmentLimits::default(),
            verbosity: Verbosity::Normal,
            status_message: false,
            while_busy: WhileBusy::Queue,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let mut project = Project::new(ProjectName::new("demo"), "/srv/demo");
        project.channels.insert(self.chat.key("general"));
        project.agent = Arc::new(AgentSpec {
            permissions: self.permissions,
            ..AgentSpec::default()
        });
        project.turn_timeout = self.turn_timeout;
        project.patience = self.patience;
        project.on_interrupted = self.on_interrupted;
        project.catch_up_limit = self.catch_up_limit;
        project.attachments = self.attachments.clone();
        project.verbosity = self.verbosity;
        project.status_message = self.status_message;
        project.while_busy = self.while_busy;
        Config {
            routing: RoutingTable::new([project]).unwrap(),
            limits: Limits {
                max_concurrent_turns: self.slots,
                max_warm_sessions: self.warm,
                ..Limits::default()
            },
        }
    }

    pub(crate) async fn state(&self) -> Snapshot {
        self.store.load().await.unwrap()
    }

    pub(crate) async fn builder(&self) -> EngineBuilder {
        let origin = Timestamp::from_second(1_000_000).unwrap();
        let store = Arc::clone(&self.store);
        let mut builder = Engine::builder(Arc::new(self.config()), Arc::clone(&self.runtime))
            .store(store, self.state().await)
            .drain_limit(self.drain_limit)
            .clock(Clock::runtime(origin));
        if let Some(workspaces) = &self.workspaces {
            builder = builder.workspaces(Arc::clone(workspaces));
        }
        if let Some(files) = &self.files {
            builder = builder.files(files);
        }
        builder
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(self.chat.connect()).await
    }

    pub(crate) async fn start_with(&self, connection: Connection) -> Running {
        let engine = self.builder().await.connection(connection).build();
        let (stop, signal) = stop();
        let control = engine.control();
        let task = tokio::spawn(engine.run(signal));
        Running {
            stop,
            control,
            task,
        }
    }

    /// Waits until so many posts stand on the platform.
    pub(crate) async fn posts(&self, count: usize) {
        self.chat
            .wait_until(|world| world.posts().len() >= count)
            .await;
    }

    /// The texts of all posts.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.chat.look(|world| {
            let posts = world.posts().iter();
            posts.map(|posted| posted.post.text.clone()).collect()
        })
    }
}

impl Running {
    /// Waits for the engine's own end.
    pub(crate) async fn ended(self) -> Result<Ended, EngineError> {
        self.task.await.unwrap()
    }

    /// Ends the engine from one moment to the next.
    pub(crate) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.is_err(), "it runs");
    }

    /// Ends the engine and expects that nothing is left to do.
    pub(crate) async fn drain(self) {
        self.stop.drain();
        assert_eq!(self.ended().await.unwrap(), Ended::Drained);
    }
}

/// Agents that answer after a second, and say to what.
pub(crate) fn echo() -> ScriptedRuntime {
    ScriptedRuntime::new(|prompt| {
        vec![
            ScriptStep::Wait(Duration::from_secs(1)),
            ScriptStep::Say(format!("re: {}", prompt.text)),
        ]
    })
}

/// Agents that do what `script` says for a prompt and the number of prompts before it.
pub(crate) fn script(
    script: impl Fn(&str, usize) -> Vec<ScriptStep> + Send + Sync + 'static,
) -> ScriptedRuntime {
    ScriptedRuntime::new(move |prompt: Prompt<'_>| script(prompt.text, prompt.earlier.len()))
}

pub(crate) fn say(text: &str) -> ScriptStep {
    ScriptStep::Say(text.to_owned())
}

pub(crate) fn wait(seconds: u64) -> ScriptStep {
    ScriptStep::Wait(Duration::from_secs(seconds))
}

/// A channel that shows live text every two seconds and cannot type.
pub(crate) fn with_live_text() -> Capabilities {
    Capabilities {
        threads: Threads::FromMessage,
        live: Some(LivePace {
            interval: Duration::from_secs(2),
        }),
        reconcile: Reconcile::Nonce,
        ..Capabilities::default()
    }
}

/// A channel whose messages can be changed, as often as on a platform that people use.
pub(crate) fn with_edits() -> Capabilities {
    Capabilities {
        threads: Threads::FromMessage,
        typing: false,
        status: true,
        edits: Some(EditPace {
            edits: 5,
            per: Duration::from_secs(5),
            passing: 25,
        }),
        controls: Controls::Buttons,
        reconcile: Reconcile::Nonce,
        ..Capabilities::default()
    }
}
