//! A private home for one daemon, and the daemon in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use mpg_testkit::claude_cli;
use mpg_testkit::discord::{Discord, Snowflake};
use mpg_testkit::messages_api::{MessagesApi, cli_environment};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// A home directory with projects, a model and a Discord server: what outlives the daemon.
pub(crate) struct Home {
    pub(crate) discord: Discord,
    pub(crate) api: MessagesApi,
    pub(crate) one: Snowflake,
    pub(crate) two: Snowflake,
    pub(crate) ann: Snowflake,
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

/// A running daemon. Dropping it kills it.
pub(crate) struct Daemon {
    child: Child,
}

impl Home {
    /// A home with the projects `one` and `two`, and `settings` under `[defaults]`.
    pub(crate) async fn new(settings: &str) -> Self {
        Self::with(settings, Discord::start().await).await
    }

    /// The same with a Discord server of the test's own.
    pub(crate) async fn with(settings: &str, discord: Discord) -> Self {
        let guild = discord.add_guild("guild");
        let one = discord.add_channel(guild, "one");
        let two = discord.add_channel(guild, "two");
        Self::among(settings, discord, [one, two]).await
    }

    /// The same with a Discord server in which the bot is in no guild; the channels are none.
    pub(crate) async fn with_nothing(discord: Discord) -> Self {
        let nobody = discord.add_user("nobody");
        Self::among("", discord, [nobody, nobody]).await
    }

    async fn among(settings: &str, discord: Discord, [one, two]: [Snowflake; 2]) -> Self {
        let api = MessagesApi::start().await;
        let ann = discord.add_user("ann");
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let mut environment = cli_environment(root, &api.url());
        environment.insert("DISCORD_BOT_TOKEN".to_owned(), discord.token().to_owned());
        let config = format!(
            "[http]\nlisten = false\n[discord]\napi-url = {:?}\ngateway-url = {:?}\n\
             [claude]\ncommand = {:?}\npass-env = [\"PATH\", \"HOME\", \"ANTHROPIC_*\", \"DISABLE_*\", \"CLAUDE_CODE_DISABLE_*\", \"DISCORD_*\"]\n\
             [defaults]\nworktree = \"never\"\nsandbox = \"off\"\nverbosity = \"quiet\"\nstatus-message = \"off\"\n{settings}\n\
             [projects.one]\ndirectory = \"~/one\"\nchannels = [\"discord:{one}\"]\n\
             [projects.two]\ndirectory = \"~/two\"\nchannels = [\"discord:{two}\"]\n",
            discord.origin(),
            discord.gateway_url(),
            claude_cli::claude().to_str().unwrap(),
        );
        for project in ["one", "two"] {
            fs::create_dir(root.join(project)).unwrap();
        }
        fs::write(root.join("mpg.toml"), config).unwrap();
        Self {
            discord,
            api,
            one,
            two,
            ann,
            directory,
            environment,
        }
    }

    /// The home itself.
    #[cfg(feature = "system-tests")]
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Starts the daemon, and waits until it is connected.
    pub(crate) async fn start(&self) -> Daemon {
        self.start_with(&[]).await
    }

    /// Starts the daemon with more in its environment, and waits until it is connected.
    pub(crate) async fn start_with(&self, environment: &[(&str, &str)]) -> Daemon {
        let mut command = self.command(&["run"]);
        command.envs(environment.iter().copied());
        self.start_by(command).await
    }

    /// Starts the daemon by a command of one's own, and waits until it is connected.
    pub(crate) async fn start_by(&self, mut command: Command) -> Daemon {
        let ready =
            |discord: &Discord| discord.look(|world| world.identify_count() + world.resume_count());
        let before = ready(&self.discord);
        let log = fs::File::create(self.path("log")).unwrap();
        let child = command.stderr(log).spawn().unwrap();
        let daemon = Daemon { child };
        let connected = self
            .discord
            .wait_for(|world| world.identify_count() + world.resume_count() > before);
        let connected = timeout(PATIENCE, connected).await;
        assert!(connected.is_ok(), "not connected: {}", self.log());
        daemon
    }

    /// A call of the daemon's binary in this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mpgd"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// A shell of this home, as a person has it in a terminal.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        shell
    }

