//! Sessions in a folder of their own, and gateways that come and go.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpg_claude::{ClaudeConfig, ClaudeRuntime};
use mpg_core::agent::{AgentEvent, AgentSpec, Persistence, Sandbox, Seq, TurnReport};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, PlatformId, ProjectName, Root, RootId, SessionId,
    SubmitId,
};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime as _, AgentSession, OpenError, SessionSpec,
    SessionStart, Submission, Submitted,
};
use mpg_testkit::conformance::runtime::carriers;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::{interval, timeout};
use uuid::Uuid;

use crate::keeper;

const STUCK: Duration = Duration::from_mins(1);

/// What outlives gateways. Dropping it kills what is left.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) session: SessionId,
    pub(crate) deaf: bool,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().as_os_str().as_encoded_bytes();
        let session = SessionId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_URL, name));
        Self {
            folder,
            session,
            deaf: false,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the session.
    pub(crate) fn kept(&self) -> PathBuf {
        self.path("sessions").join(self.session.to_string())
    }

    /// How a gateway of this epoch is set up.
    pub(crate) fn config(&self, epoch: u64) -> ClaudeConfig {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/steady");
        let mut environment = BTreeMap::from([
            ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ("RUNS".to_owned(), self.path("runs").display().to_string()),
        ]);
        if self.deaf {
            environment.insert("DEAF".to_owned(), "1".to_owned());
        }
        ClaudeConfig::new(
            program,
            environment,
            keeper::command(),
            self.path("sessions"),
            keeper::gateway(epoch),
        )
    }

    pub(crate) fn gateway(&self, epoch: u64) -> ClaudeRuntime {
        ClaudeRuntime::new(self.config(epoch))
    }

    pub(crate) fn spec(&self, owed: Option<SubmitId>) -> SessionSpec {
        SessionSpec {
            session: self.session,
            start: SessionStart::Begun,
            directory: self.folder.path().display().to_string(),
            files: None,
            hands_files: false,
            agent: Arc::new(AgentSpec {
                // Walls around an agent end it with its keeper.
                sandbox: Sandbox::Off,
                ..AgentSpec::default()
            }),
            conversation: ConversationId {
                root: RootId {
                    channel: ChannelKey::new(PlatformId::new("test"), ChannelId::new("1")),
                    root: Root::Channel,
                },
                agent: None,
            },
            project: ProjectName::new("demo"),
            turn_limit: Duration::from_mins(30),
            owed,
        }
    }

    /// The same, but for what becomes of it without a gateway.
    pub(crate) fn spec_of(&self, persistence: Persistence) -> SessionSpec {
        let agent = AgentSpec {
            persistence,
            ..AgentSpec::default()
        };
        SessionSpec {
            agent: Arc::new(agent),
            ..self.spec(None)
        }
    }

    /// A submission that is answered once [`Stage::let_go`] is called.
    pub(crate) fn held(&self, number: u128) -> Submission {
        submission(number, &format!("WAIT:{}", self.path("go").display()))
    }

    pub(crate) fn let_go(&self) {
        fs::write(self.path("go"), "").unwrap();
    }

    /// How often the agent ran a submission.
    pub(crate) fn runs(&self, submission: &Submission) -> usize {
        let runs = fs::read_to_string(self.path("runs")).unwrap_or_default();
        let id = submission.id.to_string();
        runs.lines().filter(|run| *run == id).count()
    }

    pub(crate) fn keeper(&self) -> Option<i32> {
        self.carriers(" keep ").first().copied()
    }

    pub(crate) fn agent(&self) -> Option<i32> {
        self.agents().first().copied()
    }

    pub(crate) fn agents(&self) -> Vec<i32> {
        self.carriers("programs/steady")
    }

    fn carriers(&self, wanted: &str) -> Vec<i32> {
        let carriers = carriers(self.session);
        let found = carriers
            .iter()
            .filter(|line| line.contains(wanted) && !line.contains(": tmux "));
        found
            .filter_map(|line| line.split(':').next()?.parse().ok())
            .collect()
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut look = interval(Duration::from_millis(5));
        let waiting = async {
            while !is_so() {
                look.tick().await;
            }
        };
        let waited = timeout(STUCK, waiting).await;
        assert!(waited.is_ok(), "{what}: {:?}", carriers(self.session));
    }

    /// Waits until no process of the session is left.
    pub(crate) async fn until_nobody(&self) {
        self.until("nobody is left", || carriers(self.session).is_empty())
            .await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for carrier in carriers(self.session) {
            let pid = carrier.split(':').next().and_then(|pid| pid.parse().ok());
            if let Some(pid) = pid {
                kill(pid);
            }
        }
    }
}

