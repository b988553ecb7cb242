//! What processes take of the machine's memory (`proc(5)`).

use std::collections::BTreeMap;
use std::fs;

/// The memory that a process shares with no other, in bytes; 0 where the system does not say.
pub(crate) fn private(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    ["Private_Clean:", "Private_Dirty:"]
        .iter()
        .map(|name| field(&rollup, name))
        .sum()
}

/// The resident memory of every process group, in bytes.
pub(crate) fn groups() -> BTreeMap<i32, u64> {
    let mut groups = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may be gone by now.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(group) = group(&stat) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            *groups.entry(group).or_insert(0) += field(&status, "VmRSS:");
        }
    }
    groups
}

/// The process group in a line of `proc_pid_stat(5)`.
fn group(stat: &str) -> Option<i32> {
    // A name may hold anything, brackets and line breaks too.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// A field that is given in kB, in bytes.
pub(crate) fn field(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_ascii_whitespace().next());
    let kilobytes: u64 = number.and_then(|number| number.parse().ok()).unwrap_or(0);
    kilobytes.saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpgrp, getpid};

    use super::*;

    #[test]
    fn fields_are_read_and_what_is_none_counts_nothing() {
        assert_eq!(
            field("Rss: 9 kB\nPrivate_Dirty:     12 kB\n", "Private_Dirty:"),
            12_288
        );
        for text in [
            "",
            "Private_Dirty:",
            "Private_Dirty: x kB",
            "XPrivate_Dirty: 1 kB",
        ] {
            assert_eq!(field(text, "Private_Dirty:"), 0, "{text:?}");
        }
        assert_eq!(group("9 (a) b 1 2) S 5 77 9 0"), Some(77));
        for stat in ["", "9 (a", "9 (a) S", "9 (a) S 5 x"] {
            assert_eq!(group(stat), None, "{stat:?}");
        }
    }

    #[test]
    fn this_process_takes_some() {
        let own = private(getpid().as_raw_nonzero().get());
        assert!(own > 0);
        assert!(groups()[&getpgrp().as_raw_nonzero().get()] > 0);
        assert_eq!(private(-1), 0);
    }
}
