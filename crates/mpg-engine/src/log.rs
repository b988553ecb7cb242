//! What the log says about the facts that are recorded: ids, never texts.

use jiff::Timestamp;
use mpg_core::config::Verbosity;
use mpg_core::id::{Place, UserId};
use mpg_core::record::Record;
use tracing::{debug, error, info, trace, warn};

/// Writes a fact down for the operator.
#[expect(clippy::too_many_lines, reason = "one line for each record")]
pub(crate) fn write(record: &Record) {
    match record {
        Record::TurnStarted {
            conversation,
            turn,
            attempt,
            continues,
            ..
        } => info!(%conversation, %turn, attempt, continues, "turn started"),
        Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage,
            ..
        } => info!(
            %conversation,
            %turn,
            outcome = outcome.failure().map_or(outcome.name(), |failure| failure.kind.name()),
            elapsed = ?usage.duration,
            input_tokens = usage.input_tokens,
            output_tokens = usage.output_tokens,
            cost_microdollars = usage.cost_microdollars,
            "turn ended"
        ),
        Record::TurnSetBack { conversation, turn } => {
            info!(%conversation, %turn, "turn cut off");
        }
        Record::TurnParked {
            conversation,
            turn,
            reason,
            until,
            ..
        } => info!(%conversation, %turn, reason = reason.name(), ?until, "turn parked"),
        Record::RequestOpened {
            conversation,
            turn,
            ask,
        } => {
            info!(%conversation, %turn, ask = %ask.id, about = ask.about.name(), "people are asked");
        }
        Record::RequestRenewed { turn, ask, .. } => debug!(%turn, %ask, "asked again"),
        Record::QuestionAnswered { turn, ask, .. } => debug!(%turn, %ask, "one question answered"),
        Record::RequestAnswered {
            conversation,
            turn,
            ask,
            verdict,
        } => info!(
            %conversation,
            %turn,
            %ask,
            by = verdict.by.as_ref().map(|by| by.id.as_str()),
            answered = verdict.said.is_some(),
            "a request is settled"
        ),
        Record::AnswerTold { turn, ask, .. } => debug!(%turn, %ask, "the agent is told"),
        Record::RequestDropped { turn, ask, .. } => debug!(%turn, %ask, "no longer asked"),
        Record::SessionAllowed {
            conversation,
            session,
            rule: _,
        } => warn!(%conversation, %session, "something is allowed for a session"),
        Record::RuleAdded { project, rule } => warn!(
            %project,
            by = rule.by.as_ref().map(|by| by.id.as_str()),
            "something is always allowed"
        ),
        Record::RuleRemoved { project, rule: _ } => {
            warn!(%project, "something is no longer allowed");
        }
        Record::Spent {
            spender,
            microdollars,
            ..
        } => debug!(project = %spender.project, microdollars, "money spent"),
        Record::BudgetLifted { project, at: _ } => {
            warn!(%project, "the budgets do not hold for the rest of the day");
        }
        Record::WaitTold { conversation, turn } => {
            debug!(%conversation, %turn, "told that it waits for another start");
        }
        Record::SessionBound {
            conversation,
            session,
        } => info!(%conversation, session = %session.id, "session begun"),
        Record::SessionUnbound {
            conversation,
            reason,
        } => info!(%conversation, reason = reason.name(), "session given up"),
        Record::QueuedDropped { conversation, turn } => {
            info!(%conversation, %turn, "waiting turn dropped");
        }
        Record::ChoicesMade {
            conversation,
            choices,
        } => info!(%conversation, ?choices, "an agent works otherwise"),
        Record::TurnSteered { conversation, turn } => {
            debug!(%conversation, %turn, "handed to the turn that runs");
        }
        Record::TurnAbsorbed {
            conversation,
            turn,
            by,
            at: _,
        } => info!(%conversation, %turn, %by, "taken in by the turn that ran"),
        Record::DeliveryDead {
            root,
            delivery,
            reason,
            at: _,
        } => error!(%root, %delivery, %reason, "post given up; it is among the dead letters"),
        Record::FanOutOpened {
            root,
            parent,
            fan_out,
        } => {
            let branches = fan_out.branches.len();
            debug!(%root, %parent, branches, "handed over to several agents");
        }
        Record::FanOutJoined {
            root, parent, turn, ..
        } => {
            debug!(%root, %parent, %turn, "one of them is done");
        }
        Record::FanOutClosed { root, parent } => debug!(%root, %parent, "all of them are done"),
        Record::FloorRaised { root, after } => trace!(%root, %after, "its posts stand behind it"),
        Record::DeliveryDropped { root, delivery } => debug!(%root, %delivery, "post left out"),
        Record::MessageSeen {
            message,
            author,
            disposition,
            ..
        } => debug!(
            place = %message.place,
            message = %message.message,
            %author,
            disposition = disposition.name(),
            "message seen"
        ),
        Record::ChannelKnown { channel, .. } => info!(%channel, "listening"),
        Record::GapOpened { channel, .. } => info!(%channel, "looking for what was missed"),
        Record::GapClosed {
            channel,
            given_up: None,
        } => info!(%channel, "nothing is missing any more"),
        Record::GapClosed {
            channel,
            given_up: Some(_),
        } => error!(%channel, "what was missed could not be looked for, and is given up"),
        Record::PlaceRead { place, upto } => debug!(%place, %upto, "place read back"),
        Record::ThreadBound { root, place, .. } => debug!(%root, %place, "thread bound"),
        Record::TurnQueued { conversation, turn } => {
            debug!(%conversation, turn = %turn.id, "turn queued");
        }
        Record::QueuedEdited {
            conversation, turn, ..
        } => debug!(%conversation, %turn, "waiting turn changed"),
        Record::DeliveryPlanned { root, post, .. } => {
            debug!(%root, delivery = %post.id, kind = post.kind.name(), "post planned");
        }
        Record::DeliveryConfirmed {
            root,
            delivery,
            message,
        } => debug!(%root, %delivery, %message, "post made"),
        Record::ConversationForked {
            conversation, from, ..
        } => info!(%conversation, %from, "a fork of a session begins"),
        Record::ThreadRenamed { root } => debug!(%root, "thread renamed"),
        Record::KeptLost { root, delivery } => debug!(%root, %delivery, "its message is gone"),
        Record::VerbositySet { root, verbosity } => {
            debug!(%root, verbosity = verbosity.map(Verbosity::name), "verbosity set");
        }
        Record::ThreadForgotten { root } => debug!(%root, "thread forgotten"),
        Record::Audited { deed } => trace!(act = deed.act.name(), "audited"),
        // The position itself may let somebody go on with the connection.
        Record::PositionMoved { platform, .. } => trace!(%platform, "position stored"),
    }
}

/// Writes down that limits on tools changed: who did it, and where.
pub(crate) fn limits(place: &Place, by: Option<&UserId>, lifted_until: Option<Timestamp>) {
    match (lifted_until, by) {
        (Some(until), by) => {
            warn!(%place, by = by.map(UserId::as_str), %until, "limits on tools lifted");
        }
        (None, Some(by)) => warn!(%place, %by, "limits on tools put back"),
        (None, None) => warn!(%place, "limits on tools back in force: their time is over"),
    }
}
