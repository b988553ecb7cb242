//! What each record does to the tables: the same as
//! [`Snapshot::apply`](mpg_core::snapshot::Snapshot::apply) does to the loaded state.
//!
//! However many statements a record takes, they share numbered parameters, of which the first three
//! always name the thread or the place, and the fourth the agent of a conversation.

mod statement;

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::{Effort, PermissionMode, Usage};
use mpg_core::config::Verbosity;
use mpg_core::id::{
    AskId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place, RootId, TurnId,
    UserId,
};
use mpg_core::likeness::Likeness;
use mpg_core::persona::Persona;
use mpg_core::post::{Post, PostKind};
use mpg_core::record::{ABSORBED, Disposition, Record, TurnOutcome};
use mpg_core::snapshot::{
    Ask, DeadLetter, FanOut, Origin, QueuedTurn, SeenMessages, Spender, Spending, Spent,
};
use serde_json::{Value, json};

use crate::ask;
use crate::attachment;
use crate::batch::Statement;
use crate::control;
use crate::event::{self, Event};
use crate::fork;
use crate::key::{self, nanoseconds};
use crate::out_file;

/// Writes an event down.
pub(crate) fn note(event: Event, at: Timestamp) -> Statement {
    Statement::new("INSERT INTO event (at, thread, kind, detail) VALUES ($1, $2, $3, $4)")
        .bind(nanoseconds(at))
        .bind(event.thread)
        .bind(event.kind)
        .bind(event.detail)
}

/// Removes all but the newest events.
pub(crate) fn forget_old_events() -> Statement {
    Statement::new("DELETE FROM event WHERE sequence <= (SELECT MAX(sequence) FROM event) - $1")
        .bind(event::KEPT)
}

