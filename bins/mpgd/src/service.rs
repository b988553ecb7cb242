//! `mpgd service`: the gateway as a service of this user, so that it runs whenever the machine does.

mod unit;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use mpg_discord::config::TokenSource;

use self::unit::Service;
use crate::cli::{Global, ServiceCommand};
use crate::configuration::{Configuration, absolute, working_dir};
use crate::exit::{self, Failure};

/// The variables that stay what they are when the service is installed: where programs are found,
/// and where profiles are.
const KEPT: [&str; 3] = ["PATH", "MPG_HOME", "CLAUDE_CONFIG_DIR"];

/// The file of further variables, beside the configuration.
const VARIABLES: &str = "mpgd.env";

/// How much longer than the drain limit an end may take, in seconds.
const ENDING: u64 = 60;

/// The name of the service where it is the only one.
const NAME: &str = "mpgd";

/// What launchd calls it.
const LABEL: &str = "rs.mpg";

pub(crate) fn service(global: &Global, command: &ServiceCommand) -> Result<ExitCode, Failure> {
    let manager = Manager::here(global)?;
    match command {
        ServiceCommand::Install { print, no_start } => {
            install(global, &manager, *print, !*no_start)
        }
        ServiceCommand::Status => manager.status(),
        ServiceCommand::Uninstall => manager.uninstall(),
    }
}

fn install(
    global: &Global,
    manager: &Manager,
    print: bool,
    start: bool,
) -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(global)?;
    if configuration.of_predecessor {
        return Err(Failure::Refused(
            "a service runs with a configuration of its own\n  help: run: mpgd init --migrate"
                .to_owned(),
        ));
    }
    let definition = manager.definition(&configuration)?;
    if print {
        exit::print(&definition);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(directory) = manager.file.parent() {
        fs::create_dir_all(directory).map_err(Failure::io(directory.display().to_string()))?;
    }
    fs::write(&manager.file, definition)
        .map_err(Failure::io(manager.file.display().to_string()))?;
    exit::print(&format!("wrote {}\n", manager.file.display()));
    if let Some(TokenSource::Env(name)) = configuration.discord.as_ref().map(|table| &table.token) {
        let variables = Path::new(&configuration.path).with_file_name(VARIABLES);
        exit::print(&format!(
            "the token is in {name} of the environment, which a service does not have: write \
             {name}=… into {}, for this user alone\n",
            variables.display()
        ));
    }
    if start {
        manager.start()
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Which service manager there is, and what the service is called there.
struct Manager {
    kind: Kind,
    name: String,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Systemd,
    Launchd,
}

impl Manager {
    fn here(global: &Global) -> Result<Self, Failure> {
        let environment: BTreeMap<String, String> = crate::environment::read();
        let home = environment
            .get("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from)
            .ok_or_else(|| Failure::Refused("HOME is not set, so no service can be".to_owned()))?;
        let name = match &global.profile {
            Some(profile) if profile != "default" => format!("{NAME}-{profile}"),
            Some(_) | None => NAME.to_owned(),
        };
        let kind = if cfg!(target_os = "macos") {
            Kind::Launchd
        } else {
            Kind::Systemd
        };
        let file = match kind {
            Kind::Systemd => environment
                .get("XDG_CONFIG_HOME")
                .filter(|directory| directory.starts_with('/'))
                .map_or_else(|| home.join(".config"), PathBuf::from)
                .join("systemd/user")
                .join(format!("{name}.service")),
            Kind::Launchd => home
                .join("Library/LaunchAgents")
                .join(format!("{LABEL}.{name}.plist")),
        };
        Ok(Self { kind, name, file })
    }

    fn definition(&self, configuration: &Configuration) -> Result<String, Failure> {
        let program = std::env::current_exe().map_err(Failure::io("this program"))?;
        let config = PathBuf::from(absolute(&working_dir()?, &configuration.path));
        let kept = KEPT.iter().filter_map(|name| {
            let value = configuration.environment.get(*name)?;
            Some((*name, value.clone()))
        });
        let service = Service {
            program,
            variables: config.with_file_name(VARIABLES),
            config,
            environment: kept.collect(),
            stop_limit: configuration.settings.drain_limit.as_secs() + ENDING,
        };
        Ok(match self.kind {
            Kind::Systemd => unit::systemd(&service),
            Kind::Launchd => unit::launchd(&service, &format!("{LABEL}.{}", self.name)),
        })
    }

    fn start(&self) -> Result<ExitCode, Failure> {
        let unit = format!("{}.service", self.name);
        let file = self.file.to_string_lossy().into_owned();
        let started = match self.kind {
            Kind::Systemd => {
                run("systemctl", &["--user", "daemon-reload"])?
                    && run("systemctl", &["--user", "enable", &unit])?
                    && run("systemctl", &["--user", "restart", &unit])?
            }
            Kind::Launchd => run("launchctl", &["load", "-w", &file])?,
        };
        if !started {
            return Err(Failure::Refused(format!(
                "the service is written and was not started: its manager said no\n  help: start \
                 it in a session of this user, or run: mpgd --config … run; it is {}",
                self.file.display()
            )));
        }
        exit::print(&format!("{} runs as a service of this user\n", self.name));
        if self.kind == Kind::Systemd {
            exit::print("to keep it running while nobody is logged in: loginctl enable-linger\n");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Shows what the service manager says, and gives its verdict as the exit code.
    fn status(&self) -> Result<ExitCode, Failure> {
        if !self.file.exists() {
            return Err(Failure::Refused(format!(
                "there is no service {}\n  help: run: mpgd service install",
                self.file.display()
            )));
        }
        let unit = format!("{}.service", self.name);
        let label = format!("{LABEL}.{}", self.name);
        let runs = match self.kind {
            Kind::Systemd => run("systemctl", &["--user", "--no-pager", "status", &unit])?,
            Kind::Launchd => run("launchctl", &["list", &label])?,
        };
        Ok(if runs {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn uninstall(&self) -> Result<ExitCode, Failure> {
        if !self.file.exists() {
            exit::print(&format!("there is no service {}\n", self.file.display()));
            return Ok(ExitCode::SUCCESS);
        }
        let unit = format!("{}.service", self.name);
        let file = self.file.to_string_lossy().into_owned();
        // A manager that is not there has nothing to forget; the file goes in any case.
        let forgotten = match self.kind {
            Kind::Systemd => run("systemctl", &["--user", "disable", "--now", &unit]),
            Kind::Launchd => run("launchctl", &["unload", "-w", &file]),
        };
        fs::remove_file(&self.file).map_err(Failure::io(file.clone()))?;
        if self.kind == Kind::Systemd {
            drop(run("systemctl", &["--user", "daemon-reload"]));
        }
        exit::print(&format!(
            "removed {file}; configuration and state are kept\n"
        ));
        if matches!(forgotten, Ok(true)) {
            return Ok(ExitCode::SUCCESS);
        }
        exit::print("the service manager was not told; a gateway may still run\n");
        Ok(ExitCode::FAILURE)
    }
}

/// Runs a program of the service manager, which says itself what it does.
fn run(program: &str, arguments: &[&str]) -> Result<bool, Failure> {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Refused(format!(
            "{program} was not found: there is no service manager that is known here"
        ))),
        Err(error) => Err(Failure::io(program.to_owned())(error)),
    }
}
