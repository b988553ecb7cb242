//! One frame of a spool: length, checksum, sequence, kind, payload.
//!
//! Numbers are little-endian: `u32` length of the payload, `u32` CRC-32 of all that follows it,
//! `u64` sequence, `u8` kind.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// How long a payload may be, in bytes.
pub(crate) const PAYLOAD: usize = 16 << 20;
/// How long what stands before a payload is.
const HEADER: usize = 17;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A submission was taken.
    In,
    /// A submission was handed to the CLI.
    Written,
    /// An event; the payload is a [`Told`](crate::told::Told).
    Event,
    /// A request of a tool was answered.
    Responded,
    /// Nothing up to the sequence is needed any more.
    Acknowledged,
    /// Something that is not known here.
    Unknown,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::In => 1,
            Self::Written => 2,
            Self::Event => 3,
            Self::Responded => 4,
            Self::Acknowledged => 5,
        }
    }

    fn of(code: u8) -> Self {
        let known = [
            Self::In,
            Self::Written,
            Self::Event,
            Self::Responded,
            Self::Acknowledged,
        ];
        let found = known.into_iter().find(|kind| kind.code() == code);
        found.unwrap_or(Self::Unknown)
    }
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The event's number; of other frames, the number of the event before them.
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The frame as it stands in a file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.seq.to_le_bytes());
        bytes.push(self.kind.code());
        bytes.extend(&self.payload);
        let checksum = crc32fast::hash(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The frame at `offset` of a file, and where the next one begins; `None` where there is no
    /// whole one.
    pub(crate) fn read(file: &File, offset: u64) -> io::Result<Option<(Self, u64)>> {
        let mut header = [0; HEADER];
        if !fill(file, &mut header, offset)? {
            return Ok(None);
        }
        let (length, rest) = header.split_at(4);
        let (checksum, rest) = rest.split_at(4);
        let (seq, kind) = rest.split_at(8);
        let length = number(length);
        let Some(size) = usize::try_from(length).ok().filter(|size| *size <= PAYLOAD) else {
            return Ok(None);
        };
        let mut payload = vec![0; size];
        if !fill(file, &mut payload, offset + HEADER as u64)? {
            return Ok(None);
        }
        let mut hash = crc32fast::Hasher::new();
        hash.update(&header[8..]);
        hash.update(&payload);
        if u64::from(hash.finalize()) != number(checksum) {
            return Ok(None);
        }
        let frame = Self {
            seq: number(seq),
            kind: Kind::of(kind[0]),
            payload,
        };
        Ok(Some((frame, offset + HEADER as u64 + length)))
    }
}

/// A number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    let digits = bytes.iter().rev();
    digits.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Fills a buffer from a file; false where the file is too short.
fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