    /// Waits until no agent runs.
    pub(crate) async fn until_no_agent(&self) {
        let mut look = interval(Duration::from_millis(20));
        let gone = async {
            while !self.agents().is_empty() {
                look.tick().await;
            }
        };
        let gone = timeout(PATIENCE, gone).await;
        assert!(gone.is_ok(), "agents run: {:?}", self.processes());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn say(&self, channel: Snowflake, text: &str) -> Snowflake {
        self.discord.say(channel, self.ann, text)
    }

    pub(crate) async fn say_in_thread_of(&self, message: Snowflake, text: &str) -> Snowflake {
        let thread = self
            .discord
            .wait_until(|world| world.thread_of(message))
            .await;
        self.discord.say_in_thread(thread, self.ann, text)
    }

    /// Waits for so many posts in the thread of a message, and returns their texts.
    pub(crate) async fn answers(&self, message: Snowflake, count: usize) -> Vec<String> {
        let mut changes = self.discord.changes();
        let posts = || {
            self.discord.look(|world| {
                let posts = world.bot_messages(world.thread_of(message)?);
                let texts = posts.iter().map(|post| post.text().to_owned());
                Some(texts.collect::<Vec<_>>())
            })
        };
        let enough = async {
            loop {
                changes.borrow_and_update();
                if let Some(posts) = posts().filter(|posts| posts.len() >= count) {
                    return posts;
                }
                changes.changed().await.unwrap();
            }
        };
        let answers = timeout(PATIENCE, enough).await.ok();
        answers.unwrap_or_else(|| panic!("{:?} so far; the log:\n{}", posts(), self.log()))
    }

    /// Waits for a post in the thread of a message that says this and can be answered.
    pub(crate) async fn asked(&self, message: Snowflake, text: &str) -> Snowflake {
        self.posted(message, text, true).await
    }

    /// Waits for a post in the thread of a message that says this.
    pub(crate) async fn says(&self, message: Snowflake, text: &str) {
        self.posted(message, text, false).await;
    }

    async fn posted(&self, message: Snowflake, text: &str, is_open: bool) -> Snowflake {
        let found = self.discord.wait_until(|world| {
            let posts = world.bot_messages(world.thread_of(message)?);
            let mut posts = posts
                .iter()
                .filter(|post| !is_open || !post.components.is_empty());
            posts
                .find(|post| post.text().contains(text))
                .map(|post| post.id)
        });
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("no post says {text:?}; the log:\n{}", self.log()))
    }

    /// Waits until a text stands in the log.
    pub(crate) async fn logged(&self, text: &str) {
        self.logged_as(|log| log.contains(text)).await;
    }

    /// Waits until the log is as wanted.
    pub(crate) async fn logged_as(&self, wanted: impl Fn(&str) -> bool) {
        let mut look = interval(Duration::from_millis(20));
        let written = async {
            while !wanted(&self.log()) {
                look.tick().await;
            }
        };
        let written = timeout(PATIENCE, written).await;
        assert!(written.is_ok(), "not in the log: {}", self.log());
    }

    /// Waits until a text has got into a transcript, which is written behind the stream.
    pub(crate) async fn transcribed(&self, text: &str) {
        let mut look = interval(Duration::from_millis(20));
        let written = async {
            while !self.transcripts().contains(text) {
                look.tick().await;
            }
        };
        let written = timeout(PATIENCE, written).await;
        written.expect("the agent writes a transcript");
    }

    fn transcripts(&self) -> String {
        let mut all = String::new();
        let projects = fs::read_dir(self.path(".claude/projects"));
        for project in projects.into_iter().flatten().flatten() {
            for file in fs::read_dir(project.path()).into_iter().flatten().flatten() {
                all.push_str(&fs::read_to_string(file.path()).unwrap_or_default());
            }
        }
        all
    }

    /// Where the daemon keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        let mut states = fs::read_dir(self.path(".mpg/state")).unwrap();
        states.next().expect("there is a state").unwrap().path()
    }

    /// Changes the configuration.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let file = self.path("mpg.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from:?} in {text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    /// The processes that run in this home: what the daemon started, and itself.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        processes_in(self.directory.path())
    }

    /// The agents that run.
    pub(crate) fn agents(&self) -> Vec<u32> {
        let agents = self.processes().into_iter();
        let agents = agents.filter(|(_, line)| line.contains("--input-format stream-json"));
        agents.map(|(pid, _)| pid).collect()
    }

    /// Kills every process of this home, as a power cut does.
    pub(crate) async fn kill_everything(&self) {
        let mut look = interval(Duration::from_millis(20));
        while let processes = self.processes()
            && !processes.is_empty()
        {
            for (pid, _) in processes {
                kill(pid);
            }
            look.tick().await;
        }
    }

    /// Fails if anything that the daemon started is left.
    pub(crate) fn assert_nothing_left(&self) {
        let left = self.processes();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.pid().to_string(), name);
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends in time").unwrap()
    }
}

/// Sends a signal by name.
/// The processes that run in a home.
pub(crate) fn processes_in(home: &Path) -> Vec<(u32, String)> {
    let marker = format!("HOME={}", home.display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        if variables.any(|variable| variable == marker.as_bytes()) {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push((pid, line));
        }
    }
    found
}

/// Kills a process; it may be gone by now, which is what is wanted.
pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_err();
}

pub(crate) fn signal(pid: &str, name: &str) {
    let kill = std::process::Command::new("kill")
        .args(["-s", name, pid])
        .status()
        .unwrap();
    assert!(kill.success());
}

/// Runs a command to its end.
pub(crate) async fn output(command: &mut Command) -> Output {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    timeout(PATIENCE, output)
        .await
        .expect("it ends in time")
        .unwrap()
}

/// What was printed, with everything that differs from run to run taken out.
pub(crate) fn shown(output: &Output, home: &Path) -> String {
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let home = home.display().to_string();
    text.replace(home.trim_end_matches('/'), "[home]")
}
