//! What became of what was asked from outside of every platform, for who waits for it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use mpg_core::id::{DeliveryId, MessageId, RootId, TurnId};
use mpg_core::observe::{Observer, Sight};
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{Record, TurnOutcome};

/// How many are remembered, the newest: who waits asks again within a second.
const KEPT: usize = 64;

/// How much of an answer is kept, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

/// What became of something that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is not in its channel yet.
    Posting,
    /// An agent works on it, or will.
    Working(RootId),
    /// It ended.
    Ended(RootId, Ending),
    /// It never came to its channel.
    Lost(String),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    Failed,
    Stopped,
}

/// Follows what was asked from outside, and passes on what it sees.
#[derive(Debug)]
pub(crate) struct Sent {
    next: Arc<dyn Observer>,
    asked: Mutex<VecDeque<Asked>>,
}

#[derive(Debug)]
struct Asked {
    delivery: DeliveryId,
    stage: Stage,
    message: Option<MessageId>,
    turn: Option<TurnId>,
    said: String,
}

impl Sent {
    /// Passes everything on to `next`.
    pub(crate) fn new(next: Arc<dyn Observer>) -> Self {
        Self {
            next,
            asked: Mutex::default(),
        }
    }

    /// Remembers something that was asked, and may not be stored yet.
    pub(crate) fn expect(&self, delivery: DeliveryId) {
        expect(&mut self.asked(), delivery);
    }

    /// What became of it, and what was answered so far; `None` of one that nobody remembers.
    pub(crate) fn stage(&self, delivery: DeliveryId) -> Option<(Stage, String)> {
        let asked = self.asked();
        let one = asked.iter().find(|one| one.delivery == delivery)?;
        Some((one.stage.clone(), one.said.clone()))
    }

    fn asked(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Sent {
    fn see(&self, at: Timestamp, sight: &Sight<'_>) {
        if let Sight::Committed { records, .. } = sight {
            let mut asked = self.asked();
            for record in *records {
                follow(&mut asked, record);
            }
        }
        self.next.see(at, sight);
    }
}

fn follow(asked: &mut VecDeque<Asked>, record: &Record) {
    follow_post(asked, record);
    follow_turn(asked, record);
}

fn follow_post(asked: &mut VecDeque<Asked>, record: &Record) {
    if let Record::DeliveryPlanned { post, .. } = record {
        planned(asked, post);
    } else if let Record::DeliveryConfirmed {
        delivery, message, ..
    } = record
    {
        if let Some(one) = of_delivery(asked, *delivery) {
            one.message = Some(message.clone());
        }
    } else if let Record::DeliveryDropped { delivery, .. } = record {
        if let Some(one) = of_delivery(asked, *delivery) {
            one.stage = Stage::Lost("somebody removed it".to_owned());
        }
    } else if let Record::DeliveryDead {
        delivery, reason, ..
    } = record
        && let Some(one) = of_delivery(asked, *delivery)
    {
        one.stage = Stage::Lost(reason.clone());
    }
}

fn planned(asked: &mut VecDeque<Asked>, post: &Post) {
    match &post.kind {
        PostKind::Prompt { .. } => expect(asked, post.id),
        PostKind::Answer { turn, .. } | PostKind::Failure { turn } => {
            if let Some(one) = of_turn(asked, *turn) {
                let room = MAX_TEXT.saturating_sub(one.said.len());
                let said = post.said();
                one.said.push_str(&said[..said.floor_char_boundary(room)]);
                one.said.push('\n');
            }
        }
        PostKind::Notice
        | PostKind::Fork(_)
        | PostKind::Told
        | PostKind::Progress { .. }
        | PostKind::Live { .. }
        | PostKind::Board
        | PostKind::Request { .. }
        | PostKind::Reply
        | PostKind::Private => {}
    }
}

fn follow_turn(asked: &mut VecDeque<Asked>, record: &Record) {
    if let Record::TurnQueued { conversation, turn } = record {
        let mut all = asked.iter_mut();
        let found =
            all.find(|one| one.turn.is_none() && one.message.as_ref() == Some(&turn.cause.message));
        if let Some(one) = found {
            one.turn = Some(turn.id);
            one.stage = Stage::Working(conversation.root.clone());
        }
    } else if let Record::TurnAbsorbed { turn, by, .. } = record {
        if let Some(one) = of_turn(asked, *turn) {
            one.turn = Some(*by);
        }
    } else if let Record::QueuedDropped { conversation, turn } = record {
        end(asked, *turn, &conversation.root, Ending::Stopped);
    } else if let Record::TurnEnded {
        conversation,
        turn,
        outcome,
        ..
    } = record
    {
        let ending = match outcome {
            TurnOutcome::Answered => Ending::Answered,
            TurnOutcome::Failed(_) => Ending::Failed,
            TurnOutcome::Stopped | TurnOutcome::Abandoned => Ending::Stopped,
        };
        end(asked, *turn, &conversation.root, ending);
    }
}

fn expect(asked: &mut VecDeque<Asked>, delivery: DeliveryId) {
    if of_delivery(asked, delivery).is_none() {
        asked.truncate(KEPT - 1);
        asked.push_front(Asked {
            delivery,
            stage: Stage::Posting,
            message: None,
            turn: None,
            said: String::new(),
        });
    }
}

fn end(asked: &mut VecDeque<Asked>, turn: TurnId, root: &RootId, ending: Ending) {
    if let Some(one) = of_turn(asked, turn) {
        one.stage = Stage::Ended(root.clone(), ending);
    }
}

fn of_turn(asked: &mut VecDeque<Asked>, turn: TurnId) -> Option<&mut Asked> {
    asked.iter_mut().find(|one| one.turn == Some(turn))
}

fn of_delivery(asked: &mut VecDeque<Asked>, delivery: DeliveryId) -> Option<&mut Asked> {
    asked.iter_mut().find(|one| one.delivery == delivery)
}
