//! The gateway daemon: arguments, configuration, composition, run, exit code.

mod adoption;
mod agent;
mod agent_folder;
mod audit;
mod backup;
mod check;
mod cli;
mod completions;
mod configuration;
mod control;
mod dashboard;
mod deliveries;
mod doctor;
mod document;
#[cfg(test)]
mod documented;
mod dotenv;
mod ending;
mod environment;
mod exit;
mod file_door;
mod http;
mod import;
mod init;
mod log_file;
mod logging;
mod logs;
mod mapping;
mod new_files;
mod notify;
mod privacy;
mod programs;
mod project;
mod prompt;
mod reap;
mod reload;
mod repositories;
mod requests;
mod routes;
mod run;
mod schema;
mod secret;
mod send;
mod send_file;
mod sent;
mod server;
mod service;
mod sessions;
mod shown;
mod signals;
mod state_dir;
mod status;
mod stop;
mod token;
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
        Command::Schema => Ok(schema::schema()),
        Command::Routes(message) => routes::routes(&global, &message),
        Command::Status(options) => status::status(&global, &options),
        Command::Reload(options) => reload::reload(&global, &options),
        Command::Stop(options) => stop::stop(&global, &options),
        Command::Logs(options) => logs::logs(&global, &options),
        Command::Deliveries { options, command } => {
            deliveries::deliveries(&global, &options, command.as_ref())
        }
        Command::Requests(options) => requests::requests(&global, &options),
        Command::Answer(options) => requests::answer(&global, &options),
        Command::Sessions(options) => sessions::sessions(&global, &options),
        Command::Reap(options) => reap::reap(&global, &options),
        Command::Backup(options) => backup::backup(&global, &options),
        Command::Doctor(options) => doctor::doctor(&global, &options),
        Command::Import(arguments) => import::import(&global, &arguments),
        Command::Init(arguments) => init::init(&global, &arguments),
        Command::Project { command } => project::project(&global, &command),
        Command::Service { command } => service::service(&global, &command),
        Command::Completions { shell } => Ok(completions::completions(shell)),
        Command::Man { directory } => completions::man(directory.as_deref()),
        Command::Token { command } => token::token(&global, &command),
        Command::Audit { command } => audit::audit(&global, &command),
        Command::Dashboard(options) => dashboard::dashboard(&global, &options),
        Command::Try(trial) => trial::run(&global, &trial),
        Command::Send(options) => send::send(&global, &options),
        Command::SendFile(arguments) => send_file::send_file(&arguments),
        Command::Keep { folder } => Ok(mpg_claude::keep(&folder)),
        Command::Exec {
            keeper,
            program,
            arguments,
        } => {
            let variable = |name: &str| std::env::var_os(name);
            Ok(mpg_claude::exec(keeper, &program, &arguments, &variable))
        }
    }
}
