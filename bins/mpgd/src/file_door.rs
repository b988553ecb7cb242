//! The door at which agents hand over files: a socket of its own, beside the operator's.
//!
//! A connection carries one request and its reply, each a line of JSON. Who shows no token of a
//! session gets nothing, and with one, no more than that session's thread takes.

mod wire;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpg_claude::{Gate, Secret};
use mpg_engine::FileDesk;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::agent_folder;
use crate::control::{SocketPath, bind, is_trusted};

pub(crate) use wire::{Reply, Request, parse_reply, request_line};

/// The socket, in the folder of what agents see.
const NAME: &str = "socket";

/// How many agents are served at the same time; the next ones wait.
const CLIENTS: usize = 8;

/// The longest request, in bytes: many paths, and what is said about them.
const MAX_REQUEST: u64 = 64 * 1024;

/// How long an agent may take to say what it wants, or not take its reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long files may take to be copied.
const COPYING: Duration = Duration::from_mins(2);

/// How long to wait where nobody can be accepted: most likely, too many files are open.
const PAUSE: Duration = Duration::from_millis(500);

/// A bound door. Its socket is removed with it.
#[derive(Debug)]
pub(crate) struct FileDoor {
    listener: UnixListener,
    path: SocketPath,
    gate: Gate,
}

impl FileDoor {
    /// Opens the door of a state, whose lock is held.
    pub(crate) fn open(
        state: &Path,
        environment: &BTreeMap<String, String>,
        key: Secret,
    ) -> io::Result<Self> {
        let programs = agent_folder::provide(state)?;
        let path = SocketPath::named(NAME, &programs, environment);
        let gate = Gate {
            socket: path.as_path().to_owned(),
            programs,
            key,
        };
        Ok(Self {
            listener: bind(&path)?,
            path,
            gate,
        })
    }

    /// How agents find it.
    pub(crate) fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Serves agents until the future is dropped.
    pub(crate) async fn serve(self, desk: FileDesk) {
        let gate = Arc::new(self.gate.clone());
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept(), if clients.len() < CLIENTS => match accepted {
                    Ok((stream, _)) => {
                        clients.spawn(converse(stream, Arc::clone(&gate), desk.clone()));
                    }
                    Err(error) => {
                        warn!(%error, "an agent was not accepted");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }
}

impl Drop for FileDoor {
    fn drop(&mut self) {
        self.path.remove();
    }
}

async fn converse(mut stream: UnixStream, gate: Arc<Gate>, desk: FileDesk) {
    if !stream.peer_cred().is_ok_and(|peer| is_trusted(peer.uid())) {
        warn!("another user was refused where agents hand over files");
        return;
    }
    let mut line = Vec::new();
    let mut asked = BufReader::new(&mut stream).take(MAX_REQUEST);
    let read = timeout(PATIENCE, asked.read_until(b'\n', &mut line)).await;
    if !matches!(read, Ok(Ok(_))) {
        return;
    }
    let reply = if line.pop() == Some(b'\n') {
        answer(&line, &gate, &desk).await
    } else {
        Reply::Refused {
            reason: format!("a request has at most {MAX_REQUEST} bytes"),
        }
    };
    let reply = wire::reply_line(&reply);
    let written = timeout(PATIENCE, stream.write_all(reply.as_bytes())).await;
    if !matches!(written, Ok(Ok(()))) {
        debug!("an agent did not take its reply");
    }
}

async fn answer(line: &[u8], gate: &Gate, desk: &FileDesk) -> Reply {
    let refused = |reason: String| Reply::Refused { reason };
    let request = match wire::parse_request(line) {
        Ok(request) => request,
        Err(reason) => return refused(reason),
    };
    let Some(session) = gate.session(&request.token) else {
        warn!("files were refused from somebody who is no agent of this gateway");
        return refused("this is no token of a session of this gateway".to_owned());
    };
    let here = PathBuf::from(&request.directory);
    let paths: Vec<String> = request
        .paths
        .iter()
        .map(|path| here.join(path).to_string_lossy().into_owned())
        .collect();
    let handed = desk.hand_over(session, &paths, request.caption);
    match timeout(COPYING, handed).await {
        Ok(Ok(taken)) => Reply::Taken {
            files: taken
                .into_iter()
                .map(|file| (file.name, file.size))
                .collect(),
        },
        Ok(Err(error)) => refused(error.to_string()),
        Err(_) => refused("the files could not be copied in time".to_owned()),
    }
}
