//! What fuzzers found worth keeping is read again, whatever has changed since.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mpg_fuzz::{TARGETS, Target};

/// How many files the corpus of a target has at most, and how large they are together, in bytes.
const FILES: usize = 120;
const BYTES: usize = 200_000;

#[test]
fn every_target_has_its_binary_and_its_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        let stems = entries.iter().filter_map(|path| path.file_stem()?.to_str());
        stems.map(str::to_owned).collect()
    };
    assert_eq!(names("fuzz/fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}

#[test]
fn the_corpora_are_small() {
    for (name, _) in TARGETS {
        let corpus = corpus(name);
        let bytes: usize = corpus.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(
            (5..=FILES).contains(&corpus.len()) && bytes <= BYTES,
            "{name}: {} files, {bytes} bytes; `cargo fuzz cmin` makes them fewer",
            corpus.len()
        );
    }
}

#[test]
fn what_was_kept_is_read() {
    for (name, target) in TARGETS {
        for (file, bytes) in corpus(name) {
            replay(&file, target, &bytes);
        }
    }
}

/// Runs a target, and says with which file it panicked.
fn replay(file: &Path, target: Target, bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    assert!(outcome.is_ok(), "{}", file.display());
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let files = entries(&folder).into_iter();
    files
        .map(|file| {
            let bytes = fs::read(&file).expect("a file of the corpus can be read");
            (file, bytes)
        })
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry can be read").path())
        .collect();
    entries.sort();
    entries
}
