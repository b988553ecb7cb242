//! The commit of a source folder, where it is a part of a repository and git can be asked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the program names its version.
pub(crate) fn version(package: &str, commit: Option<&str>, is_release: bool) -> String {
    match commit {
        Some(commit) => format!("{package} ({commit})"),
        None if is_release => package.to_owned(),
        None => format!("{package} (debug build)"),
    }
}

/// The commit that is checked out; `None` in a package without history, even inside of another
/// repository.
pub(crate) fn of(folder: &Path) -> Option<String> {
    git(folder, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    git(folder, &["rev-parse", "--short=12", "HEAD"])
}

/// A file that changes with each commit.
pub(crate) fn changes_with(folder: &Path) -> Option<PathBuf> {
    of(folder)?;
    let path = folder.join(git(folder, &["rev-parse", "--git-path", "logs/HEAD"])?);
    path.is_file().then_some(path)
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
