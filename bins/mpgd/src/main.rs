//! The gateway daemon: arguments, configuration, composition, run, exit code.

mod agent;
mod check;
mod cli;
mod configuration;
mod environment;
mod exit;
mod logging;
mod routes;
mod run;
mod secret;
mod signals;
mod trial;
mod workspaces;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Arguments, Command};
use crate::exit::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { global, command } = arguments;
    match command.unwrap_or(Command::Run) {
        Command::Run => run::run(&global),
        Command::Check => check::check(&global),
        Command::Routes(message) => routes::routes(&global, &message),
        Command::Try(trial) => trial::run(&global, &trial),
    }
}
