//! `mpgd completions` and `mpgd man`: what shells and readers are given, made from the arguments
//! themselves.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Arguments;
use crate::exit::{self, Failure};

/// Prints the script that completes the arguments in a shell.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "mpgd", &mut script);
    exit::print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// Prints the manual page, or writes one for each command into a directory.
pub(crate) fn man(directory: Option<&str>) -> Result<ExitCode, Failure> {
    let command = command();
    if let Some(directory) = directory {
        let failed = || Failure::io(directory.to_owned());
        fs::create_dir_all(directory).map_err(failed())?;
        clap_mangen::generate_to(command, Path::new(directory)).map_err(failed())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(Failure::io("the manual page"))?;
    exit::print(&String::from_utf8_lossy(&page));
    Ok(ExitCode::SUCCESS)
}

/// The arguments without what the gateway calls itself.
fn command() -> Command {
    let all = Arguments::command();
    let shown = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    Command::new("mpgd")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .args(all.get_arguments().cloned())
        .subcommands(shown.cloned())
}
