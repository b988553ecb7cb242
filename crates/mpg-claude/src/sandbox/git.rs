//! What of a repository's own folder an agent writes: not what makes git run programs.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Access;

/// What git does as it is said there, whoever runs it.
const CONFIGURATION: [&str; 3] = ["config", "config.worktree", "hooks"];

/// The folder of the repository that a workspace is of, where that is outside of the workspace.
pub(super) fn repository(workspace: &Path) -> Option<PathBuf> {
    let link = fs::read_to_string(workspace.join(".git")).ok()?;
    let own = workspace.join(link.strip_prefix("gitdir:")?.trim());
    let common = fs::read_to_string(own.join("commondir")).ok()?;
    fs::canonicalize(own.join(common.trim())).ok()
}

/// The accesses of a repository's own files.
pub(super) fn accesses(workspace: &Path) -> Vec<(PathBuf, Access)> {
    let own = workspace.join(".git");
    let common = repository(workspace);
    let mut accesses = Vec::new();
    if let Some(common) = &common {
        accesses.push((common.clone(), Access::Write));
    }
    let folder = common.unwrap_or(own);
    let shut = CONFIGURATION.iter().map(|name| folder.join(name));
    accesses.extend(shut.map(|path| (path, Access::Read)));
    accesses
}
