//! A gateway on a loopback Discord with one server, two mapped channels and one person.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::config::{Config, Limits, Project, RoutingTable, Verbosity};
use mpg_core::id::{ChannelId, ChannelKey, PlatformId, ProjectName};
use mpg_core::native::NativeCommands;
use mpg_core::port::Store as _;
use mpg_discord::{PLATFORM, Settings, ThreadArchive, Token};
use mpg_engine::{
    Clock, Ended, Engine, EngineError, Prompt, ScriptStep, ScriptedRuntime, StopHandle,
};
use mpg_store::SqliteStore;
use mpg_testkit::discord::{Discord, DiscordBuilder, Snowflake};
use mpg_workspace::PlainDirectories;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The server side: what outlives a restart of the gateway.
pub(crate) struct Server {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) one: Snowflake,
    pub(crate) two: Snowflake,
    pub(crate) ann: Snowflake,
    pub(crate) limits: Limits,
    pub(crate) catch_up_limit: u32,
    pub(crate) requests_per_second: u16,
    /// How far the clock of the next gateway is ahead.
    pub(crate) ahead: Duration,
    /// What is different in the projects.
    pub(crate) adjust: fn(&Self, &mut Project),
    /// How much is shown of turns while they run: how long they take is the machine's, so that nothing
    /// is, unless a test says so.
    pub(crate) verbosity: Verbosity,
    /// Whether channels have a message that tells what their threads do.
    pub(crate) status_message: bool,
    directory: TempDir,
    runtime: ScriptedRuntime,
}

/// A running gateway.
pub(crate) struct Gateway {
    stop: StopHandle,
    task: JoinHandle<Result<Ended, EngineError>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Discord::builder(), script).await
    }

    pub(crate) async fn with(
        builder: DiscordBuilder,
        script: impl Fn(Prompt<'_>) -> Vec<ScriptStep> + Send + Sync + 'static,
    ) -> Self {
        let discord = builder.start().await;
        let guild = discord.add_guild("guild");
        let one = discord.add_channel(guild, "one");
        let two = discord.add_channel(guild, "two");
        let ann = discord.add_user("ann");
        Self {
            discord,
            guild,
            one,
            two,
            ann,
            limits: Limits::default(),
            catch_up_limit: 200,
            requests_per_second: 10_000,
            ahead: Duration::ZERO,
            adjust: |_, _| (),
            verbosity: Verbosity::Quiet,
            status_message: false,
            directory: tempfile::tempdir().unwrap(),
            runtime: ScriptedRuntime::new(script),
        }
    }

    /// Starts a gateway on the server's state, and waits until it is connected.
    pub(crate) async fn gateway(&self) -> Gateway {
        let before = self
            .discord
            .look(|world| world.identify_count() + world.resume_count());
        let gateway = self.begin().await;
        self.discord
            .wait_for(|world| world.identify_count() + world.resume_count() > before)
            .await;
        gateway
    }

    /// Starts a gateway on the server's state.
    pub(crate) async fn begin(&self) -> Gateway {
        let store = Arc::new(SqliteStore::open(&self.state()).await.unwrap());
        let snapshot = store.load().await.unwrap();
        let mut settings = Settings::new(Token::new(self.discord.token()));
        settings.api_url = Some(self.discord.origin());
        settings.gateway_url = Some(self.discord.gateway_url());
        settings.channels = [self.one, self.two]
            .map(|channel| (key(channel).channel, ThreadArchive::Day))
            .into_iter()
            .collect();
        settings.requests_per_second = self.requests_per_second;
        if self.requests_per_second > Settings::REQUESTS_PER_SECOND {
            settings.reactions_apart = Duration::ZERO;
        }
        let config = Arc::new(self.config());
        settings.native = Some(Arc::new(NativeCommands::new(Arc::clone(&config))));
        let position = snapshot.positions.get(&PlatformId::new(PLATFORM)).cloned();
        let connection = mpg_discord::connect(settings, position).await.unwrap();
        let engine = Engine::builder(config, Arc::new(self.runtime.clone()))
            .store(store, snapshot)
            .workspaces(Arc::new(PlainDirectories))
            .connection(connection)
            .files(self.files())
            .clock(Clock::runtime(Timestamp::now() + self.ahead))
            .drain_limit(Duration::from_secs(20))
            .build();
        let (stop, signal) = mpg_engine::stop();
        let task = tokio::spawn(engine.run(signal));
        Gateway { stop, task }
    }

    fn config(&self) -> Config {
        let project = |name: &str, channel| {
            let directory = self.directory.path().join(name);
            std::fs::create_dir_all(&directory).unwrap();
            let directory = directory.to_str().unwrap();
            let mut project = Project::new(ProjectName::new(name), directory);
            project.channels.insert(key(channel));
            project.catch_up_limit = self.catch_up_limit;
            project.verbosity = self.verbosity;
            project.status_message = self.status_message;
            (self.adjust)(self, &mut project);
            project
        };
        Config {
            routing: RoutingTable::new([project("one", self.one), project("two", self.two)])
                .unwrap(),
            limits: self.limits.clone(),
        }
    }

    /// Where the files of messages are.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.state().join("@files")
    }

    fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn say(&self, channel: Snowflake, text: &str) -> Snowflake {
        self.discord.say(channel, self.ann, text)
    }

    /// Waits for so many posts in the thread of a message, and returns their texts.
    pub(crate) async fn answers(&self, message: Snowflake, count: usize) -> Vec<String> {
        self.discord
            .wait_until(|world| {
                let thread = world.thread_of(message)?;
                let posts = world.bot_messages(thread);
                (posts.len() >= count)
                    .then(|| posts.iter().map(|post| post.text().to_owned()).collect())
            })
            .await
    }

    /// Waits until a message carries a sign and no other.
    pub(crate) async fn sign(&self, message: Snowflake, sign: &str) {
        self.discord
            .wait_for(|world| world.reactions(message) == [sign])
            .await;
    }
}

