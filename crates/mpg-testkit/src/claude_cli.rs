//! The pinned `claude` command line, installed for tests.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that the tests are written against.
pub const CLAUDE_VERSION: &str = "2.1.197";

/// The variable that names another `claude` to test with.
pub const CLAUDE_OVERRIDE: &str = "MPG_TEST_CLAUDE";

/// Finds the `claude` of [`CLAUDE_VERSION`], and installs it from npm where it is not there yet.
///
/// It is kept below cargo's target folder, which is found upward from the running test, and shared
/// by all tests: the first one installs it while the others wait. Blocks for seconds then.
///
/// # Panics
///
/// Where npm is missing or fails; the message says what to do.
pub fn claude() -> PathBuf {
    if let Some(path) = env::var_os(CLAUDE_OVERRIDE) {
        return PathBuf::from(path);
    }
    let executable = env::current_exe().expect("a running test knows its own path");
    let target = target_folder(&executable).unwrap_or_else(|| {
        panic!(
            "no folder above {} is a cargo target folder; name a claude in {CLAUDE_OVERRIDE}",
            executable.display()
        )
    });
    install(&target.join("mpg-testkit"))
}

/// The program, once it is installed below `folder`.
fn install(folder: &Path) -> PathBuf {
    let prefix = folder.join(format!("claude-{CLAUDE_VERSION}"));
    let program = prefix.join("node_modules/.bin/claude");
    if program.exists() {
        return program;
    }
    fs::create_dir_all(folder)
        .unwrap_or_else(|error| panic!("{} cannot be made: {error}", folder.display()));
    let lock = folder.join("claude.lock");
    let lock = File::create(&lock)
        .unwrap_or_else(|error| panic!("{} cannot be made: {error}", lock.display()));
    // Held until the end of this function; other processes of the test run wait here.
    lock.lock().expect("a local file can be locked");
    if program.exists() {
        return program;
    }
    let fresh = folder.join(format!("claude-{CLAUDE_VERSION}.new"));
    // A rest of an installation that was cut off; mostly there is none.
    drop(fs::remove_dir_all(&fresh));
    npm_install(&fresh);
    fs::rename(&fresh, &prefix).unwrap_or_else(|error| {
        panic!(
            "{} cannot become {}: {error}",
            fresh.display(),
            prefix.display()
        )
    });
    program
}

fn npm_install(prefix: &Path) {
    let package = format!("@anthropic-ai/claude-code@{CLAUDE_VERSION}");
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--prefix"])
        .arg(prefix)
        .arg(&package)
        .output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "npm could not install {package} ({}); name an installed claude in {CLAUDE_OVERRIDE} \
             instead. npm said:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!(
            "npm could not be run ({error}), so {package} cannot be installed; install Node.js \
             with npm, or name an installed claude in {CLAUDE_OVERRIDE}"
        ),
    }
}

/// The folder that cargo builds into: it keeps there what it knows of the compiler. A tag for backup
/// programs is there only where cargo made the folder itself.
fn target_folder(executable: &Path) -> Option<&Path> {
    executable
        .ancestors()
        .find(|folder| folder.join(".rustc_info.json").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_test_is_below_the_target_folder() {
        let executable = env::current_exe().unwrap();
        let target = target_folder(&executable).unwrap();
        assert!(executable.starts_with(target));
        assert_eq!(target_folder(Path::new("/no/such/folder/test")), None);
    }

    #[test]
    fn an_installed_program_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder
            .path()
            .join(format!("claude-{CLAUDE_VERSION}/node_modules/.bin"));
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("claude"), "").unwrap();
        assert_eq!(install(folder.path()), bin.join("claude"));
    }
}
