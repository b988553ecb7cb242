//! What is in the repository: its members, their manifests, its files.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// The folders that hold nothing of ours.
const FOREIGN: [&str; 3] = [".git", "target", "node_modules"];

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    pub name: String,
    pub folder: PathBuf,
    pub manifest: Table,
}

pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

pub(crate) fn manifest(folder: &Path) -> Table {
    let file = folder.join("Cargo.toml");
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub(crate) fn members() -> Vec<Member> {
    let root = root();
    let workspace = manifest(&root);
    let patterns = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .clone();
    let folders = patterns.iter().flat_map(|pattern| {
        let pattern = pattern.as_str().unwrap();
        match pattern.strip_suffix("/*") {
            Some(parent) => entries(&root.join(parent)),
            None => vec![root.join(pattern)],
        }
    });
    let members: Vec<_> = folders
        .filter(|folder| folder.join("Cargo.toml").exists())
        .map(|folder| {
            let manifest = manifest(&folder);
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            Member {
                name,
                folder,
                manifest,
            }
        })
        .collect();
    assert!(
        members.len() >= 10,
        "the workspace's members were not found"
    );
    members
}

/// All files whose name ends with one of `endings`, by their path from the root.
pub(crate) fn files(endings: &[&str]) -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder) {
            let name = entry.file_name().unwrap().to_str().unwrap();
            if entry.is_dir() {
                if !FOREIGN.contains(&name) {
                    folders.push(entry);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(entry.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Fails with all that is wrong at once.
#[track_caller]
pub(crate) fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}