/// Makes one fact true; `None` for what has a table of its own.
#[expect(clippy::too_many_lines, reason = "one statement for each record")]
pub(crate) fn fact(record: &Record) -> Option<Statement> {
    Some(match record {
        Record::PositionMoved { platform, position } => Statement::new(statement::POSITION_MOVED)
            .bind(platform.to_string())
            .bind(position.to_string()),
        Record::MessageSeen {
            message,
            author,
            disposition,
            at,
        } => message_seen(message, author, *disposition, *at),
        Record::ChannelKnown { channel, at } => {
            of_channel(statement::CHANNEL_KNOWN, channel).bind(nanoseconds(*at))
        }
        Record::GapOpened { channel, at } => {
            of_channel(statement::GAP_OPENED, channel).bind(nanoseconds(*at))
        }
        Record::GapClosed { channel, given_up } => {
            of_channel(statement::GAP_CLOSED, channel).bind(given_up.map(nanoseconds))
        }
        Record::PlaceRead { place, upto } => of_message(statement::PLACE_READ, place, upto),
        Record::ThreadBound { root, place, at } => thread_bound(root, place, *at),
        Record::TurnQueued { conversation, turn } => turn_queued(conversation, turn),
        Record::QueuedEdited {
            conversation,
            turn,
            prompt,
        } => of_turn(statement::QUEUED_EDITED, conversation, *turn).bind(prompt.clone()),
        Record::QueuedDropped { conversation, turn } => {
            of_turn(statement::QUEUED_DROPPED, conversation, *turn)
        }
        Record::ChoicesMade {
            conversation,
            choices,
        } => of_conversation(statement::CHOICES_MADE, conversation)
            .bind(choices.model.clone())
            .bind(choices.mode.map(PermissionMode::name))
            .bind(choices.effort.map(Effort::name)),
        Record::TurnSteered { conversation, turn } => {
            of_turn(statement::TURN_STEERED, conversation, *turn)
        }
        Record::TurnAbsorbed {
            conversation,
            turn,
            by: _,
            at,
        } => of_turn(statement::TURN_ABSORBED, conversation, *turn)
            .bind(nanoseconds(*at))
            .bind(ABSORBED),
        Record::ConversationForked {
            conversation,
            from,
            at,
        } => of_conversation(statement::CONVERSATION_FORKED, conversation)
            .bind(from.to_string())
            .bind(nanoseconds(*at)),
        Record::SessionBound {
            conversation,
            session,
        } => of_conversation(statement::SESSION_BOUND, conversation)
            .bind(session.id.to_string())
            .bind(session.directory.clone())
            .bind(session.answered)
            .bind(ask::texts(&session.allowed))
            .bind(session.forked_from.map(|from| from.to_string())),
        Record::SessionUnbound {
            conversation,
            reason,
        } => of_conversation(statement::SESSION_UNBOUND, conversation).bind(reason.name()),
        Record::TurnStarted {
            conversation,
            turn,
            attempt,
            continues,
            at,
        } => of_turn(statement::TURN_STARTED, conversation, *turn)
            .bind(i64::from(*attempt))
            .bind(*continues)
            .bind(nanoseconds(*at)),
        Record::TurnSetBack { conversation, turn } => {
            of_turn(statement::TURN_SET_BACK, conversation, *turn)
        }
        Record::TurnParked {
            conversation,
            turn,
            reason,
            until,
            at,
        } => of_turn(statement::TURN_PARKED, conversation, *turn)
            .bind(reason.name())
            .bind(nanoseconds(*at))
            .bind(until.map(nanoseconds)),
        Record::RequestOpened {
            conversation,
            turn,
            ask,
        } => request_opened(conversation, *turn, ask),
        Record::RequestRenewed {
            conversation,
            turn,
            ask,
            request,
        } => {
            of_ask(statement::REQUEST_RENEWED, conversation, *turn, *ask).bind(request.to_string())
        }
        Record::QuestionAnswered {
            conversation,
            turn,
            ask,
            reply,
        } => {
            of_ask(statement::QUESTION_ANSWERED, conversation, *turn, *ask).bind(ask::texts(reply))
        }
        Record::RequestAnswered {
            conversation,
            turn,
            ask,
            verdict,
        } => of_ask(statement::REQUEST_ANSWERED, conversation, *turn, *ask)
            .bind(ask::verdict(verdict))
            .bind(verdict.told),
        Record::AnswerTold {
            conversation,
            turn,
            ask,
        } => of_ask(statement::ANSWER_TOLD, conversation, *turn, *ask),
        Record::RequestDropped {
            conversation,
            turn,
            ask,
        } => of_ask(statement::REQUEST_DROPPED, conversation, *turn, *ask),
        Record::SessionAllowed {
            conversation,
            session,
            rule,
        } => of_conversation(statement::SESSION_ALLOWED, conversation)
            .bind(session.to_string())
            .bind(rule.clone()),
        Record::RuleAdded { project, rule } => Statement::new(statement::RULE_ADDED)
            .bind(project.to_string())
            .bind(rule.rule.clone())
            .bind(rule.by.as_ref().map(|by| by.id.to_string()))
            .bind(rule.by.as_ref().map(|by| by.name.clone()))
            .bind(nanoseconds(rule.at)),
        Record::RuleRemoved { project, rule } => Statement::new(statement::RULE_REMOVED)
            .bind(project.to_string())
            .bind(rule.clone()),
        Record::Spent {
            spender,
            microdollars,
            at,
        } => spent(spender, *microdollars, *at),
        Record::BudgetLifted { project, at } => Statement::new(statement::BUDGET_LIFTED)
            .bind(Spending::day_of(*at))
            .bind(project.to_string()),
        Record::WaitTold { conversation, turn } => {
            of_turn(statement::WAIT_TOLD, conversation, *turn)
        }
        Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage,
            at,
        } => {
            let ended = of_turn(statement::TURN_ENDED, conversation, *turn).bind(nanoseconds(*at));
            let ended = with_spent(with_usage(with_outcome(ended, outcome), usage), usage);
            with_work(ended, usage)
        }
        Record::FanOutOpened {
            root,
            parent,
            fan_out,
        } => fan_out_opened(root, *parent, fan_out),
        Record::FanOutJoined {
            root,
            parent,
            turn,
            answer,
        } => of_thread(statement::FAN_OUT_JOINED, root)
            .bind(parent.to_string())
            .bind(turn.to_string())
            .bind(answer.clone()),
        Record::FanOutClosed { root, parent } => {
            of_thread(statement::FAN_OUT_CLOSED, root).bind(parent.to_string())
        }
        Record::DeliveryPlanned { root, post, at } => {
            with_post(of_thread(statement::DELIVERY_PLANNED, root), post).bind(nanoseconds(*at))
        }
        Record::DeliveryConfirmed {
            root,
            delivery,
            message,
        } => of_delivery(statement::DELIVERY_CONFIRMED, root, *delivery).bind(message.to_string()),
        Record::DeliveryDead {
            root,
            delivery,
            reason,
            at,
        } => delivery_dead(root, *delivery, reason, *at),
        Record::FloorRaised { root, after } => {
            of_thread(statement::FLOOR_RAISED, root).bind(after.to_string())
        }
        Record::DeliveryDropped { root, delivery } => {
            of_delivery(statement::DELIVERY_DROPPED, root, *delivery)
        }
        Record::KeptLost { root, delivery } => of_delivery(statement::KEPT_LOST, root, *delivery),
        Record::ThreadRenamed { root } => of_thread(statement::THREAD_RENAMED, root),
        Record::VerbositySet { root, verbosity } => {
            of_thread(statement::VERBOSITY_SET, root).bind(verbosity.map(Verbosity::name))
        }
        Record::ThreadForgotten { root } => of_thread(statement::THREAD_FORGOTTEN, root),
        Record::Audited { .. } => return None,
    })
}

