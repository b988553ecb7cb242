//! `mpgd send-file`: an agent hands files to its thread.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use mpg_claude::{GATE_SOCKET, GATE_TOKEN};
use mpg_core::wording::size;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::cli::SendFile;
use crate::environment;
use crate::exit::Failure;
use crate::file_door::{Reply, Request, parse_reply, request_line};

/// How long the gateway may take: to copy files from a slow disk.
const PATIENCE: Duration = Duration::from_mins(3);

/// The longest reply, in bytes.
const MAX_REPLY: u64 = 64 * 1024;

pub(crate) fn send_file(arguments: &SendFile) -> Result<ExitCode, Failure> {
    let environment = environment::read();
    let variable = |name: &str| {
        environment.get(name).cloned().ok_or_else(|| {
            Failure::Refused(format!(
                "{name} is not set: only an agent that the gateway started can hand files over"
            ))
        })
    };
    let (socket, token) = (variable(GATE_SOCKET)?, variable(GATE_TOKEN)?);
    let directory = std::env::current_dir().map_err(Failure::io("the working directory"))?;
    let request = Request {
        token,
        directory: directory.to_string_lossy().into_owned(),
        paths: arguments.paths.clone(),
        caption: arguments.caption.clone().unwrap_or_default(),
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("threads cannot be started"))?;
    let reply = runtime.block_on(async {
        let asked = timeout(PATIENCE, ask(&socket, &request)).await;
        asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    });
    let line = reply.map_err(Failure::io("the gateway does not answer"))?;
    match parse_reply(&line).map_err(Failure::Refused)? {
        Reply::Taken { files } => {
            let mut out = io::stdout().lock();
            for (name, bytes) in files {
                // Where standard output is closed, nobody reads it.
                drop(writeln!(out, "{name} ({}) will be posted", size(bytes)));
            }
            Ok(ExitCode::SUCCESS)
        }
        Reply::Refused { reason } => Err(Failure::Refused(reason)),
    }
}

async fn ask(socket: &str, request: &Request) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(request_line(request).as_bytes()).await?;
    let mut line = Vec::new();
    let mut reply = BufReader::new(stream).take(MAX_REPLY);
    reply.read_until(b'\n', &mut line).await?;
    Ok(line)
}
