//! Answers that are too long to be read in posts: their beginning, and the whole as a file.

use super::Gateway;
use super::voice::Voice;
use crate::capability::TextLimit;
use crate::id::{ConversationId, DeliveryId};
use crate::layout::lay_out;
use crate::out_file::OutFile;
use crate::post::{Post, PostKind};
use crate::split::split;
use crate::wording;

/// What the file is called.
const NAME: &str = "answer.md";

/// How much of the answer stands in the post, in units of its channel.
const BEGINNING: usize = 1_500;

impl Gateway {
    /// The one post of a long answer, still without its id; `None` where it comes as posts alone.
    pub(super) fn in_a_file(
        &self,
        id: &ConversationId,
        kind: &PostKind,
        text: &str,
        voice: &Voice,
    ) -> Option<impl FnOnce(DeliveryId) -> Post + use<>> {
        if !matches!(kind, PostKind::Answer { .. }) {
            return None;
        }
        let project = self.lanes.get(id).map(|lane| &lane.project);
        let project = project.or_else(|| self.project_of(&id.root.channel))?;
        let most = project.answer_as_file as usize;
        let limits = self.capabilities(&id.root.channel).files?;
        let fits = text.len() as u64 <= limits.size && limits.count > 0;
        // Counting the bytes first spares counting the characters of short answers.
        if most == 0 || text.len() <= most || !fits {
            return None;
        }
        let length = text.chars().count();
        if length <= most {
            return None;
        }
        let note = wording::goes_on_in_file(NAME, length);
        let room = voice.room;
        let rest = room.max.saturating_sub(room.unit.count(&note) + 2);
        if rest < TextLimit::SMALLEST {
            return None;
        }
        let limit = TextLimit {
            max: rest.min(BEGINNING),
            ..room
        };
        // More than this cannot be in the beginning, however it is laid out.
        let head = &text[..text.floor_char_boundary(8 * BEGINNING)];
        let head = split(&lay_out(head, limit), limit).into_iter().next()?;
        let (voice, kind) = (voice.clone(), kind.clone());
        let file = OutFile::text(NAME, text);
        Some(move |id| Post {
            files: vec![file],
            ..voice.post(id, kind, format!("{head}\n\n{note}"))
        })
    }
}
