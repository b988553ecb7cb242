//! What an agent reported, on disk: it outlives the keeper and every gateway, though not a power cut.
//!
//! Segments of frames, only appended to (`write`, never `fsync`). What a gateway acknowledged is
//! dropped in whole segments.

mod frame;
mod remains;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mpg_core::agent::AgentEvent;

use self::frame::PAYLOAD;
pub(crate) use self::frame::{Frame, Kind};
pub(crate) use self::remains::Remains;
use crate::told::Told;

/// How large a segment grows before the next one begins.
const SEGMENT: u64 = 1 << 20;
/// How large a spool grows at the most, but for the end of its agent.
pub(crate) const LIMIT: u64 = 64 << 20;
/// Up to where texts are cut if an event does not fit into a frame; six bytes of JSON stand for one
/// byte of text at the most.
const CUT: usize = PAYLOAD / 8;

/// The spool of a keeper that runs.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    segments: VecDeque<Segment>,
    last: u64,
    acknowledged: u64,
    /// The outcomes that no gateway stored.
    unread: VecDeque<u64>,
    limit: u64,
    left_out: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    file: Arc<File>,
    length: u64,
    last: u64,
}

/// How far somebody has read a spool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    segment: u64,
    offset: u64,
}

impl Spool {
    /// Begins an empty spool in `folder`, whose events are numbered from behind `after`. What was
    /// there before is dropped.
    pub(crate) fn create(folder: &Path, after: u64, limit: u64) -> io::Result<Self> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(folder)?;
        let mut spool = Self {
            folder: folder.to_owned(),
            segments: VecDeque::new(),
            last: after,
            acknowledged: after,
            unread: VecDeque::new(),
            limit,
            left_out: 0,
        };
        spool.begin_segment()?;
        // So that whoever finds the spool without an event still counts on.
        spool.append(Kind::Acknowledged, after, &[])?;
        Ok(spool)
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether there are outcomes that no gateway stored.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// How many events were not kept because the spool was nearly full.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether the longest event still fits; if not, no more may be read from the agent.
    pub(crate) fn has_room(&self) -> bool {
        self.size() + PAYLOAD as u64 + SEGMENT <= self.limit
    }

    /// Keeps an event. One that is only shown is left out once the spool is half full.
    ///
    /// After an error it is not kept, and may be tried again.
    pub(crate) fn keep(&mut self, event: &AgentEvent) -> io::Result<()> {
        let mut told = Told::from(event);
        if !told.is_essential() && self.size() > self.limit / 2 {
            self.left_out += 1;
            return Ok(());
        }
        let mut payload = serde_json::to_vec(&told)?;
        if payload.len() > PAYLOAD {
            told.cut(CUT);
            payload = serde_json::to_vec(&told)?;
        }
        self.append(Kind::Event, self.last + 1, &payload)?;
        self.last += 1;
        if told.outcome_of().is_some() {
            self.unread.push_back(self.last);
        }
        Ok(())
    }

    /// Notes something that happened between events.
    pub(crate) fn note(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        self.append(kind, self.last, payload)
    }

    /// Drops what is not needed any more: whole segments up to `seq`.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> io::Result<()> {
        let seq = seq.min(self.last);
        if seq <= self.acknowledged {
            return Ok(());
        }
        self.append(Kind::Acknowledged, seq, &[])?;
        self.acknowledged = seq;
        self.unread.retain(|unread| *unread > seq);
        while self.segments.len() > 1
            && let Some(oldest) = self.segments.front()
            && oldest.last <= seq
        {
            fs::remove_file(path(&self.folder, oldest.number))?;
            self.segments.pop_front();
        }
        Ok(())
    }

    /// The next frame; `None` at the end for now.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> io::Result<Option<Frame>> {
        for segment in &self.segments {
            if segment.number < cursor.segment {
                continue;
            }
            if segment.number > cursor.segment {
                *cursor = Cursor {
                    segment: segment.number,
                    offset: 0,
                };
            }
            if cursor.offset < segment.length
                && let Some((frame, next)) = Frame::read(&segment.file, cursor.offset)?
            {
                cursor.offset = next;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    fn append(&mut self, kind: Kind, seq: u64, payload: &[u8]) -> io::Result<()> {
        if self
            .segments
            .back()
            .is_none_or(|segment| segment.length >= SEGMENT)
        {
            self.begin_segment()?;
        }
        let Some(segment) = self.segments.back_mut() else {
            return Err(io::Error::other("the spool has no segment"));
        };
        let frame = Frame {
            seq,
            kind,
            payload: payload.to_owned(),
        };
        let bytes = frame.encode();
        let mut file: &File = &segment.file;
        if let Err(error) = file.write_all(&bytes) {
            // What was written of it would hide everything behind it.
            segment.file.set_len(segment.length)?;
            return Err(error);
        }
        segment.length += bytes.len() as u64;
        segment.last = segment.last.max(seq);
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.segments.back().map_or(1, |segment| segment.number + 1);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        let file = options.open(path(&self.folder, number))?;
        self.segments.push_back(Segment {
            number,
            file: Arc::new(file),
            length: 0,
            last: self.last,
        });
        Ok(())
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}"))
}

/// The segments in a folder, oldest first.
fn segments(folder: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut segments = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(number) = number {
            segments.insert(number, entry.path());
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests;
