//! What is written down about facts for those who look at what happens: small, and without anything
//! that somebody wrote.

use mpg_core::agent::{Effort, PermissionMode};
use mpg_core::id::{ConversationId, RootId};
use mpg_core::record::Record;
use serde_json::{Value, json};

/// How many events are kept, the newest ones.
pub(crate) const KEPT: i64 = 100_000;

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    /// The thread as a JSON array of the three parts of its key.
    pub(crate) thread: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
}

/// What a fact is as an event; `None` for what nobody looks at.
#[expect(clippy::too_many_lines, reason = "one event for each record")]
pub(crate) fn of(record: &Record) -> Option<Event> {
    let in_conversation = |id: &ConversationId, kind, mut detail: Value| {
        if let (Some(agent), Value::Object(fields)) = (&id.agent, &mut detail) {
            fields.insert("agent".to_owned(), agent.as_str().into());
        }
        Some(event(Some(&id.root), kind, &detail))
    };
    match record {
        Record::MessageSeen {
            message,
            disposition,
            ..
        } => {
            let detail = json!({
                "platform": message.place.channel.platform.as_str(),
                "channel": message.place.channel.channel.as_str(),
                "message": message.message.as_str(),
                "disposition": disposition.name(),
            });
            Some(event(None, "message", &detail))
        }
        Record::TurnQueued { conversation, turn } => in_conversation(
            conversation,
            "turn-queued",
            json!({"turn": turn.id.to_string(), "by_person": turn.origin.is_person()}),
        ),
        Record::QueuedEdited {
            conversation, turn, ..
        } => in_conversation(
            conversation,
            "turn-edited",
            json!({"turn": turn.to_string()}),
        ),
        Record::QueuedDropped { conversation, turn } => in_conversation(
            conversation,
            "turn-dropped",
            json!({"turn": turn.to_string()}),
        ),
        Record::TurnStarted {
            conversation,
            turn,
            attempt,
            ..
        } => in_conversation(
            conversation,
            "turn-started",
            json!({"turn": turn.to_string(), "attempt": attempt}),
        ),
        Record::ChoicesMade {
            conversation,
            choices,
        } => in_conversation(
            conversation,
            "choices-made",
            json!({
                "model": choices.model,
                "mode": choices.mode.map(PermissionMode::name),
                "effort": choices.effort.map(Effort::name),
            }),
        ),
        Record::TurnSetBack { conversation, turn } => in_conversation(
            conversation,
            "turn-set-back",
            json!({"turn": turn.to_string()}),
        ),
        Record::TurnParked {
            conversation,
            turn,
            reason,
            until,
            ..
        } => in_conversation(
            conversation,
            "turn-parked",
            json!({
                "turn": turn.to_string(),
                "reason": reason.name(),
                "until": until.map(|until| until.to_string()),
            }),
        ),
        Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage,
            ..
        } => in_conversation(
            conversation,
            "turn-ended",
            json!({
                "turn": turn.to_string(),
                "outcome": outcome.name(),
                "failure": outcome.failure().map(|failure| failure.kind.name()),
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cost_microdollars": usage.cost_microdollars,
            }),
        ),
        Record::TurnSteered { conversation, turn } => in_conversation(
            conversation,
            "turn-steered",
            json!({"turn": turn.to_string()}),
        ),
        Record::TurnAbsorbed {
            conversation,
            turn,
            by,
            ..
        } => in_conversation(
            conversation,
            "turn-absorbed",
            json!({"turn": turn.to_string(), "by": by.to_string()}),
        ),
        Record::RequestOpened {
            conversation,
            turn,
            ask,
        } => in_conversation(
            conversation,
            "request-opened",
            json!({
                "turn": turn.to_string(),
                "request": ask.id.to_string(),
                "about": ask.about.name(),
                "until": ask.until.to_string(),
            }),
        ),
        Record::QuestionAnswered {
            conversation,
            turn,
            ask,
            ..
        } => in_conversation(
            conversation,
            "question-answered",
            json!({"turn": turn.to_string(), "request": ask.to_string()}),
        ),
        Record::RequestAnswered {
            conversation,
            turn,
            ask,
            verdict,
        } => in_conversation(
            conversation,
            "request-answered",
            json!({
                "turn": turn.to_string(),
                "request": ask.to_string(),
                "in_time": verdict.said.is_some(),
                "by": verdict.by.as_ref().map(|by| by.id.as_str()),
            }),
        ),
        Record::RequestDropped {
            conversation,
            turn,
            ask,
        } => in_conversation(
            conversation,
            "request-dropped",
            json!({"turn": turn.to_string(), "request": ask.to_string()}),
        ),
        Record::SessionAllowed {
            conversation,
            session,
            ..
        } => in_conversation(
            conversation,
            "session-allowed",
            json!({"session": session.to_string()}),
        ),
        Record::RuleAdded { project, .. } => Some(event(
            None,
            "rule-added",
            &json!({"project": project.as_str()}),
        )),
        Record::RuleRemoved { project, .. } => Some(event(
            None,
            "rule-removed",
            &json!({"project": project.as_str()}),
        )),
        Record::BudgetLifted { project, .. } => Some(event(
            None,
            "budget-lifted",
            &json!({"project": project.as_str()}),
        )),
        Record::SessionBound {
            conversation,
            session,
        } => in_conversation(
            conversation,
            "session-begun",
            json!({"session": session.id.to_string()}),
        ),
        Record::ConversationForked {
            conversation, from, ..
        } => in_conversation(
            conversation,
            "conversation-forked",
            json!({"from": from.to_string()}),
        ),
        Record::SessionUnbound {
            conversation,
            reason,
        } => in_conversation(
            conversation,
            "session-ended",
            json!({"reason": reason.name()}),
        ),
        Record::DeliveryPlanned { root, post, .. } => {
            let detail = json!({"delivery": post.id.as_str(), "kind": post.kind.name()});
            Some(event(Some(root), "post-planned", &detail))
        }
        Record::DeliveryConfirmed { root, delivery, .. } => {
            let detail = json!({"delivery": delivery.as_str()});
            Some(event(Some(root), "post-made", &detail))
        }
        Record::DeliveryDead { root, delivery, .. } => {
            let detail = json!({"delivery": delivery.as_str()});
            Some(event(Some(root), "post-given-up", &detail))
        }
        Record::DeliveryDropped { root, delivery } => {
            let detail = json!({"delivery": delivery.as_str()});
            Some(event(Some(root), "post-left-out", &detail))
        }
        Record::ThreadBound { root, .. } => Some(event(Some(root), "thread-bound", &json!({}))),
        Record::ThreadForgotten { root } => Some(event(Some(root), "thread-forgotten", &json!({}))),
        Record::PositionMoved { .. }
        | Record::ChannelKnown { .. }
        | Record::GapOpened { .. }
        | Record::GapClosed { .. }
        | Record::PlaceRead { .. }
        | Record::RequestRenewed { .. }
        | Record::AnswerTold { .. }
        | Record::WaitTold { .. }
        | Record::Spent { .. }
        | Record::FanOutOpened { .. }
        | Record::FanOutJoined { .. }
        | Record::FanOutClosed { .. }
        | Record::FloorRaised { .. }
        | Record::VerbositySet { .. }
        | Record::KeptLost { .. }
        | Record::Audited { .. }
        | Record::ThreadRenamed { .. } => None,
    }
}

fn event(root: Option<&RootId>, kind: &'static str, detail: &Value) -> Event {
    let key = |root: &RootId| {
        let platform = root.channel.platform.as_str();
        let channel = root.channel.channel.as_str();
        json!([platform, channel, crate::key::root(&root.root)]).to_string()
    };
    Event {
        thread: root.map(key),
        kind,
        detail: detail.to_string(),
    }
}