/// An open session.
pub(crate) struct Running {
    pub(crate) outdated: bool,
    pub(crate) replayed: Seq,
    pub(crate) control: Arc<dyn AgentControl>,
    pub(crate) events: Box<dyn AgentEvents>,
}

impl Running {
    pub(crate) async fn open(gateway: &ClaudeRuntime, spec: SessionSpec) -> Self {
        Self::try_open(gateway, spec).await.unwrap()
    }

    pub(crate) async fn try_open(
        gateway: &ClaudeRuntime,
        spec: SessionSpec,
    ) -> Result<Self, OpenError> {
        let opened = timeout(STUCK, gateway.open(spec)).await;
        opened.expect("opening ends").map(Self::of)
    }

    pub(crate) async fn attach(
        gateway: &ClaudeRuntime,
        session: SessionId,
    ) -> Result<Self, OpenError> {
        let attached = timeout(STUCK, gateway.attach(session, Seq::default())).await;
        attached.expect("attaching ends").map(Self::of)
    }

    fn of(session: AgentSession) -> Self {
        let AgentSession {
            control,
            events,
            outdated,
            replayed,
        } = session;
        Self {
            outdated,
            replayed,
            control,
            events,
        }
    }

    pub(crate) async fn submit(&self, submission: &Submission) -> Result<Submitted, OpenError> {
        let submitting = self.control.submit(submission.clone());
        timeout(STUCK, submitting)
            .await
            .expect("a submission is answered")
    }

    pub(crate) async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        let next = timeout(STUCK, self.events.next()).await;
        next.expect("something is reported")
    }

    /// The next end of a turn.
    pub(crate) async fn ended(&mut self) -> (Seq, TurnReport) {
        loop {
            match self.next().await {
                Some((seq, AgentEvent::Ended(report))) => return (seq, report),
                Some((_, AgentEvent::Exited(exit))) => panic!("the agent ended: {exit}"),
                Some(_) => {}
                None => panic!("nothing is reported any more"),
            }
        }
    }

    /// Asks, and acknowledges the answer.
    pub(crate) async fn turn(&mut self, submission: &Submission) -> Seq {
        assert_eq!(self.submit(submission).await.unwrap(), Submitted::New);
        let (seq, report) = self.ended().await;
        assert_eq!(report.submits, [submission.id]);
        self.control.acknowledge(seq).await;
        seq
    }

    /// Lets go of it without a word, as a gateway that dies.
    pub(crate) async fn die(self) {
        drop(self);
        // The connection is closed by tasks of the runtime.
        for _ in 0..10 {
            yield_now().await;
        }
    }

    /// Lets go of it as a gateway that stops.
    pub(crate) async fn leave(self) {
        let leave = self.control.leave(Duration::from_secs(5));
        timeout(STUCK, leave).await.expect("it is left");
    }

    pub(crate) async fn close(self) {
        let close = self.control.close(Duration::from_secs(5));
        timeout(STUCK, close).await.expect("it is closed");
    }
}

pub(crate) fn submission(number: u128, prompt: &str) -> Submission {
    Submission {
        id: SubmitId::from_uuid(Uuid::from_u128(number)),
        prompt: prompt.to_owned(),
        images: Vec::new(),
        repeat: false,
    }
}

/// The same once more, after a restart.
pub(crate) fn again(submission: &Submission) -> Submission {
    Submission {
        repeat: true,
        ..submission.clone()
    }
}

pub(crate) fn kill(pid: i32) {
    // It may be gone by now.
    let _gone = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).is_err();
}

/// Whether a folder is empty or not there.
pub(crate) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}
