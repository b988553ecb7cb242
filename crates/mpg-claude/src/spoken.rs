//! What was said between a CLI, its keeper and a gateway, read from bytes, without any of them.
//!
//! It is for whoever looks into a recording or at what a keeper left behind, and for tests that give
//! the readers any bytes. All of it reads with what reads a session.

use std::fmt::Debug;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use mpg_core::agent::{AgentEvent, Seq};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::spool::Remains;
use crate::stream::Stream;
use crate::wire::{self, FromKeeper, ToKeeper};

/// Tells what a CLI that works in `directory` says with its standard output: a line for each thing,
/// in the form of debug output, which may change. The chunks are read as they come, at the time `now`.
pub fn by_cli<'b>(
    chunks: impl IntoIterator<Item = &'b [u8]>,
    directory: &str,
    now: Timestamp,
) -> impl ExactSizeIterator<Item = String> {
    let mut stream = Stream::new(directory);
    let mut out = Vec::new();
    for chunk in chunks {
        stream.push_at(chunk, now, &mut out);
    }
    out.into_iter().map(|output| format!("{output:?}"))
}

/// What one side of a keeper's socket said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// The frames that were read, each as it is written here.
    pub read: Vec<Vec<u8>>,
    /// What ended the conversation; none where it ended between two frames.
    pub fault: Option<String>,
}

/// Reads what gateways say to keepers. What is not known here is left out of a frame, not of the list.
pub async fn by_gateway(bytes: &[u8]) -> Frames {
    frames::<ToKeeper>(bytes, usize::MAX).await
}

/// Reads what keepers say to gateways.
pub async fn by_keeper(bytes: &[u8]) -> Frames {
    frames::<FromKeeper>(bytes, usize::MAX).await
}

/// Reads the first frame of a conversation, as a keeper does that does not yet know who speaks.
pub async fn by_stranger(bytes: &[u8]) -> Frames {
    frames::<ToKeeper>(bytes, 1).await
}

async fn frames<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8], most: usize) -> Frames {
    let mut rest = bytes;
    let mut frames = Frames {
        read: Vec::new(),
        fault: None,
    };
    while frames.read.len() < most {
        let next = if most == 1 {
            wire::read_up_to::<T>(&mut rest, wire::FIRST_FRAME).await
        } else {
            wire::read::<T>(&mut rest).await
        };
        match next.and_then(|said| said.map(|said| wire::frame(&said)).transpose()) {
            Ok(Some(frame)) => frames.read.push(frame),
            Ok(None) => break,
            Err(error) => {
                frames.fault = Some(error.to_string());
                break;
            }
        }
    }
    frames
}

/// The events that the spool in `folder` holds, up to what is torn or damaged.
///
/// # Errors
///
/// The folder or a file in it cannot be read. A folder that is not there is empty.
pub fn in_spool(folder: &Path) -> io::Result<Vec<(Seq, AgentEvent)>> {
    Ok(Remains::read(folder)?.events(0)?.collect())
}
