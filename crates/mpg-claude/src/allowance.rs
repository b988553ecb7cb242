//! How much of the machine an agent may take, with all that it started (`proc(5)`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use mpg_core::agent::Allowance;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked: what grows fast gets this far beyond.
const BETWEEN: Duration = Duration::from_millis(500);

/// What processes take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    /// Their own memory, without what belongs to files, in bytes.
    memory: u64,
    processes: u32,
}

/// Waits until what runs below a process takes more than it may, and says what it is; for ever, where
/// everything is allowed.
pub(crate) async fn exceeded(root: i32, allowance: Allowance) -> String {
    if allowance == Allowance::default() {
        return std::future::pending().await;
    }
    let mut look = interval(BETWEEN);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        // Beside the loop of its keeper: there may be many processes.
        let taken = tokio::task::spawn_blocking(move || below(root)).await;
        if let Some(said) = taken.ok().and_then(|taken| excess(taken, allowance)) {
            return said;
        }
    }
}

fn excess(taken: Taken, allowance: Allowance) -> Option<String> {
    if let Some(most) = allowance.memory
        && taken.memory > most
    {
        let megabytes = |bytes: u64| bytes >> 20;
        return Some(format!(
            "ended because it took {} MB of memory with all that it started, and {} MB are allowed \
             (`max-memory`)",
            megabytes(taken.memory),
            megabytes(most),
        ));
    }
    if let Some(most) = allowance.processes
        && taken.processes > most
    {
        return Some(format!(
            "ended because it ran as {} processes with all that it started, and {most} are allowed \
             (`max-processes`)",
            taken.processes,
        ));
    }
    None
}

/// What everything below a process takes, that one left out.
fn below(root: i32) -> Taken {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may be gone by now.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut taken = Taken::default();
    // Processes come and go while they are read: nobody is counted twice.
    let mut seen = BTreeSet::from([root]);
    let mut left = vec![root];
    while let Some(process) = left.pop() {
        for child in children.get(&process).into_iter().flatten() {
            if seen.insert(*child) {
                let status =
                    fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
                taken.processes += 1;
                taken.memory += ["RssAnon:", "RssShmem:"]
                    .iter()
                    .map(|name| crate::memory::field(&status, name))
                    .sum::<u64>();
                left.push(*child);
            }
        }
    }
    taken
}

/// The parent in a line of `proc_pid_stat(5)`.
fn parent(stat: &str) -> Option<i32> {
    // A name may hold anything, brackets and line breaks too.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_is_beyond_is_said() {
        let taken = Taken {
            memory: 3 << 20,
            processes: 9,
        };
        let of = |memory: Option<u64>, processes: Option<u32>| {
            excess(taken, Allowance { memory, processes })
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(3 << 20), Some(9)), None, "it may take all of it");
        let memory = of(Some(2 << 20), Some(1)).unwrap();
        assert!(memory.contains("took 3 MB of memory"), "{memory}");
        let processes = of(None, Some(8)).unwrap();
        assert!(processes.contains("9 processes"), "{processes}");
    }

    #[tokio::test]
    async fn what_others_started_counts_and_who_is_asked_for_does_not() {
        let mut shell = Command::new("sh")
            .args([
                "-c",
                "sleep 60 & one=$!; sleep 60 & echo; read end; kill $one $!; wait",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let root = i32::try_from(shell.id()).unwrap();
        let mut ready = String::new();
        let mut stdout = std::io::BufReader::new(shell.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut ready).unwrap();
        let taken = below(root);
        assert_eq!(taken.processes, 2);
        assert!(taken.memory > 0);
        assert!(below(i32::try_from(std::process::id()).unwrap()).processes >= 3);
        let allowance = Allowance {
            processes: Some(1),
            ..Allowance::default()
        };
        let said = exceeded(root, allowance).await;
        assert!(said.contains("2 processes"), "{said}");
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(below(root), Taken::default());
    }
}
