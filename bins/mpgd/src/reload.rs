//! Taking up a changed configuration while the gateway runs: asked for by a signal or a command, or
//! seen in the file. One that is in order is applied as a whole, and another changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mpg_config::{Settings, Style};
use mpg_core::audit::Actor;
use mpg_core::config::{Config, Project};
use mpg_core::native::NativeCommands;
use mpg_discord::MappedChannels;
use mpg_engine::ControlHandle;
use mpg_web::{Configured, Watch};
use mpg_workspace::GitWorkspaces;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::cli::{Global, ListOptions};
use crate::configuration::{Configuration, FileStamp};
use crate::control::{Outcome, ReloadView, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::logging::Level;
use crate::shown::one_line;
use crate::{environment, run, state_dir, workspaces};

/// How often the file is looked at.
const BETWEEN: Duration = Duration::from_secs(1);

/// How many callers wait for a reload at the same time.
const WAITING: usize = 8;

/// How much of a line is shown, in characters.
const WIDTH: usize = 200;

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reloaded {
    /// The configuration is in force; what it says of these keys only after a restart.
    Applied {
        changes: Vec<String>,
        restart: Vec<String>,
    },
    /// It cannot be taken up, and nothing was changed.
    Refused(String),
}

/// Asks for a reload. Clones ask the same one.
#[derive(Clone, Debug)]
pub(crate) struct ReloadHandle(mpsc::Sender<Asked>);

impl ReloadHandle {
    /// Takes up the configuration for somebody; `None` if the gateway has ended.
    pub(crate) async fn reload(&self, by: Actor) -> Option<Reloaded> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Asked { by, reply }).await.ok()?;
        answer.await.ok()
    }
}

/// A wish for a reload, and the way back to who has it.
#[derive(Debug)]
pub(crate) struct Asked {
    by: Actor,
    reply: oneshot::Sender<Reloaded>,
}

/// What takes up a changed configuration.
pub(crate) struct Reloader {
    pub(crate) global: Global,
    pub(crate) running: Running,
    pub(crate) engine: ControlHandle,
    pub(crate) level: Level,
    pub(crate) workspaces: Arc<GitWorkspaces>,
    pub(crate) discord: Option<Platform>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) configured: Configured,
}

/// What of a platform follows the configuration.
pub(crate) struct Platform {
    pub(crate) commands: Arc<NativeCommands>,
    pub(crate) channels: MappedChannels,
}

/// The parts of a configuration that are compared with the next one.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    path: String,
    stamp: Option<FileStamp>,
    state_dir: String,
    config: Arc<Config>,
    settings: Settings,
    discord: Option<mpg_discord::config::TableSettings>,
    /// Whether the chat in the browser is connected.
    has_browser: bool,
}

impl Running {
    pub(crate) fn new(configuration: &Configuration, config: Arc<Config>) -> Self {
        Self {
            path: configuration.path.clone(),
            stamp: configuration.stamp,
            state_dir: configuration.state_dir.clone(),
            has_browser: run::maps_browser(&config),
            config,
            settings: configuration.settings.clone(),
            discord: configuration.discord.clone(),
        }
    }
}

/// A handle, and what it leads to.
pub(crate) fn channel() -> (ReloadHandle, mpsc::Receiver<Asked>) {
    let (sender, requests) = mpsc::channel(WAITING);
    (ReloadHandle(sender), requests)
}

