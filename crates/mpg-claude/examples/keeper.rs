//! The commands that a program needs which embeds the runtime: `keeper keep FOLDER` keeps a session,
//! `keeper exec KEEPER PROGRAM …` becomes its agent.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [command, folder] if command == "keep" => mpg_claude::keep(folder.as_ref()),
        [command, keeper, program, rest @ ..] if command == "exec" => {
            let keeper = keeper.to_str().and_then(|keeper| keeper.parse().ok());
            let variable = |name: &str| std::env::var_os(name);
            mpg_claude::exec(keeper.unwrap_or(0), program, rest, &variable)
        }
        _ => ExitCode::from(64),
    }
}
