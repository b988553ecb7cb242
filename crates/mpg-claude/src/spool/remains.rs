//! What a keeper that is gone left in its spool.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::id::SubmitId;

use super::frame::{Frame, Kind};
use super::segments;
use crate::told::Told;

/// A spool that nobody writes any more.
///
/// It is read up to the first frame that is torn or damaged; what stands behind that is lost.
#[derive(Debug)]
pub(crate) struct Remains {
    folder: PathBuf,
    /// The number of the last event.
    pub(crate) last: u64,
    /// Up to where a gateway stored everything.
    pub(crate) acknowledged: u64,
    /// The submissions whose outcome no gateway stored, each with its event.
    pub(crate) unread: BTreeMap<SubmitId, u64>,
    /// The last outcome that no gateway stored, of whatever submission.
    pub(crate) last_unread: Option<u64>,
    /// Whether something was torn or damaged.
    pub(crate) damaged: bool,
}

impl Remains {
    /// Reads all of a spool once; one that is not there is empty.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut remains = Self {
            folder: folder.to_owned(),
            last: 0,
            acknowledged: 0,
            unread: BTreeMap::new(),
            last_unread: None,
            damaged: false,
        };
        let mut frames = Frames::open(folder)?;
        while let Some(frame) = frames.next()? {
            match frame.kind {
                Kind::Event => {
                    remains.last = remains.last.max(frame.seq);
                    let told = serde_json::from_slice::<Told>(&frame.payload).ok();
                    if let Some(submits) = told.and_then(|told| told.outcome_of()) {
                        remains.last_unread = Some(frame.seq);
                        let submits = submits.into_iter().map(|submit| (submit, frame.seq));
                        remains.unread.extend(submits);
                    }
                }
                Kind::Acknowledged => {
                    remains.last = remains.last.max(frame.seq);
                    remains.acknowledge(frame.seq);
                }
                Kind::In | Kind::Written | Kind::Responded | Kind::Unknown => {}
            }
        }
        remains.damaged = frames.damaged;
        Ok(remains)
    }

    /// Notes that nothing up to `seq` is needed any more.
    pub(crate) fn acknowledge(&mut self, seq: u64) {
        self.acknowledged = self.acknowledged.max(seq);
        self.unread.retain(|_, unread| *unread > seq);
        self.last_unread = self.last_unread.filter(|unread| *unread > seq);
    }

    /// Its events behind `after`.
    pub(crate) fn events(&self, after: u64) -> io::Result<Events> {
        Ok(Events {
            frames: Frames::open(&self.folder)?,
            after,
        })
    }
}

/// The events of a spool, read one by one.
#[derive(Debug)]
pub(crate) struct Events {
    frames: Frames,
    after: u64,
}

impl Iterator for Events {
    type Item = (Seq, AgentEvent);

    fn next(&mut self) -> Option<Self::Item> {
        // What cannot be read is treated like what is damaged: it is the end.
        while let Some(frame) = self.frames.next().ok().flatten() {
            if frame.kind == Kind::Event && frame.seq > self.after {
                let told = serde_json::from_slice::<Told>(&frame.payload).ok();
                if let Some(event) = told.and_then(Told::into_event) {
                    return Some((Seq(frame.seq), event));
                }
            }
        }
        None
    }
}

/// All frames of a spool, from its beginning.
#[derive(Debug)]
struct Frames {
    segments: VecDeque<PathBuf>,
    current: Option<(File, u64)>,
    damaged: bool,
}

impl Frames {
    fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            segments: segments(folder)?.into_values().collect(),
            current: None,
            damaged: false,
        })
    }

    fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let Some((file, offset)) = &mut self.current else {
                let Some(path) = self.segments.pop_front() else {
                    return Ok(None);
                };
                self.current = Some((File::open(path)?, 0));
                continue;
            };
            if let Some((frame, next)) = Frame::read(file, *offset)? {
                *offset = next;
                return Ok(Some(frame));
            }
            if *offset < file.metadata()?.len() {
                self.damaged = true;
                self.segments.clear();
            }
            self.current = None;
        }
    }
}
