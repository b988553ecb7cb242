//! A private home for one daemon, its processes, and what it leaves.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mpg_testkit::discord::{Discord, Snowflake};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// What outlives the daemon.
pub(crate) struct Home {
    pub(crate) discord: Discord,
    pub(crate) channels: Vec<Snowflake>,
    pub(crate) ann: Snowflake,
    directory: TempDir,
}

impl Home {
    /// A home with two projects and three channels, whose agents this program plays.
    pub(crate) async fn new() -> Self {
        let settings =
            "[http]\nlisten = false\n[defaults]\nsandbox = \"off\"\nstatus-message = \"off\"\n";
        Self::with(&[("one", 2), ("two", 1)], settings, |_| String::new()).await
    }

    /// A home with these projects and so many channels for each. `settings` is what the file has
    /// of other tables, `more` what belongs to a project besides.
    pub(crate) async fn with(
        projects: &[(&str, usize)],
        settings: &str,
        more: impl Fn(&str) -> String,
    ) -> Self {
        let discord = Discord::start().await;
        let guild = discord.add_guild("guild");
        let ann = discord.add_user("ann");
        let directory = tempfile::tempdir().unwrap();
        let this = std::env::current_exe().unwrap();
        let mut config = format!(
            "[gateway]\ndata-dir = \"~/state\"\nmax-concurrent-turns = 16\nmax-warm-sessions = 6\n\
             max-sessions = 10000\ndrain-limit = \"30s\"\n\
             [discord]\napi-url = {:?}\ngateway-url = {:?}\nrequests-per-second = 10000\n\
             [claude]\ncommand = {:?}\npass-env = [\"PATH\", \"HOME\"]\n{settings}",
            discord.origin(),
            discord.gateway_url(),
            this.to_str().unwrap(),
        );
        let mut channels = Vec::new();
        for (project, count) in projects {
            fs::create_dir(directory.path().join(project)).unwrap();
            let first = channels.len();
            for number in 0..*count {
                channels.push(discord.add_channel(guild, &format!("{project}-{number}")));
            }
            let keys: Vec<String> = channels[first..]
                .iter()
                .map(|channel| format!("discord:{channel}"))
                .collect();
            // Writing to a string cannot fail.
            let _ = write!(
                config,
                "[projects.{project}]\ndirectory = \"~/{project}\"\nchannels = {keys:?}\n{}",
                more(project)
            );
        }
        fs::write(directory.path().join("mpg.toml"), config).unwrap();
        Self {
            discord,
            channels,
            ann,
            directory,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    /// Starts a daemon.
    pub(crate) fn start(&self, program: &Path) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let mut command = self.command(program, &["run"]);
        command.stdout(Stdio::null()).stderr(log);
        command.spawn().unwrap()
    }

    /// The program with these arguments, at home here.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.root())
            .env("DISCORD_BOT_TOKEN", self.discord.token())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// The end of the daemons' log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// All processes that run in this home, with their arguments. A dead one that nobody waited for
    /// has no environment any more, so it is none.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let marker = format!("HOME={}", self.root().display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
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

    /// Kills what runs in this home and is chosen by its arguments, and says how many that were.
    pub(crate) fn kill(&self, chosen: impl Fn(&str) -> bool) -> usize {
        let mut killed = 0;
        for (pid, line) in self.processes() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            if chosen(&line)
                && let Some(pid) = pid
                && kill_process(pid, Signal::KILL).is_ok()
            {
                killed += 1;
            }
        }
        killed
    }

    /// The folders of sessions that something is left of.
    pub(crate) fn sessions(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("state/sessions"));
        let entries = entries.into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// Fails if a daemon that stopped left a process, a socket, or anything of a session.
    pub(crate) async fn assert_nothing_left(&self) {
        let gone = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let gone = timeout(Duration::from_secs(10), gone).await;
        assert!(gone.is_ok(), "processes are left: {:?}", self.processes());
        let state = self.path("state");
        let sessions = self.sessions();
        assert!(sessions.is_empty(), "sessions are left: {sessions:?}");
        let left = sockets(&state);
        assert!(left.is_empty(), "sockets are left: {left:?}");
    }
}

impl Drop for Home {
    /// A run that fails leaves nothing either.
    fn drop(&mut self) {
        while self.kill(|_| true) > 0 {}
    }
}

fn sockets(folder: &Path) -> BTreeSet<PathBuf> {
    use std::os::unix::fs::FileTypeExt as _;
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(sockets(&entry.path())),
            Ok(kind) if kind.is_socket() => {
                found.insert(entry.path());
            }
            Ok(_) | Err(_) => {}
        }
    }
    found
}
