//! The start of a CLI: what has to happen in the CLI's own process before it is one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};

use crate::network;
use crate::sandbox::{self, Confinement};

/// How the message begins that says why a CLI was not started.
pub(crate) const NOT_STARTED: &str = "not started: ";
/// The exit code where the program is not there, as shells have it.
pub(crate) const NOT_FOUND: u8 = 127;
/// The exit code where the program cannot be run.
const NOT_RUN: u8 = 126;

/// Becomes `program`, so that it ends when its keeper does.
///
/// The main function of the command that [`KeeperCommand::exec`](crate::KeeperCommand) names.
/// `keeper` is the process that started this one: if it is gone by now, nothing is started. Returns
/// only where the program could not be run, and says why on standard error. `variable` looks a variable
/// of this process's environment up.
pub fn exec(
    keeper: i32,
    program: &OsStr,
    arguments: &[OsString],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> ExitCode {
    // Inside of its walls this process runs once more; its keeper is not to be seen there, and its end
    // is that of the walls.
    if let (None, Some(said)) = (variable(sandbox::VARIABLE), variable(network::VARIABLE)) {
        if let Err(error) = network::listen(&said).and_then(|()| sandbox::forgo_ambient()) {
            return refuse(&format!("its model cannot be reached: {error}"), NOT_RUN);
        }
        let mut command = Command::new(program);
        command.args(arguments).env_remove(network::VARIABLE);
        return not_run(&command.exec());
    }
    let asked = set_parent_process_death_signal(Some(Signal::TERM));
    if let Err(error) = asked {
        return refuse(
            &format!("the end of its keeper cannot be seen: {error}"),
            NOT_RUN,
        );
    }
    // It may have ended before the signal was asked for.
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != keeper) {
        return refuse("its keeper is gone", NOT_RUN);
    }
    // A group of its own, and without the terminal that its keeper may be watched on.
    if let Err(error) = setsid() {
        return refuse(&format!("it has no session of its own: {error}"), NOT_RUN);
    }
    let error = match command(program, arguments, variable) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    };
    not_run(&error)
}

fn not_run(error: &io::Error) -> ExitCode {
    let code = if error.kind() == io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_RUN
    };
    refuse(&error.to_string(), code)
}

/// What becomes the program: itself, or what puts walls around it.
fn command(
    program: &OsStr,
    arguments: &[OsString],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> io::Result<Command> {
    let Some(said) = variable(sandbox::VARIABLE) else {
        let mut command = Command::new(program);
        command.args(arguments);
        return Ok(command);
    };
    if !is_there(program, &variable("PATH").unwrap_or_default()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let unconfined = |error: io::Error| io::Error::other(format!("it cannot be confined: {error}"));
    let confinement: Confinement = serde_json::from_slice(said.as_bytes())?;
    let confined = env::current_dir()
        .and_then(|directory| confinement.enter(program, arguments, &directory))
        .map_err(unconfined)?;
    let mut command = Command::new(confined.program);
    command
        .args(confined.arguments)
        .envs(confined.environment)
        .env_remove(sandbox::VARIABLE);
    Ok(command)
}

/// Whether there is such a program: what puts walls around it does not say so in a way of its own.
fn is_there(program: &OsStr, path: &OsStr) -> bool {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).exists();
    }
    env::split_paths(path).any(|folder| folder.join(program).is_file())
}

fn refuse(why: &str, code: u8) -> ExitCode {
    // Where standard error is closed, there is nobody to tell.
    drop(writeln!(io::stderr(), "{NOT_STARTED}{why}"));
    ExitCode::from(code)
}
