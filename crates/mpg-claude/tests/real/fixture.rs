//! A runtime with a home, a project and a model of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpg_claude::{ClaudeConfig, ClaudeRuntime};
use mpg_core::agent::{AgentEvent, AgentSpec, PermissionMode, Sandbox, TurnReport};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, PlatformId, ProjectName, Root, RootId, SessionId,
    SubmitId,
};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
    Submission, Submitted,
};
use mpg_testkit::claude_cli::claude;
use mpg_testkit::conformance::runtime::{RuntimeHarness, carriers, no_zombies, nothing_left};
use mpg_testkit::messages_api::{MessagesApi, cli_environment};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use crate::keeper;

const STUCK: Duration = Duration::from_mins(1);

pub(crate) struct Fixture {
    pub(crate) api: MessagesApi,
    pub(crate) runtime: Arc<ClaudeRuntime>,
    /// Off, so that what holds without walls is not held by them.
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let api = MessagesApi::start().await;
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "project", "outside"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let environment = cli_environment(&folder.path().join("home"), &api.url());
        let sessions = folder.path().join("sessions");
        let config = config(&sessions, environment, 1);
        Self {
            api,
            runtime: Arc::new(ClaudeRuntime::new(config)),
            sandbox: Sandbox::Off,
            folder,
        }
    }

    /// Another runtime on the same folders, of the gateway that came so many-th.
    pub(crate) fn gateway(&self, epoch: u64) -> ClaudeRuntime {
        let home = self.folder.path().join("home");
        let environment = cli_environment(&home, &self.api.url());
        ClaudeRuntime::new(config(&self.sessions(), environment, epoch))
    }

    /// With walls around its agents, made by what is on this path or by the kernel; the folders of
    /// sessions and a file are protected, and there is another project.
    pub(crate) async fn walled(path: &str) -> Self {
        Self::walled_with(path, BTreeMap::new()).await
    }

    /// The same, with these variables besides or instead.
    pub(crate) async fn walled_with(path: &str, variables: BTreeMap<String, String>) -> Self {
        let mut fixture = Self::start().await;
        let home = fixture.folder.path().join("home");
        let mut environment = cli_environment(&home, &fixture.api.url());
        environment.insert("PATH".to_owned(), path.to_owned());
        environment.extend(variables);
        let mut config = fixture.config(environment);
        config.protected = vec![fixture.sessions(), fixture.secret()];
        config.projects = vec![fixture.project(), fixture.outside()];
        fs::write(fixture.secret(), "the token").unwrap();
        fixture.runtime = Arc::new(ClaudeRuntime::new(config));
        fixture.sandbox = Sandbox::Strict;
        fixture
    }

    /// A file that no agent may read.
    pub(crate) fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// How the fixture's runtime is set up, but with another environment.
    pub(crate) fn config(&self, environment: BTreeMap<String, String>) -> ClaudeConfig {
        config(&self.sessions(), environment, 1)
    }

    /// Where the folders of sessions are.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A folder beside the project.
    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    pub(crate) fn session_spec(
        &self,
        session: SessionId,
        start: SessionStart,
        agent: AgentSpec,
    ) -> SessionSpec {
        SessionSpec {
            session,
            start,
            directory: self.project().display().to_string(),
            files: None,
            hands_files: false,
            agent: Arc::new(AgentSpec {
                sandbox: self.sandbox,
                ..agent
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
            owed: None,
        }
    }

    /// Opens a new session.
    pub(crate) async fn open(&self, agent: AgentSpec) -> Running {
        self.open_as(new_session(), SessionStart::New, agent)
            .await
            .unwrap()
    }

    pub(crate) async fn open_as(
        &self,
        session: SessionId,
        start: SessionStart,
        agent: AgentSpec,
    ) -> Result<Running, OpenError> {
        let spec = self.session_spec(session, start, agent);
        Ok(Running::of(session, self.runtime.open(spec).await?))
    }
}

fn config(sessions: &Path, environment: BTreeMap<String, String>, epoch: u64) -> ClaudeConfig {
    ClaudeConfig::new(
        claude().display().to_string(),
        environment,
        keeper::command(),
        sessions,
        keeper::gateway(epoch),
    )
}

impl RuntimeHarness for Fixture {
    fn runtime(&self) -> Arc<dyn AgentRuntime> {
        Arc::clone(&self.runtime) as Arc<dyn AgentRuntime>
    }

    fn spec(&self, session: SessionId, start: SessionStart) -> SessionSpec {
        self.session_spec(session, start, AgentSpec::default())
    }

    fn prompt_for_text(&self, text: &str) -> String {
        format!("SAY:{text}")
    }

    fn prompt_with_request(&self, text: &str) -> String {
        let input = serde_json::json!({ "command": "mkdir asked" });
        format!("{}\nSAY:{text}", tool("Bash", &input))
    }

    fn prompt_without_end(&self) -> String {
        "HANG".to_owned()
    }
}

/// An open session.
pub(crate) struct Running {
    pub(crate) id: SessionId,
    pub(crate) control: Arc<dyn AgentControl>,
    pub(crate) events: Box<dyn AgentEvents>,
}

impl Running {
    /// A session that was opened.
    pub(crate) fn of(id: SessionId, opened: AgentSession) -> Self {
        let AgentSession {
            control, events, ..
        } = opened;
        Self {
            id,
            control,
            events,
        }
    }

    pub(crate) async fn ask(&mut self, prompt: &str) -> SubmitId {
        let submission = submission(prompt);
        let id = submission.id;
        assert_eq!(self.submit(submission).await, Submitted::New);
        id
    }

    pub(crate) async fn submit(&self, submission: Submission) -> Submitted {
        timeout(STUCK, self.control.submit(submission))
            .await
            .expect("a submission is answered")
            .unwrap()
    }

    pub(crate) async fn next(&mut self) -> AgentEvent {
        let event = timeout(STUCK, self.events.next()).await;
        event.expect("an event comes").expect("no exit before").1
    }

    /// All events up to the end of the turn, and its report.
    pub(crate) async fn turn(&mut self) -> (Vec<AgentEvent>, TurnReport) {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                AgentEvent::Ended(report) => return (events, report),
                AgentEvent::Exited(exit) => panic!("the agent ended: {exit}"),
                event => events.push(event),
            }
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn answer(&mut self, prompt: &str) -> String {
        let id = self.ask(prompt).await;
        let report = self.turn().await.1;
        assert_eq!(report.submits, [id]);
        report.result.unwrap()
    }

    pub(crate) async fn close(self) {
        timeout(STUCK, self.control.close(Duration::from_secs(10)))
            .await
            .expect("a session can be closed");
        nothing_left(self.id);
        no_zombies().await;
    }

    /// The ids of the session's processes, but for its keeper.
    pub(crate) fn processes(&self) -> Vec<i32> {
        carriers(self.id)
            .iter()
            .filter(|carrier| !carrier.contains(" keep "))
            .map(|carrier| carrier.split(':').next().unwrap().parse().unwrap())
            .collect()
    }
}

pub(crate) fn submission(prompt: &str) -> Submission {
    Submission {
        id: SubmitId::from_uuid(unique()),
        prompt: prompt.to_owned(),
        images: Vec::new(),
        repeat: false,
    }
}

pub(crate) fn new_session() -> SessionId {
    SessionId::from_uuid(unique())
}

fn unique() -> Uuid {
    // A temporary name is unique, which is all that is needed.
    let name = tempfile::NamedTempFile::new().unwrap();
    let name = name.path().display().to_string();
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

/// A project as it is without any configuration.
pub(crate) fn default_agent() -> AgentSpec {
    AgentSpec {
        permission_mode: PermissionMode::AcceptEdits,
        allowed_tools: rules(&[
            "Read",
            "Edit",
            "Write",
            "Glob",
            "Grep",
            "Bash(git:*)",
            "TodoWrite",
        ]),
        ..AgentSpec::default()
    }
}

pub(crate) fn rules(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|&rule| rule.to_owned()).collect()
}

/// A prompt that has the model call a tool.
pub(crate) fn tool(name: &str, input: &serde_json::Value) -> String {
    format!("TOOL:{name}:{input}")
}

pub(crate) fn write(path: &Path, content: &str) -> String {
    let input = serde_json::json!({ "file_path": path, "content": content });
    tool("Write", &input)
}
