//! What the steps of a turn gave, as a document: they are shown in a line each while they run.

use super::render::{earlier, ended_line};
use super::steps::Steps;
use crate::attachment::fence;
use crate::wording::live as words;

/// How long the document is at most, in bytes; of steps before those that fit, their number.
const LONGEST: usize = 64 * 1024;

/// What the steps of a turn gave, as far as they are remembered one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// A Markdown document of at most 64 KiB. Where not everything fits, it has the newest steps.
    pub document: String,
}

impl Results {
    /// Of all steps; `None` where none gave anything.
    pub(super) fn of(steps: &Steps) -> Option<Self> {
        let ended = steps
            .kept()
            .filter_map(|step| Some((step, step.end.as_ref()?)));
        let ended: Vec<_> = ended.collect();
        if ended.iter().all(|(_, end)| end.excerpt.trim().is_empty()) {
            return None;
        }
        let mut folded = steps.folded().clone();
        let mut parts = Vec::new();
        // The title, and the line about those before.
        let mut room = LONGEST - 1024;
        for (step, end) in ended.into_iter().rev() {
            let level = "#".repeat(2 + step.depth.min(3));
            let heading = format!("{level} {}", ended_line(step));
            let part = match end.excerpt.trim_matches('\n') {
                gave if gave.trim().is_empty() => heading,
                gave => {
                    let fence = fence(gave);
                    format!("{heading}\n\n{fence}\n{gave}\n{fence}")
                }
            };
            match room.checked_sub(part.len() + 2) {
                Some(left) if folded.count() == steps.folded().count() => {
                    room = left;
                    parts.push(part);
                }
                Some(_) | None => folded.add(step),
            }
        }
        parts.reverse();
        let title = format!("# {}", words::results_title());
        let blocks = [title].into_iter().chain(earlier(&folded)).chain(parts);
        let document = blocks.collect::<Vec<_>>().join("\n\n") + "\n";
        Some(Self { document })
    }
}
