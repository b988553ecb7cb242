//! The posts in which people see what agents ask, and what came of it.

use std::time::Duration;

use crate::ask;
use crate::capability::{Controls, TextLimit};
use crate::gateway::Gateway;
use crate::id::{AskId, ConversationId, DeliveryId};
use crate::persona::one_line;
use crate::post::{Post, PostKind};
use crate::snapshot::Ask;
use crate::split::split;
use crate::wording::asks as wording;

/// How many posts one request takes at most.
const MOST_POSTS: usize = 10;

/// How many of a post's units are kept for how to answer, and for what came of it.
const KEPT_FREE: usize = 500;

/// The longest line about what came of a request, in code points.
const LONGEST_OUTCOME: usize = 240;

/// How many ids of posts each question has.
const PER_QUESTION: u32 = 64;

impl Gateway {
    /// Shows what is asked, or of several questions the one that is open.
    ///
    /// The person whose message the turn answers is called where it waits for nothing else.
    pub(super) fn show_ask(&mut self, id: &ConversationId, ask: AskId, calls: bool) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some((turn, ask)) = running.and_then(|r| Some((&r.turn, r.ask(ask)?.clone()))) else {
            return;
        };
        let (turn, author) = (turn.id, turn.author.clone());
        let means = self.capabilities(&id.root.channel).controls;
        let voice = self.voice(id);
        let mut pieces = pieces(&ask, voice.room);
        let waits = Duration::try_from(ask.until.duration_since(self.now)).unwrap_or_default();
        let last = pieces.pop().unwrap_or_default();
        let last = format!("{last}\n\n{}", wording::how_to_answer(&ask, means, waits));
        for (index, text) in (1..).zip(pieces) {
            let delivery = post_of(&ask, index);
            self.plan(&id.root, voice.post(delivery, PostKind::Notice, text));
        }
        let mut post = voice.post(post_of(&ask, 0), PostKind::Request { turn }, last);
        if means != Controls::None {
            post.controls = ask::controls(&ask, means == Controls::Forms);
        }
        post.mentions = calls.then_some(author);
        self.plan(&id.root, post);
    }

    /// Has the post of what was open say what came of it, without controls.
    pub(super) fn close_ask(&mut self, id: &ConversationId, ask: &Ask, outcome: &str) {
        let voice = self.voice(id);
        let outcome = one_line(outcome, LONGEST_OUTCOME);
        let edits = self.capabilities(&id.root.channel).edits.is_some();
        let text = if edits {
            let last = pieces(ask, voice.room).pop().unwrap_or_default();
            format!("{last}\n\n{}", wording::came_of_it(&outcome))
        } else {
            format!("{}: {outcome}", wording::about(ask))
        };
        let text = split(&text, voice.room).into_iter().next();
        let delivery = post_of(ask, PER_QUESTION - 1);
        let post = Post {
            replaces: Some(post_of(ask, 0)),
            ..voice.post(delivery, PostKind::Notice, text.unwrap_or_default())
        };
        self.plan(&id.root, post);
    }
}

/// What is asked, in pieces that leave room below them.
fn pieces(ask: &Ask, room: TextLimit) -> Vec<String> {
    let free = KEPT_FREE.min(room.max / 2);
    let limit = TextLimit {
        max: room.max - free,
        unit: room.unit,
    };
    let longest = limit.max.max(TextLimit::SMALLEST) * (MOST_POSTS - 1);
    let mut pieces = split(&wording::request(ask, longest), limit);
    if pieces.len() > MOST_POSTS {
        let left_out = pieces.split_off(MOST_POSTS - 1);
        let left_out = left_out.iter().map(|piece| piece.chars().count()).sum();
        pieces.push(wording::not_shown(left_out));
    }
    pieces
}

/// The posts about a question, or about a request that is none.
fn post_of(ask: &Ask, index: u32) -> DeliveryId {
    let question = u32::try_from(ask.replies.len()).unwrap_or(u32::MAX);
    let first = question.saturating_mul(PER_QUESTION);
    DeliveryId::of_ask(ask.id, first.saturating_add(index))
}

/// The post in which a request, or its open question, can be answered.
pub(in crate::gateway) fn shown_as(ask: &Ask) -> DeliveryId {
    post_of(ask, 0)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::capability::TextUnit;
    use crate::id::RequestId;
    use crate::request::{About, Detail, Permission};

    #[test]
    fn a_request_takes_so_many_posts_with_room_below_each() {
        let mut told = String::new();
        for (max, length) in [
            (64, 40),
            (64, 2_000),
            (999, 3_000),
            (2_000, 1_400),
            (2_000, 13_000),
            (2_000, 13_500),
            (2_000, 20_000),
        ] {
            let permission = Permission {
                detail: Detail::Text("x".repeat(length)),
                ..Permission::new("Bash", "", "Bash")
            };
            let ask = Ask {
                id: AskId::from_uuid(Uuid::nil()),
                request: RequestId::new("1"),
                about: About::Permission(permission),
                at: Timestamp::UNIX_EPOCH,
                until: Timestamp::UNIX_EPOCH,
                replies: Vec::new(),
                verdict: None,
            };
            let unit = TextUnit::CodePoints;
            let pieces = pieces(&ask, TextLimit { max, unit });
            let lengths = pieces.iter().map(|piece| piece.chars().count());
            let lengths: Vec<usize> = lengths.collect();
            let last = pieces.last().and_then(|piece| piece.lines().last());
            let last = last.unwrap_or_default();
            writeln!(told, "{length} in posts of {max}: {lengths:?}\n{last}\n").unwrap();
        }
        insta::assert_snapshot!(told);
    }
}
