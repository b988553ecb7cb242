//! How much of the machine an agent may take, with all that it started (`proc(5)`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use mpg_core::agent::Allowance;
use rustix::param::clock_ticks_per_second;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked: what grows fast gets this far beyond.
const BETWEEN: Duration = Duration::from_millis(500);

/// What processes take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    /// Their own memory, without what belongs to files, in bytes.
    memory: u64,
    processes: u32,
    /// The time of processors that they took, with what those took that are gone.
    cpu: Duration,
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
    if let Some(most) = allowance.cpu
        && taken.cpu > most
    {
        return Some(format!(
            "ended because it took {} s of processor time with all that it started, and {} s are \
             allowed (`max-cpu-time`)",
            taken.cpu.as_secs(),
            most.as_secs(),
        ));
    }
    None
}

/// What everything below a process takes, that one left out.
fn below(root: i32) -> Taken {
    let mut ticks: BTreeMap<i32, Ticks> = BTreeMap::new();
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may be gone by now.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some((parent, taken)) = parent_and_ticks(&stat) {
            children.entry(parent).or_default().push(pid);
            ticks.insert(pid, taken);
        }
    }
    let ticks_of = |process: i32| ticks.get(&process).copied().unwrap_or_default();
    let mut taken = Taken::default();
    // Those that are gone count with whoever waited for their end.
    let mut spent = ticks_of(root).of_children;
    // Processes come and go while they are read: nobody is counted twice.
    let mut seen = BTreeSet::from([root]);
    let mut left = vec![root];
    while let Some(process) = left.pop() {
        for child in children.get(&process).into_iter().flatten() {
            if seen.insert(*child) {
                let status =
                    fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
                taken.processes += 1;
                let Ticks { own, of_children } = ticks_of(*child);
                spent = spent.saturating_add(own).saturating_add(of_children);
                taken.memory += ["RssAnon:", "RssShmem:"]
                    .iter()
                    .map(|name| crate::memory::field(&status, name))
                    .sum::<u64>();
                left.push(*child);
            }
        }
    }
    let hundredths = spent.saturating_mul(100) / clock_ticks_per_second().max(1);
    taken.cpu = Duration::from_millis(hundredths.saturating_mul(10));
    taken
}

/// Time of processors, in ticks of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    /// What a process took itself.
    own: u64,
    /// What those children took that it waited for, with theirs.
    of_children: u64,
}

/// The parent and the times in a line of `proc_pid_stat(5)`.
fn parent_and_ticks(stat: &str) -> Option<(i32, Ticks)> {
    // A name may hold anything, brackets and line breaks too.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    // Behind the parent, nine fields come before the times in user and kernel mode.
    let mut times = fields.skip(9).map_while(|time| time.parse::<u64>().ok());
    let mut both = || {
        times
            .next()
            .unwrap_or(0)
            .saturating_add(times.next().unwrap_or(0))
    };
    let (own, of_children) = (both(), both());
    Some((parent, Ticks { own, of_children }))
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
            cpu: Duration::from_secs(12),
        };
        let of = |memory: Option<u64>, processes: Option<u32>| {
            let cpu = Some(Duration::from_secs(12));
            let allowance = Allowance {
                memory,
                processes,
                cpu,
            };
            excess(taken, allowance)
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(3 << 20), Some(9)), None, "it may take all of it");
        let memory = of(Some(2 << 20), Some(1)).unwrap();
        assert!(memory.contains("took 3 MB of memory"), "{memory}");
        let processes = of(None, Some(8)).unwrap();
        assert!(processes.contains("9 processes"), "{processes}");
        let allowance = Allowance {
            cpu: Some(Duration::from_secs(11)),
            ..Allowance::default()
        };
        let cpu = excess(taken, allowance).unwrap();
        assert!(cpu.contains("took 12 s of processor time"), "{cpu}");
    }

    #[test]
    fn times_stand_where_the_manual_says() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4194304 100 200 0 0 11 22 330 440 20 0 1 0 500 1 1";
        let ticks = Ticks {
            own: 33,
            of_children: 770,
        };
        assert_eq!(parent_and_ticks(stat), Some((3, ticks)));
        assert_eq!(parent_and_ticks("7 (a) S"), None);
    }

    #[test]
    fn what_is_gone_counts_with_who_waited_for_it() {
        let before = below(i32::try_from(std::process::id()).unwrap()).cpu;
        let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let done = Command::new("sh").args(["-c", busy]).status().unwrap();
        assert!(done.success());
        let after = below(i32::try_from(std::process::id()).unwrap()).cpu;
        assert!(after > before, "{before:?} {after:?}");
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
        assert_eq!(below(root).processes, 0);
    }
}
