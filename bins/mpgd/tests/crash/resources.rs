//! What a process holds.

use std::fmt;
use std::fs;
use std::path::PathBuf;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resources {
    pub(crate) files: usize,
    pub(crate) threads: usize,
    /// Resident memory in KiB.
    pub(crate) memory: u64,
}

impl Resources {
    /// What a process holds now.
    pub(crate) fn of(pid: u32) -> Self {
        let count =
            |folder: &str| fs::read_dir(format!("/proc/{pid}/{folder}")).map_or(0, Iterator::count);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        Self {
            files: count("fd"),
            threads: count("task"),
            memory: memory.unwrap_or_default(),
        }
    }
}

/// What the open files of a process are.
pub(crate) fn open_files(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut targets: Vec<PathBuf> = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .collect();
    targets.sort();
    targets
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            threads,
            memory,
        } = self;
        write!(
            f,
            "{files} files, {threads} threads, {:.1} MiB",
            mebibytes(*memory)
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "memory in KiB is far below what a float holds exactly"
)]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
