//! What the service manager is told, where there is one: `sd_notify(3)` of systemd.
//!
//! Ready is said once the platforms are connected. The watchdog is fed by an answer of the engine's
//! own loop, so that a loop that is stuck is restarted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpg_core::id::PlatformId;
use mpg_core::wording::plural;
use mpg_engine::{ControlHandle, Status};
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::control::is_connected;
use crate::shown::one_line;

/// The variables of the protocol.
const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// How often the engine is looked at until it is ready.
const STARTING: Duration = Duration::from_millis(100);

/// How often it is looked at then, unless the watchdog wants more.
const RUNNING: Duration = Duration::from_secs(10);

/// How much longer than the drain limit an end may take.
const ENDING: Duration = Duration::from_secs(20);

/// How much of a connection's state is told, in characters.
const STATE_LENGTH: usize = 100;

/// The service manager, or nobody. Clones speak to the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notify(Option<Arc<Manager>>);

#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
    stopping: AtomicBool,
    /// What did not get through when the end began.
    owed: Mutex<Option<String>>,
}

impl Notify {
    /// The manager that the environment names.
    pub(crate) fn from_environment(environment: &BTreeMap<String, String>) -> Self {
        let Some(name) = environment.get(SOCKET).filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        match connect(name) {
            Ok((socket, address)) => Self(Some(Arc::new(Manager {
                socket,
                address,
                watchdog: watchdog(environment, std::process::id()),
                stopping: AtomicBool::new(false),
                owed: Mutex::default(),
            }))),
            Err(error) => {
                warn!(%error, socket = name, "the service manager cannot be told anything");
                Self::default()
            }
        }
    }

    /// Keeps telling how the engine is, until it has ended. Ready once all of `platforms` were
    /// connected.
    pub(crate) async fn follow(self, engine: ControlHandle, platforms: Vec<PlatformId>) {
        let Some(manager) = self.0 else {
            return;
        };
        let between = manager
            .watchdog
            .map_or(RUNNING, |limit| RUNNING.min(limit / 2));
        let mut ready = false;
        let mut said = String::new();
        loop {
            // Nothing is said as long as nothing is answered: that is what the watchdog is for.
            let Ok(status) = engine.status().await else {
                return;
            };
            manager.settle();
            let mut message = String::new();
            let becomes_ready = !ready && is_ready(&status, &platforms);
            if becomes_ready {
                message.push_str("READY=1\n");
            }
            if manager.watchdog.is_some() {
                message.push_str("WATCHDOG=1\n");
            }
            let line = line(&status, &platforms);
            if line != said && !manager.stopping.load(Ordering::Relaxed) {
                // Writing to a string cannot fail.
                let _ = writeln!(message, "STATUS={line}");
            }
            // What did not get through is said again with the next one.
            if manager.tell(&message) {
                ready |= becomes_ready;
                said = line;
            }
            sleep(if ready {
                between
            } else {
                between.min(STARTING)
            })
            .await;
        }
    }

    /// Says that the daemon ends, and how long that may take. Only the first time counts.
    pub(crate) fn stopping(&self, drain_limit: Duration) {
        let Some(manager) = &self.0 else {
            return;
        };
        if !manager.stopping.swap(true, Ordering::Relaxed) {
            let limit = drain_limit.saturating_add(ENDING).as_micros();
            let message =
                format!("STOPPING=1\nSTATUS=ending what runs\nEXTEND_TIMEOUT_USEC={limit}\n");
            *manager.owed() = Some(message);
            manager.settle();
        }
    }
}

impl Manager {
    /// Says what is owed, if there is room for it now.
    fn settle(&self) {
        let mut owed = self.owed();
        if owed.as_deref().is_some_and(|message| self.tell(message)) {
            *owed = None;
        }
    }

    fn owed(&self) -> MutexGuard<'_, Option<String>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it got through.
    fn tell(&self, message: &str) -> bool {
        if message.is_empty() {
            return true;
        }
        // It does not block: a manager that does not read is not waited for.
        let told = self.socket.send_to_addr(message.as_bytes(), &self.address);
        if let Err(error) = &told {
            debug!(%error, "the service manager was not told");
        }
        told.is_ok()
    }
}

/// A socket that sends to an address, which is a path, or, behind an `@`, a name without a file.
fn connect(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;

    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How long the manager waits for a sign of life, if it waits for one of this process.
fn watchdog(environment: &BTreeMap<String, String>, pid: u32) -> Option<Duration> {
    let meant = environment.get(WATCHDOG_PID);
    if meant.is_some_and(|meant| meant.parse() != Ok(pid)) {
        return None;
    }
    let limit: u64 = environment.get(WATCHDOG)?.parse().ok()?;
    (limit > 0).then(|| Duration::from_micros(limit))
}

fn is_ready(status: &Status, platforms: &[PlatformId]) -> bool {
    platforms
        .iter()
        .all(|platform| status.links.get(platform).is_some_and(is_connected))
}

/// One line for `systemctl status`.
fn line(status: &Status, platforms: &[PlatformId]) -> String {
    let overview = &status.overview;
    let mut line = format!(
        "{} running, {} waiting",
        plural(overview.turns, "turn"),
        overview.queued
    );
    for platform in platforms {
        let state = status.links.get(platform);
        let state = state.map_or_else(|| "connecting".to_owned(), ToString::to_string);
        // What a platform says may be of several lines, and a second line would be a variable.
        let _ = write!(line, "; {platform} {}", one_line(&state, STATE_LENGTH));
    }
    line
}

#[cfg(test)]
mod tests {
    use mpg_engine::{Engine, ScriptedRuntime};

    use super::*;
    use crate::trial;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_for_a_loop_that_does_not_answer() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let environment = [
            (SOCKET.to_owned(), path.to_str().unwrap().to_owned()),
            (WATCHDOG.to_owned(), "1000000".to_owned()),
        ];
        let notify = Notify::from_environment(&environment.into());
        let (config, _) =
            trial::configuration(home.path(), &mpg_console::channel(), &BTreeMap::new()).unwrap();
        let agents = Arc::new(ScriptedRuntime::demonstration());
        // It is never run.
        let engine = Engine::builder(Arc::new(config), agents).build();

        let telling = tokio::spawn(notify.clone().follow(engine.control(), Vec::new()));
        sleep(Duration::from_mins(1)).await;
        let mut buffer = [0; 1_024];
        let nothing = manager.recv(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        assert!(!telling.is_finished());
        telling.abort();

        notify.stopping(Duration::ZERO);
        notify.stopping(Duration::ZERO);
        let length = manager.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"STOPPING=1\n"));
        assert!(manager.recv(&mut buffer).is_err(), "it ends once");
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_is_meant() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            watchdog(
                &pairs
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                7,
            )
        };
        let second = Some(Duration::from_secs(1));
        for (environment, expected) in [
            (&[][..], None),
            (&[(WATCHDOG, "1000000")], second),
            (&[(WATCHDOG, "1000000"), (WATCHDOG_PID, "7")], second),
            (&[(WATCHDOG, "1000000"), (WATCHDOG_PID, "8")], None),
            (&[(WATCHDOG, "1000000"), (WATCHDOG_PID, "")], None),
            (&[(WATCHDOG, "0")], None),
            (&[(WATCHDOG, "soon")], None),
        ] {
            assert_eq!(with(environment), expected, "{environment:?}");
        }
    }
}
