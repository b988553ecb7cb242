//! What a gateway and a keeper say to each other: frames of JSON behind their length.
//!
//! A frame is a little-endian `u32` length and so many bytes of JSON. What one side does not know,
//! it leaves out; what it must know is behind [`PROTOCOL`].

use std::io;
use std::path::Path;

use mpg_core::attachment::ImageType;
use mpg_core::port;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::UnixStream;

/// The version of what is said. A keeper refuses a gateway of another one.
pub(crate) const PROTOCOL: u32 = 1;
/// How long a frame may be, in bytes: the longest event with room around it.
const FRAME: usize = 17 << 20;
/// How long the first frame of a connection may be, before it is known who speaks.
pub(crate) const FIRST_FRAME: usize = 4 << 10;
/// How long the path of a socket may be (`unix(7)`), in bytes, with what ends it left out.
const SOCKET_PATH: usize = 103;

/// What a gateway says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum ToKeeper {
    /// The first frame of a gateway.
    Hello(Hello),
    /// The first frame of somebody who only asks how it is.
    Status,
    /// The first frame of somebody who ends what nobody owns.
    Reap {
        secret: String,
        /// Whether it ends in the middle of a turn, too.
        #[serde(default)]
        busy: bool,
    },
    Submit {
        /// The number of the answer to it.
        number: u64,
        submit: String,
        prompt: String,
        /// The images are on the disk of both: so they need not fit into a frame.
        #[serde(default)]
        images: Vec<Image>,
        repeat: bool,
    },
    Interrupt,
    /// Drops what was submitted during a turn and not read yet.
    Withdraw {
        submit: String,
    },
    Respond {
        request: String,
        answer: crate::told::Answered,
    },
    /// Nothing up to here is needed any more.
    Acknowledge {
        seq: u64,
    },
    /// So many more events are taken.
    Credit {
        events: u64,
    },
    Close {
        grace_ms: u64,
    },
    /// The gateway goes, and another one will come.
    Leave,
    #[serde(other)]
    Unknown,
}

/// An image of a submission.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) path: String,
    #[serde(rename = "type")]
    pub(crate) media_type: String,
}

impl From<port::Image> for Image {
    fn from(image: port::Image) -> Self {
        Self {
            path: image.path,
            media_type: image.image_type.media_type().to_owned(),
        }
    }
}

impl Image {
    /// The image; `None` for one of a type that is not known here.
    pub(crate) fn known(self) -> Option<port::Image> {
        let mut types = ImageType::ALL.into_iter();
        let image_type = types.find(|known| known.media_type() == self.media_type)?;
        let path = self.path;
        Some(port::Image { path, image_type })
    }
}

/// Who wants to be let in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) installation: String,
    pub(crate) session: String,
    pub(crate) epoch: u64,
    pub(crate) secret: String,
    /// What is known already; unset: what was acknowledged.
    pub(crate) after: Option<u64>,
}

/// What a keeper says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum FromKeeper {
    Welcome(Welcome),
    Refused {
        reason: Refusal,
    },
    /// The CLI takes submissions.
    Ready,
    Submitted {
        number: u64,
        outcome: Outcome,
    },
    Event {
        seq: u64,
        event: crate::told::Told,
    },
    /// A later gateway came.
    Replaced,
    Status(Status),
    /// Whether it is ended now.
    Reaped {
        ends: bool,
    },
    #[serde(other)]
    Unknown,
}

/// How a gateway finds a keeper.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) protocol: u32,
    /// The number of the last event.
    pub(crate) last: u64,
    pub(crate) acknowledged: u64,
    /// The submissions that are open.
    pub(crate) submits: Vec<String>,
    /// The requests that wait for an answer.
    pub(crate) asking: Vec<String>,
    /// Whether an outcome waits to be stored.
    pub(crate) unread: bool,
    /// Whether it is on its way out.
    pub(crate) closing: bool,
    /// What the CLI was started with.
    pub(crate) fingerprint: String,
}

/// How a keeper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) busy: bool,
    /// Whether a gateway is connected.
    pub(crate) owned: bool,
    /// Whether an outcome waits to be stored.
    #[serde(default)]
    pub(crate) unread: bool,
}

/// Why a gateway is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Refusal {
    /// It speaks another version.
    Protocol,
    /// It asks for another session, or is of another installation.
    Stranger,
    /// It does not know the secret.
    Secret,
    /// A later gateway was here.
    Epoch,
    #[serde(other)]
    Unknown,
}

/// What became of a submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    New,
    Known,
    InterruptedBefore,
    NotRunning,
    Failed(String),
}

/// A frame as it goes over the wire.
pub(crate) fn frame(said: &impl Serialize) -> io::Result<Vec<u8>> {
    framed(&serde_json::to_vec(said)?)
}

/// The frame of an event that stands in a spool as JSON.
pub(crate) fn event_frame(seq: u64, event: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = format!(r#"{{"say":"event","seq":{seq},"event":"#).into_bytes();
    body.extend(event);
    body.push(b'}');
    framed(&body)
}

fn framed(body: &[u8]) -> io::Result<Vec<u8>> {
    if body.len() > FRAME {
        return Err(io::Error::other("a frame is too long"));
    }
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

/// Reads the next frame; `None` at the end.
///
/// # Cancel safety
///
/// Not cancel safe: what was read of a frame is lost.
pub(crate) async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    read_up_to(stream, FRAME).await
}

/// Reads a frame of at most `limit` bytes.
pub(crate) async fn read_up_to<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> io::Result<Option<T>> {
    let length = match stream.read_u32_le().await {
        Ok(length) => usize::try_from(length).map_err(io::Error::other)?,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    if length > limit {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// Connects to a socket.
pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// Whether a socket can have this path.
pub(crate) fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_PATH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_back_and_their_length_is_bounded() {
        let said = ToKeeper::Acknowledge { seq: 7 };
        let mut bytes = frame(&said).unwrap();
        bytes.extend(frame(&serde_json::json!({ "say": "sing", "song": [] })).unwrap());
        let mut stream = bytes.as_slice();
        let first: ToKeeper = read(&mut stream).await.unwrap().unwrap();
        assert!(matches!(first, ToKeeper::Acknowledge { seq: 7 }));
        let second: ToKeeper = read(&mut stream).await.unwrap().unwrap();
        assert!(matches!(second, ToKeeper::Unknown));
        assert!(read::<ToKeeper>(&mut stream).await.unwrap().is_none());
        let long = u32::MAX.to_le_bytes();
        let mut long = long.as_slice();
        assert!(read::<ToKeeper>(&mut long).await.is_err());
        let mut garbage = [3, 0, 0, 0, b'a', b'b', b'c'].as_slice();
        assert!(read::<ToKeeper>(&mut garbage).await.is_err());
    }

    #[tokio::test]
    async fn an_event_is_framed_as_it_stands() {
        let bytes = event_frame(9, br#"{"kind":"text-ended"}"#).unwrap();
        let event: FromKeeper = read(&mut bytes.as_slice()).await.unwrap().unwrap();
        assert!(matches!(
            event,
            FromKeeper::Event {
                seq: 9,
                event: crate::told::Told::TextEnded
            }
        ));
    }
}
