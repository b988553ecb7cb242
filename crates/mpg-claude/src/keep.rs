//! The keeper as a process: from what it is told to the end of its session.

use std::fs::{self, File, Permissions};
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mpg_core::agent::Allowance;
use rustix::process::{Pid, Signal, getpid, kill_process_group, setsid};
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::allowance::exceeded;
use crate::folder::{Folder, Lock, Meta};
use crate::identity::Identity;
use crate::keeper::{Door, keeper, serve};
use crate::log::Log;
use crate::network::forward;
use crate::process::{Launch, Process};
use crate::spool::Spool;
use crate::terms::{TERMS, Terms};
use crate::wire::PROTOCOL;

/// The exit code where somebody else has the session (`EX_TEMPFAIL` of sysexits.h).
pub(crate) const IN_USE: u8 = 75;

/// How often it is tried to take the session, as one on its way out may still have it.
const LOCK_ROUNDS: u32 = 1_000;
/// How long between two tries, and how long after an error of the socket.
const PAUSE: Duration = Duration::from_millis(10);
/// How many connections may be open: gateways that come and go, and people who look.
const GUESTS: usize = 16;

/// Keeps one session in `folder`, until its agent is gone.
///
/// The main function of the command that [`KeeperCommand::keep`](crate::KeeperCommand) names; what
/// it needs to know comes on standard input. It makes the calling process the leader of a terminal
/// session of its own and the parent of the agent's orphans, so it is for a process that does
/// nothing else, and has to be called on its main thread.
pub fn keep(folder: &Path) -> ExitCode {
    let folder = Folder::at(folder.to_owned());
    let log = Log::at(folder.log());
    // A process that a terminal multiplexer started leads a session already.
    let _leads = setsid().is_err();
    let runtime = Builder::new_current_thread().enable_all().build();
    let kept = runtime.and_then(|runtime| {
        let terms = read_terms(&folder)?;
        runtime.block_on(run(&folder, terms))
    });
    match kept {
        Ok(code) => code,
        Err(error) => {
            log.line(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn read_terms(folder: &Folder) -> io::Result<Terms> {
    let mut bytes = Vec::new();
    if io::stdin().is_terminal() {
        let path = folder.terms();
        File::open(&path)?.take(TERMS).read_to_end(&mut bytes)?;
        fs::remove_file(path)?;
    } else {
        io::stdin().take(TERMS).read_to_end(&mut bytes)?;
    }
    Ok(serde_json::from_slice(&bytes)?)
}

async fn run(folder: &Folder, terms: Terms) -> io::Result<ExitCode> {
    let log = Log::at(folder.log());
    let Some(lock) = lock(folder).await? else {
        return Ok(ExitCode::from(IN_USE));
    };
    let spool = Spool::create(&folder.spool(), terms.after, terms.spool_limit)?;
    let socket = listen(&terms.socket)?;
    let mut meta = meta(&terms)?;
    folder.write_meta(&meta)?;
    let launch = Launch {
        exec: &terms.exec,
        command: &terms.command,
        arguments: &terms.arguments,
        environment: &terms.environment,
        directory: &terms.directory,
        forwards: !terms.endpoints.is_empty(),
    };
    let mut process = Process::spawn(&launch, &lock)?;
    meta.agent = Identity::of(process.group.leader().as_raw_nonzero().get());
    folder.write_meta(&meta)?;
    let watching = tokio::spawn(watch(
        process.group.leader(),
        terms.allowance(),
        process.stderr.note(),
    ));
    let forwarding = process.entrance.take().map(|entrance| {
        let log = Log::at(folder.log());
        tokio::spawn(forward(entrance, terms.endpoints.clone(), log))
    });
    let (keeper, door) = keeper(process, terms, spool, log);
    let accepting = tokio::spawn(accept(socket, door));
    let settled = keeper.run().await;
    watching.abort();
    accepting.abort();
    if let Some(forwarding) = forwarding {
        forwarding.abort();
    }
    if settled {
        folder.remove(&lock);
    } else {
        drop(fs::remove_file(meta.socket));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends an agent that takes more than it may, and has it say so.
async fn watch(leader: Pid, allowance: Allowance, note: impl FnOnce(&str)) {
    let said = exceeded(getpid().as_raw_nonzero().get(), allowance).await;
    note(&said);
    // It may have ended by itself.
    let _gone = kill_process_group(leader, Signal::KILL).is_err();
}

async fn lock(folder: &Folder) -> io::Result<Option<Lock>> {
    for _ in 0..LOCK_ROUNDS {
        if let Some(lock) = folder.lock()? {
            return Ok(Some(lock));
        }
        sleep(PAUSE).await;
    }
    Ok(None)
}

fn listen(socket: &PathBuf) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn meta(terms: &Terms) -> io::Result<Meta> {
    let own = getpid().as_raw_nonzero().get();
    let keeper = Identity::of(own).ok_or_else(|| io::Error::other("there is no /proc"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Meta {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        installation: terms.installation.clone(),
        session: terms.session.clone(),
        project: terms.project.clone(),
        conversation: terms.conversation.clone(),
        persistence: terms.persistence.clone(),
        marker: terms.marker.clone(),
        socket: terms.socket.clone(),
        keeper,
        agent: None,
        started: now.map_or(0, |now| now.as_secs()),
    })
}

async fn accept(socket: UnixListener, door: Door) {
    let guests = std::sync::Arc::new(tokio::sync::Semaphore::new(GUESTS));
    loop {
        let Ok(place) = std::sync::Arc::clone(&guests).acquire_owned().await else {
            return;
        };
        match socket.accept().await {
            Ok((stream, _)) => {
                let door = door.clone();
                tokio::spawn(async move {
                    serve(stream, door).await;
                    drop(place);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}