fn spent(spender: &Spender, microdollars: u64, at: Timestamp) -> Statement {
    let agent = spender.agent.as_ref();
    Statement::new(statement::SPENT)
        .bind(Spending::day_of(at))
        .bind(spender.project.to_string())
        .bind(agent.map_or_else(String::new, |agent| format!("@{agent}")))
        .bind(spender.platform.to_string())
        .bind(spender.user.to_string())
        .bind(i64::try_from(microdollars).unwrap_or(i64::MAX))
        .bind(i64::MAX)
}

fn of_channel(sql: &'static str, channel: &ChannelKey) -> Statement {
    Statement::new(sql)
        .bind(channel.platform.to_string())
        .bind(channel.channel.to_string())
}

fn in_place(sql: &'static str, place: &Place) -> Statement {
    Statement::new(sql)
        .bind(place.channel.platform.to_string())
        .bind(place.channel.channel.to_string())
        .bind(key::thread(place.thread.as_ref()))
}

fn of_message(sql: &'static str, place: &Place, message: &MessageId) -> Statement {
    in_place(sql, place)
        .bind(integer(message.as_str().len()))
        .bind(message.to_string())
}

fn message_seen(
    message: &MessageRef,
    author: &UserId,
    disposition: Disposition,
    at: Timestamp,
) -> Statement {
    of_message(statement::MESSAGE_SEEN, &message.place, &message.message)
        .bind(author.to_string())
        .bind(disposition.name())
        .bind(nanoseconds(at))
        .bind(integer(SeenMessages::CAPACITY))
}

fn thread_bound(root: &RootId, place: &Place, at: Timestamp) -> Statement {
    of_thread(statement::THREAD_BOUND, root)
        .bind(place.channel.platform.to_string())
        .bind(place.channel.channel.to_string())
        .bind(key::thread(place.thread.as_ref()))
        .bind(nanoseconds(at))
}

fn of_thread(sql: &'static str, root: &RootId) -> Statement {
    Statement::new(sql)
        .bind(root.channel.platform.to_string())
        .bind(root.channel.channel.to_string())
        .bind(key::root(&root.root))
}

fn of_delivery(sql: &'static str, root: &RootId, delivery: DeliveryId) -> Statement {
    of_thread(sql, root).bind(delivery.to_string())
}

fn delivery_dead(root: &RootId, delivery: DeliveryId, reason: &str, at: Timestamp) -> Statement {
    of_delivery(statement::DELIVERY_DEAD, root, delivery)
        .bind(reason.to_owned())
        .bind(nanoseconds(at))
        .bind(integer(DeadLetter::KEPT))
}

fn of_conversation(sql: &'static str, conversation: &ConversationId) -> Statement {
    of_thread(sql, &conversation.root).bind(key::agent(conversation.agent.as_ref()))
}

fn of_turn(sql: &'static str, conversation: &ConversationId, turn: TurnId) -> Statement {
    of_conversation(sql, conversation).bind(turn.to_string())
}

fn of_ask(sql: &'static str, conversation: &ConversationId, turn: TurnId, ask: AskId) -> Statement {
    of_turn(sql, conversation, turn).bind(ask.to_string())
}

fn request_opened(conversation: &ConversationId, turn: TurnId, ask: &Ask) -> Statement {
    let replies: Value = ask.replies.iter().map(|reply| json!(reply)).collect();
    of_ask(statement::REQUEST_OPENED, conversation, turn, ask.id)
        .bind(ask.request.to_string())
        .bind(ask::about(&ask.about))
        .bind(nanoseconds(ask.at))
        .bind(nanoseconds(ask.until))
        .bind(replies.to_string())
        .bind(ask.verdict.as_ref().map(ask::verdict))
        .bind(ask.verdict.as_ref().is_some_and(|verdict| verdict.told))
}

