//! The git repositories near a directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How far below a directory is looked.
const DEPTH: usize = 2;

/// How many directories are looked at, over all.
const LOOKED_AT: usize = 4_000;

/// How many are found at the most.
const FOUND: usize = 60;

/// Directories that hold what others wrote.
const PASSED_OVER: [&str; 4] = ["node_modules", "target", "vendor", "venv"];

/// Looks for repositories: those of the first directory come first, and of each the one that was
/// used last. A directory that is a repository is not looked into.
pub(crate) fn near(directories: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<PathBuf> = Vec::new();
    let mut left = LOOKED_AT;
    for directory in directories {
        let mut below = Vec::new();
        look(directory, DEPTH, &mut left, &mut below);
        below.sort_by_key(|repository| std::cmp::Reverse(used(repository)));
        found.extend(below.into_iter().filter(|found| seen.insert(found.clone())));
    }
    found.truncate(FOUND);
    found
}

fn look(directory: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    // A file of this name belongs to a linked work tree, which its repository looks after.
    if directory.join(".git").is_dir() {
        found.push(directory.to_path_buf());
        return;
    }
    if depth == 0 {
        return;
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut below: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && !PASSED_OVER.contains(&name.as_ref())
        })
        .map(|entry| entry.path())
        .take(LOOKED_AT)
        .collect();
    below.sort();
    for directory in below {
        look(&directory, depth - 1, left, found);
    }
}

/// When a repository was used last, as far as its index tells.
fn used(repository: &Path) -> Option<SystemTime> {
    let git = repository.join(".git");
    ["index", "HEAD"]
        .iter()
        .find_map(|name| fs::metadata(git.join(name)).ok()?.modified().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_near_by() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for name in [
            "work/shop/.git",
            "work/shop/part/.git",
            "work/deep/er/.git",
            "tool/.git",
            ".hidden/.git",
            "web/node_modules/.git",
            "plain",
        ] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::create_dir_all(at("linked")).unwrap();
        fs::write(at("linked/.git"), "gitdir: elsewhere").unwrap();
        let found = near(&[at("work"), home.path().to_path_buf()]);
        let expected: BTreeSet<PathBuf> = ["work/shop", "work/deep/er", "tool"].map(at).into();
        assert_eq!(found.last(), Some(&at("tool")));
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(near(&[at("tool"), at("tool")]), [at("tool")]);
        assert_eq!(near(&[at("nowhere")]), Vec::<PathBuf>::new());
    }
}
