//! Walls made by the kernel's Landlock.
//!
//! It allows and never takes back: what is below a folder that can be written can be written. So here,
//! other than with bubblewrap, the settings of git and of the CLI that are inside of such a folder can
//! be changed by an agent, what is protected inside its own workspace can be read, and the sockets of
//! the machine's services can be spoken to. Its version 3 is needed, which is in Linux since 6.2; from
//! version 6 on, nothing outside can be signalled.

use std::path::{Path, PathBuf};
use std::{fs, io};

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};

use super::layout::{Access, Layout};

/// What has to be there.
const NEEDED: ABI = ABI::V3;

/// What is used where it is there.
const USED: ABI = ABI::V6;

/// How many things in one folder are looked at; a folder of more is shut.
const MOST: usize = 10_000;

/// Whether the kernel has it.
pub(super) fn works() -> bool {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED));
    rules.is_ok_and(|rules| rules.create().is_ok())
}

/// Confines this thread, and everything that it becomes or starts.
pub(super) fn restrict(layout: &Layout, temporary: &Path) -> io::Result<()> {
    let written: Vec<&Path> = layout.with(Access::Write).collect();
    // It would take what is new in such a folder with it.
    let is_inside = |path: &Path| written.iter().any(|folder| path.starts_with(folder));
    let shut: Vec<&Path> = layout
        .with(Access::None)
        .filter(|path| !is_inside(path))
        .collect();
    let mut readable = Vec::new();
    open(Path::new("/"), &shut, &mut readable);
    readable.extend(layout.with(Access::Read).map(Path::to_owned));
    let mut writable = vec![PathBuf::from("/dev"), temporary.to_owned()];
    writable.extend(written.iter().map(PathBuf::from));
    let read = AccessFs::from_read(USED);
    let all = AccessFs::from_all(USED);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))
        .map_err(io::Error::other)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .and_then(|rules| rules.scope(Scope::Signal))
        .and_then(|rules| rules.scope(Scope::AbstractUnixSocket))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    for (paths, access) in [(readable, read), (writable, all)] {
        for path in paths {
            // What went away meanwhile needs no rule.
            let Ok(file) = PathFd::new(&path) else {
                continue;
            };
            let access = if path.is_dir() {
                access
            } else {
                access & AccessFs::from_file(USED)
            };
            rules = rules
                .add_rule(PathBeneath::new(file, access))
                .map_err(io::Error::other)?;
        }
    }
    rules.restrict_self().map_err(io::Error::other)?;
    Ok(())
}

/// Collects what is below a path and not shut: the path itself, if nothing in it is.
fn open(path: &Path, shut: &[&Path], opened: &mut Vec<PathBuf>) {
    if shut.iter().any(|shut| path.starts_with(shut)) {
        return;
    }
    if !shut.iter().any(|shut| shut.starts_with(path)) {
        opened.push(path.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.take(MOST).filter_map(Result::ok) {
        // What a link leads to is open where it is.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            open(&entry.path(), shut, opened);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_open_but_what_is_shut() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["a/b/secret", "a/b/open", "a/c", "d"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/b/secret"), root.join("a/link")).unwrap();
        let mut opened = Vec::new();
        open(root, &[&root.join("a/b/secret")], &mut opened);
        opened.sort();
        assert_eq!(opened, ["a/b/open", "a/c", "d"].map(|path| root.join(path)));
        opened.clear();
        open(root, &[root], &mut opened);
        assert!(opened.is_empty());
    }
}