fn turn_queued(conversation: &ConversationId, turn: &QueuedTurn) -> Statement {
    let place = &turn.cause.place;
    let (parent, from) = match &turn.origin {
        Origin::Person => (None, None),
        Origin::Handoff { from, parent } => (Some(parent), from.as_ref()),
        Origin::Joined { parent } => (Some(parent), None),
    };
    let likeness = match &turn.origin {
        Origin::Handoff { .. } => Likeness::of(&turn.prompt).to_bytes(),
        Origin::Person | Origin::Joined { .. } => Vec::new(),
    };
    of_turn(statement::TURN_QUEUED, conversation, turn.id)
        .bind(place.channel.platform.to_string())
        .bind(place.channel.channel.to_string())
        .bind(key::thread(place.thread.as_ref()))
        .bind(turn.cause.message.to_string())
        .bind(turn.author.to_string())
        .bind(turn.prompt.clone())
        .bind(nanoseconds(turn.at))
        .bind(key::origin(&turn.origin))
        .bind(parent.map(ToString::to_string))
        .bind(key::agent(from))
        .bind(likeness)
        .bind(attachment::written(&turn.attachments))
}

fn fan_out_opened(root: &RootId, parent: TurnId, fan_out: &FanOut) -> Statement {
    let FanOut {
        by,
        cause,
        author,
        branches,
    } = fan_out;
    let branches = branches.iter().map(|branch| {
        let agent = key::agent(Some(&branch.agent));
        json!([branch.turn.to_string(), agent, branch.answer])
    });
    of_thread(statement::FAN_OUT_OPENED, root)
        .bind(parent.to_string())
        .bind(key::agent(by.as_ref()))
        .bind(cause.place.channel.platform.to_string())
        .bind(cause.place.channel.channel.to_string())
        .bind(key::thread(cause.place.thread.as_ref()))
        .bind(cause.message.to_string())
        .bind(author.to_string())
        .bind(branches.collect::<Value>().to_string())
}

fn with_outcome(statement: Statement, outcome: &TurnOutcome) -> Statement {
    let (name, failure) = match outcome {
        TurnOutcome::Answered => ("answered", None),
        TurnOutcome::Failed(failure) => ("failed", Some(failure)),
        TurnOutcome::Stopped => ("stopped", None),
        TurnOutcome::Abandoned => ("abandoned", None),
    };
    statement
        .bind(name)
        .bind(failure.map(|failure| failure.kind.name()))
        .bind(failure.map(|failure| failure.message.clone()))
}

fn with_usage(statement: Statement, usage: &Usage) -> Statement {
    statement
        .bind(count(usage.input_tokens))
        .bind(count(usage.output_tokens))
        .bind(count(usage.cache_read_tokens))
        .bind(count(usage.cache_creation_tokens))
        .bind(count(usage.cost_microdollars))
        .bind(milliseconds(usage.duration))
}

/// What counts for a budget, and where sums stop.
fn with_spent(statement: Statement, usage: &Usage) -> Statement {
    let spent = Spent::of(usage);
    statement
        .bind(count(spent.tokens))
        .bind(count(spent.microdollars))
        .bind(count(spent.milliseconds))
        .bind(count(Spent::MOST))
}

/// What the work of a turn was, and what it left room for.
fn with_work(statement: Statement, usage: &Usage) -> Statement {
    statement
        .bind(count(usage.steps))
        .bind(usage.context.map(|context| count(context.used)))
        .bind(usage.context.map(|context| count(context.window)))
}

fn with_post(statement: Statement, post: &Post) -> Statement {
    let (turn, agent) = match &post.kind {
        PostKind::Answer { turn, agent } => (Some(turn), Some(key::agent(agent.as_ref()))),
        PostKind::Failure { turn }
        | PostKind::Progress { turn }
        | PostKind::Live { turn }
        | PostKind::Request { turn } => (Some(turn), None),
        PostKind::Prompt { agent } => (None, Some(key::agent(agent.as_ref()))),
        PostKind::Fork(fork) => (None, Some(key::agent(fork.agent.as_ref()))),
        PostKind::Notice
        | PostKind::Board
        | PostKind::Told
        | PostKind::Reply
        | PostKind::Private => (None, None),
    };
    statement
        .bind(post.id.to_string())
        .bind(post.kind.name())
        .bind(turn.map(ToString::to_string))
        .bind(agent)
        .bind(post.text.clone())
        .bind(post.reply_to.as_ref().map(ToString::to_string))
        .bind(
            post.persona
                .as_ref()
                .map(|persona| persona.name().to_owned()),
        )
        .bind(
            post.persona
                .as_ref()
                .and_then(Persona::color)
                .map(i64::from),
        )
        .bind(post.footer.clone())
        .bind(control::written(&post.controls))
        .bind(post.mentions.as_ref().map(ToString::to_string))
        .bind(post.replaces.as_ref().map(ToString::to_string))
        .bind(out_file::written(&post.files))
        .bind(fork::written(&post.kind))
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
