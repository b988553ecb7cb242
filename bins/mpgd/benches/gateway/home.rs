//! A private home with the daemon in it: the release binary, on a loopback Discord.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mpg_testkit::discord::{Discord, Snowflake, World};
use mpg_testkit::messages_api::{MessagesApi, cli_environment};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long the daemon may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What outlives the daemon.
pub(crate) struct Home {
    pub(crate) discord: Discord,
    pub(crate) channel: Snowflake,
    pub(crate) ann: Snowflake,
    _api: MessagesApi,
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

/// A daemon that runs, and how long it took until it identified itself.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) started_in: Duration,
}

impl Home {
    /// A home whose project `one` is answered by `claude`.
    pub(crate) async fn new(claude: &Path) -> Self {
        let discord = Discord::start().await;
        let api = MessagesApi::start().await;
        let guild = discord.add_guild("guild");
        let channel = discord.add_channel(guild, "one");
        let ann = discord.add_user("ann");
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let mut environment = cli_environment(root, &api.url());
        environment.insert("DISCORD_BOT_TOKEN".to_owned(), discord.token().to_owned());
        let config = format!(
            "[gateway]\ndata-dir = \"~/state\"\nmax-sessions = 1000000\n\
             [http]\nlisten = false\n[discord]\napi-url = {:?}\ngateway-url = {:?}\n\
             [claude]\ncommand = {:?}\npass-env = [\"PATH\", \"HOME\", \"ANTHROPIC_*\", \"DISABLE_*\", \"CLAUDE_CODE_DISABLE_*\"]\n\
             [projects.one]\ndirectory = \"~/one\"\nchannels = [\"discord:{channel}\"]\nallowed-tools = [\"Bash\"]\nworktree = \"never\"\n",
            discord.origin(),
            discord.gateway_url(),
            claude.to_str().unwrap(),
        );
        fs::create_dir(root.join("one")).unwrap();
        fs::write(root.join("mpg.toml"), config).unwrap();
        Self {
            discord,
            channel,
            ann,
            _api: api,
            directory,
            environment,
        }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Starts the daemon, and waits until it has identified itself, or resumed its session.
    pub(crate) async fn start(&self) -> Daemon {
        let connected = |world: &World| world.identify_count() + world.resume_count();
        let before = self.discord.look(connected);
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_mpgd")), "");
        let log = fs::File::create(self.path("log")).unwrap();
        command.arg("run").stdin(Stdio::null()).stderr(log);
        let begin = Instant::now();
        let child = command.spawn().unwrap();
        self.discord
            .wait_for(|world| connected(world) > before)
            .await;
        let started_in = begin.elapsed();
        Daemon { child, started_in }
    }

    /// A command in a directory of this home and its environment.
    pub(crate) fn command(&self, program: &Path, below: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(below))
            .env_clear()
            .envs(&self.environment)
            .kill_on_drop(true);
        command
    }

    /// Has the daemons that are started from now on serve the dashboard.
    pub(crate) fn listen(&self, address: &str) {
        let file = self.path("mpg.toml");
        let config = fs::read_to_string(&file).unwrap();
        let listening = config.replace("listen = false", &format!("listen = {address:?}"));
        assert_ne!(config, listening);
        fs::write(file, listening).unwrap();
    }

    /// A token with which one may look at everything.
    pub(crate) async fn token(&self) -> String {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_mpgd")), "");
        let made = command
            .args(["token", "create", "--scope", "read"])
            .output();
        let made = String::from_utf8(made.await.unwrap().stdout).unwrap();
        made.lines().last().unwrap().to_owned()
    }

    /// Waits until the bot has written so many messages in a thread.
    pub(crate) async fn posted(&self, thread: Snowflake, count: usize) {
        self.discord
            .wait_for(|world| world.bot_messages(thread).len() >= count)
            .await;
    }
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// How much of its memory is resident, in megabytes of 10⁶ bytes.
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kibibytes.unwrap().parse::<f64>().unwrap() * 1.024e-3
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(mut self) {
        let mut kill = Command::new("kill");
        let asked = kill.arg(self.pid().to_string()).status().await;
        assert!(asked.unwrap().success());
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends in time").unwrap();
        assert!(status.success(), "the daemon ended with {status}");
    }
}
