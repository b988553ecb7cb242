//! What gateways and keepers say to each other, and what a keeper leaves behind.

use std::fs::File;
use std::future::Future;
use std::io::Write as _;

use futures_util::FutureExt as _;
use mpg_claude::spoken::{self, Frames};
use mpg_core::agent::{AgentEvent, Seq};
use tempfile::TempDir;

/// How a segment of a spool is called.
const SEGMENT: &str = "00000000000000000001";

/// Reads the bytes behind the first one, which says as what: as one side of a keeper's socket, as a
/// stranger's first frame, or as a spool. Where they are not taken as they are, each line becomes a
/// frame with a right header.
///
/// What was read of a conversation is written and read again without a change; of a spool that was
/// torn, what stands before the tear is there.
///
/// # Panics
///
/// Where that does not hold.
pub fn frames(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 7 {
        0 => check_dialogue(&framed(bytes), spoken_by_gateway),
        1 => check_dialogue(&framed(bytes), spoken_by_keeper),
        2 => check_dialogue(&framed(bytes), spoken_by_stranger),
        3 => check_dialogue(bytes, spoken_by_gateway),
        4 => check_dialogue(bytes, spoken_by_keeper),
        5 => check_spool(&spooled(bytes)),
        _ => check_spool(bytes),
    }
}

fn spoken_by_gateway(bytes: &[u8]) -> Frames {
    at_once(spoken::by_gateway(bytes))
}

fn spoken_by_keeper(bytes: &[u8]) -> Frames {
    at_once(spoken::by_keeper(bytes))
}

fn spoken_by_stranger(bytes: &[u8]) -> Frames {
    at_once(spoken::by_stranger(bytes))
}

/// There is nothing to wait for in bytes that are there.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing is waited for")
}

fn check_dialogue(bytes: &[u8], read: fn(&[u8]) -> Frames) {
    let first = read(bytes);
    let written = first.read.concat();
    let again = read(&written);
    assert_eq!(again.read, first.read, "it reads back as something else");
    assert_eq!(again.fault, None);
}

fn check_spool(bytes: &[u8]) {
    let whole = left_behind(bytes);
    let mut numbers = whole.iter().map(|(seq, _)| seq.0);
    assert!(numbers.all(|seq| seq > 0), "nothing comes before the first");
    let torn = left_behind(&bytes[..bytes.len() - bytes.len().min(1)]);
    assert_eq!(torn, whole[..torn.len()], "a tear changes what is before");
    assert!(torn.len() + 1 >= whole.len(), "a tear takes more than one");
}

/// What a spool of these bytes tells.
fn left_behind(bytes: &[u8]) -> Vec<(Seq, AgentEvent)> {
    let folder = TempDir::new().expect("there is room for a folder");
    let mut segment = File::create(folder.path().join(SEGMENT)).expect("and for a file");
    segment.write_all(bytes).expect("which can be written");
    spoken::in_spool(folder.path()).expect("what can be read is read")
}

/// Each line as a frame of a socket.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        framed.extend(length(line));
        framed.extend(line);
    }
    framed
}

/// Each line as a frame of a spool: its first byte says the kind, the second one the number.
fn spooled(bytes: &[u8]) -> Vec<u8> {
    let mut spooled = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let (kind, seq, payload) = match line {
            [kind, seq, payload @ ..] => (kind % 8, *seq, payload),
            rest => (3, 1, rest),
        };
        let mut checked = u64::from(seq).to_le_bytes().to_vec();
        checked.push(kind);
        checked.extend(payload);
        spooled.extend(length(payload));
        spooled.extend(crc32fast::hash(&checked).to_le_bytes());
        spooled.extend(checked);
    }
    spooled
}

fn length(bytes: &[u8]) -> [u8; 4] {
    let length = u32::try_from(bytes.len());
    length.expect("no input is that long").to_le_bytes()
}