impl Reloader {
    /// Reloads whenever it is asked to, until the future is dropped.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Asked>) -> Result<(), Failure> {
        let what = "signals cannot be received";
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::io(what))?;
        let mut look = interval(BETWEEN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = self.running.stamp;
        let mut seen = known;
        loop {
            let (why, by, reply) = tokio::select! {
                Some(()) = hangup.recv() => {
                    let user = "SIGHUP".to_owned();
                    ("SIGHUP", Actor::Local { user }, None)
                }
                Some(Asked { by, reply }) = requests.recv() => ("mpgd reload", by, Some(reply)),
                _ = look.tick() => {
                    let found = stamp(&self.running.path).await;
                    // A file that is being written is read once it rests.
                    let rests = found == seen && found != known && found.is_some();
                    seen = found;
                    if !rests {
                        continue;
                    }
                    ("the file changed", Actor::Gateway, None)
                }
            };
            known = stamp(&self.running.path).await;
            seen = known;
            info!(why, "reloading the configuration");
            let reloaded = self.reload(by).await;
            tell(&reloaded);
            if let Some(reply) = reply {
                // Who does not wait any more finds it in the log.
                drop(reply.send(reloaded));
            }
        }
    }

    async fn reload(&mut self, by: Actor) -> Reloaded {
        let global = self.global.clone();
        // Beside the loop: files are read, and directories looked for.
        let read = tokio::task::spawn_blocking(move || Configuration::read(&global)).await;
        let configuration = match read {
            Ok(Ok(configuration)) => configuration,
            Ok(Err(Failure::Config(error))) => {
                return Reloaded::Refused(error.report().render(Style::Plain));
            }
            Ok(Err(failure)) => return Reloaded::Refused(failure.to_string()),
            Err(error) => return Reloaded::Refused(error.to_string()),
        };
        for problem in configuration.warnings.problems() {
            warn!("{}: {}", configuration.path, problem.message);
        }
        let config = Arc::new(configuration.config.clone());
        let next = Running::new(&configuration, Arc::clone(&config));
        let restart = needs_restart(&self.running, &next);
        let changes = changes(&self.running.config, &config);
        let engine = self.engine.on_behalf_of(by);
        if engine.reconfigure(Arc::clone(&config)).await.is_err() {
            return Reloaded::Refused("the gateway has ended".to_owned());
        }
        self.level.set(configuration.log_level());
        self.workspaces
            .reconfigure(workspaces::modes(&configuration.settings));
        self.configured
            .replace(Arc::clone(&config), run::listings(&configuration));
        self.watch.reconfigure(&config.routing);
        if let Some(discord) = &self.discord {
            discord.commands.reconfigure(config);
            discord.channels.replace(run::channels(&configuration));
        }
        // What needs a restart is compared with what runs, not with what was read last.
        self.running.config = next.config;
        self.running.settings.projects = next.settings.projects;
        Reloaded::Applied { changes, restart }
    }
}

async fn stamp(path: &str) -> Option<FileStamp> {
    let path = path.to_owned();
    let found = tokio::task::spawn_blocking(move || FileStamp::of(&path)).await;
    found.ok()?
}

fn tell(reloaded: &Reloaded) {
    match reloaded {
        Reloaded::Applied { changes, restart } => {
            info!(
                changes = changes.join("; "),
                "the configuration is in force"
            );
            for key in restart {
                warn!("{key} takes effect at the next start");
            }
        }
        Reloaded::Refused(reason) => {
            error!("the configuration was not taken up, the one before stays: {reason}");
        }
    }
}

/// What is only read at the start, and says something else now.
fn needs_restart(running: &Running, next: &Running) -> Vec<String> {
    let mut restart = Vec::new();
    let mut differ = |name: &str, differs: bool| {
        if differs {
            restart.push(name.to_owned());
        }
    };
    differ("another file is found first: it", running.path != next.path);
    differ("`data-dir`", running.state_dir != next.state_dir);
    let (before, after) = (&running.settings, &next.settings);
    differ("`drain-limit`", before.drain_limit != after.drain_limit);
    differ("`dir` of [log]", before.log.dir != after.log.dir);
    differ("[http]", before.http != after.http);
    differ("`keep` of [audit]", before.audit_keep != after.audit_keep);
    differ("[claude]", before.claude != after.claude);
    differ("[discord]", running.discord != next.discord);
    differ(
        "the first channel of the browser",
        next.has_browser && !running.has_browser,
    );
    restart
}

/// What is different, for people.
fn changes(before: &Config, after: &Config) -> Vec<String> {
    let projects = |config: &Config| -> BTreeMap<String, Project> {
        let projects = config.routing.projects();
        projects
            .map(|project| (project.name.to_string(), Project::clone(project)))
            .collect()
    };
    let (old, new) = (projects(before), projects(after));
    let mut changes = Vec::new();
    for (name, project) in &new {
        match old.get(name) {
            None => changes.push(format!("{name} is new")),
            Some(before) if before != project => changes.push(format!("{name} is different")),
            Some(_) => {}
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.push(format!("{name} is gone"));
    }
    if before.limits != after.limits {
        changes.push("the limits are different".to_owned());
    }
    changes
}

/// `mpgd reload`: asks the running gateway.
pub(crate) fn reload(global: &Global, options: &ListOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    let Outcome::Reloaded(view) = run::runtime()?.block_on(ask(&socket, &Verb::Reload))? else {
        return Err(Failure::unexpected_answer());
    };
    exit::print(&if options.json {
        exit::json(&view)
    } else {
        text(&view)
    });
    Ok(ExitCode::SUCCESS)
}

fn text(view: &ReloadView) -> String {
    let mut text = String::from("the configuration is in force\n");
    // Writing to a string cannot fail.
    for change in &view.changes {
        let _ = writeln!(text, "  {}", one_line(change, WIDTH));
    }
    for key in &view.needs_restart {
        let _ = writeln!(
            text,
            "  {} takes effect at the next start",
            one_line(key, WIDTH)
        );
    }
    text
}