impl Gateway {
    /// Lets what runs end, and stops.
    pub(crate) async fn stop(self) -> Result<Ended, EngineError> {
        self.stop.drain();
        self.task.await.unwrap()
    }

    /// How it ended by itself.
    pub(crate) async fn ended(self) -> Result<Ended, EngineError> {
        self.task.await.unwrap()
    }

    /// Ends as a killed process does: in the middle of everything, with nothing said.
    pub(crate) async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// What the agents of these tests do.
pub(crate) fn script(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    // One that exits does so however often it is started again.
    if prompt.earlier.first().is_some_and(|first| first == "exit") {
        return vec![ScriptStep::Exit];
    }
    match prompt.text.split_once(' ').unwrap_or((prompt.text, "")) {
        ("say", text) => vec![ScriptStep::Say(text.to_owned())],
        ("wait", text) => vec![
            ScriptStep::Wait(Duration::from_millis(300)),
            ScriptStep::Say(text.to_owned()),
        ],
        ("hang", _) => vec![ScriptStep::Hang],
        ("fail", text) => vec![ScriptStep::Fail(text.to_owned())],
        ("exit", _) => vec![ScriptStep::Exit],
        ("recall", _) => vec![ScriptStep::Say(prompt.earlier.join(" | "))],
        ("long", _) => vec![ScriptStep::Say(long_text())],
        _ => vec![ScriptStep::Say(format!("re: {}", prompt.text))],
    }
}

/// 30,000 characters with fences and a table.
pub(crate) fn long_text() -> String {
    let mut text = String::from("# report\n\n| file | lines |\n|---|---|\n");
    for row in 0..400 {
        writeln!(text, "| src/file_{row}.rs | {row} |").unwrap();
    }
    text.push_str("\n```rust\n");
    for line in 0..500 {
        writeln!(text, "let value_{line} = compute({line}); // @everyone").unwrap();
    }
    text.push_str("```\n\nthat was all\n");
    assert!(text.len() > 29_000, "{}", text.len());
    text
}

fn key(channel: Snowflake) -> ChannelKey {
    ChannelKey::new(
        PlatformId::new(PLATFORM),
        ChannelId::new(channel.to_string()),
    )
}
