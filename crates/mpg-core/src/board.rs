//! The one message of a channel that tells what its threads do.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::capability::{EditPace, TextLimit};
use crate::id::{AgentName, MessageId, Place, ProjectName};
use crate::post::Post;
use crate::wording::board as words;

/// What the threads of a channel do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The project that the channel belongs to.
    pub project: ProjectName,
    /// How many threads do what, but for those that do nothing.
    pub counts: BTreeMap<Doing, usize>,
    /// The threads that are named, those first that need somebody.
    pub rows: Vec<Row>,
    /// The longest text.
    pub limit: TextLimit,
}

/// What one thread does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The thread.
    pub place: Place,
    /// What it does.
    pub doing: Doing,
    /// The agents that do it, as far as they have names.
    pub agents: Vec<AgentName>,
    /// Since when.
    pub since: Timestamp,
}

/// What a thread does, as far as everybody in its channel should know: those first that need
/// somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It waits for a person.
    Asks,
    /// An agent works.
    Works,
    /// It waits for the end of a usage limit.
    Limited,
    /// It waits for another day, as a budget is used up.
    OverBudget,
    /// It waits until an agent can start.
    InLine,
    /// Nothing, since something happened last.
    Idle,
}

/// The message that a board stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardMessage {
    /// The channel.
    pub place: Place,
    /// The message.
    pub message: MessageId,
    /// What it is, but for its text.
    pub post: Post,
    /// What it says.
    pub board: Board,
    /// How often messages may be changed there.
    pub pace: EditPace,
}

impl Board {
    /// The board as Markdown that fits. `link` and `moment` are how its platform leads people to a
    /// place and tells them a time, where it has a way of its own.
    pub fn text(
        &self,
        link: impl Fn(&Place) -> Option<String>,
        moment: impl Fn(Timestamp) -> Option<String>,
    ) -> String {
        let rows = self.rows.iter().map(|row| {
            let place = link(&row.place).unwrap_or_else(|| words::place(&row.place));
            let since = moment(row.since).unwrap_or_else(|| words::since(row.since));
            words::row(row.doing, &place, &row.agents, &since)
        });
        let rows: Vec<String> = rows.collect();
        let mut shown = rows.len();
        loop {
            let text = self.of_rows(rows.get(..shown).unwrap_or_default());
            if shown == 0 || self.limit.unit.count(&text) <= self.limit.max {
                return text;
            }
            shown -= 1;
        }
    }

    fn of_rows(&self, rows: &[String]) -> String {
        let named = self.rows.iter().take(rows.len());
        let named = named.filter(|row| row.doing != Doing::Idle).count();
        let all: usize = self.counts.values().sum();
        let more = words::more(all.saturating_sub(named));
        let head = words::head(&self.project, &self.counts);
        let lines = [head].into_iter().chain(rows.iter().cloned()).chain(more);
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::TextUnit;
    use crate::id::{ChannelId, ChannelKey, PlatformId, ThreadId};

    fn row(thread: usize, doing: Doing, agents: &[&str]) -> Row {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("one"));
        Row {
            place: Place::thread(channel, ThreadId::new(thread.to_string())),
            doing,
            agents: agents.iter().map(|name| AgentName::new(*name)).collect(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    fn board(rows: Vec<Row>, max: usize) -> Board {
        let mut counts = BTreeMap::new();
        for row in rows.iter().filter(|row| row.doing != Doing::Idle) {
            *counts.entry(row.doing).or_default() += 1;
        }
        Board {
            project: ProjectName::new("shop"),
            counts,
            rows,
            limit: TextLimit {
                max,
                unit: TextUnit::CodePoints,
            },
        }
    }

    fn plain(board: &Board) -> String {
        board.text(|_| None, |_| None)
    }

    #[test]
    fn boards_as_people_see_them() {
        let rows = vec![
            row(1, Doing::Asks, &[]),
            row(2, Doing::Works, &["pm", "qa"]),
            row(3, Doing::Limited, &[]),
            row(4, Doing::InLine, &["pm"]),
            row(5, Doing::Idle, &[]),
        ];
        let mut all = board(rows, 2_000);
        all.counts.insert(Doing::Works, 4);
        let linked = all.text(
            |place| Some(format!("<#{}>", place.thread.as_ref()?)),
            |at| Some(format!("<t:{}:R>", at.as_second())),
        );
        let nothing = board(Vec::new(), 2_000);
        let shown = [plain(&all), linked, plain(&nothing)].join("\n---\n");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_board_that_is_too_long_names_fewer_threads_and_counts_them() {
        let rows: Vec<Row> = (0..12).map(|n| row(n, Doing::Works, &["pm"])).collect();
        let shown = [64, 200, 400, 2_000].map(|max| {
            let text = plain(&board(rows.clone(), max));
            let named = text.matches("thread ").count();
            assert!(text.chars().count() <= max, "{max}: {text}");
            assert_eq!(text.contains("more"), named < 12, "{max}: {text}");
            assert!(text.starts_with("**shop**: 12 at work"), "{max}: {text}");
            named
        });
        assert_eq!(shown, [0, 3, 6, 12]);
    }
}
