//! What people are told of what agents ask them, and agents of what people answered.

use std::fmt::Write as _;
use std::time::Duration;

use super::{duration, fenced, plural};
use crate::ask::{Said, open_question, ways};
use crate::capability::Controls;
use crate::control::Field;
use crate::id::AgentName;
use crate::request::{About, Detail, Permission, Question, Scope};
use crate::snapshot::{Ask, Rule, Verdict};

/// What is left of a text that has to fit in one line of a list.
const LONGEST_LINE: usize = 80;

/// Who answers from outside of every platform.
pub(crate) const OPERATOR: &str = "an operator";

/// What is asked, for people, with at most so many characters of its detail. Of several questions,
/// the one that is open.
pub(crate) fn request(ask: &Ask, longest: usize) -> String {
    match &ask.about {
        About::Permission(permission) => of_permission(permission, longest),
        About::Questions(questions) => of_question(ask, questions.len()),
        About::Plan { text } => {
            let (text, left_out) = clipped(text.trim(), longest);
            format!("this plan waits for approval:\n\n{text}{left_out}")
        }
        About::Form {
            from,
            message,
            fields,
        } => of_form(from, message, fields),
    }
}

/// The beginning of a text, and a note about what is left out.
fn clipped(text: &str, longest: usize) -> (&str, String) {
    match text.char_indices().nth(longest) {
        None => (text, String::new()),
        Some((end, _)) => {
            let left_out = text[end..].chars().count();
            (&text[..end], format!("\n{}", not_shown(left_out)))
        }
    }
}

fn of_permission(permission: &Permission, longest: usize) -> String {
    let tool = fenced(&permission.tool);
    let summary = permission.summary.trim();
    let (text, left_out) = clipped(permission.detail.text(), longest);
    let detail = match &permission.detail {
        _ if text.trim().is_empty() => fenced(summary),
        Detail::Command(_) => block("sh", text),
        Detail::Diff(_) => format!("{}\n{}", fenced(summary), block("diff", text)),
        Detail::Text(_) => block("", text),
    };
    format!(
        "{tool} needs permission:\n{detail}{left_out}\n*always* would allow {}",
        fenced(&permission.rule)
    )
}

fn of_question(ask: &Ask, count: usize) -> String {
    let Some((index, question)) = open_question(ask) else {
        return String::new();
    };
    let mut text = String::new();
    if !question.header.trim().is_empty() {
        let _ = write!(text, "**{}** ", question.header.trim());
    }
    if count > 1 {
        let _ = write!(text, "({} of {count}) ", index + 1);
    }
    text.push_str(question.text.trim());
    for (number, option) in (1..).zip(&question.options) {
        let _ = write!(text, "\n{number}. {}", option.label.trim());
        if !option.description.trim().is_empty() {
            let _ = write!(text, ": {}", option.description.trim());
        }
    }
    text
}

fn of_form(from: &str, message: &str, fields: &[Field]) -> String {
    let mut text = format!("{} asks for this:\n{}", fenced(from), message.trim());
    for field in fields {
        let needed = if field.required { "" } else { " (optional)" };
        let _ = write!(text, "\n- {}: {}{needed}", field.name, field.label);
    }
    text
}

/// How people can answer, below what is asked.
pub(crate) fn how_to_answer(ask: &Ask, means: Controls, waits: Duration) -> String {
    let how = match &ask.about {
        About::Permission(_) | About::Plan { .. } if means == Controls::None => {
            let ways = (1..)
                .zip(ways(&ask.about))
                .map(|(number, (label, written))| {
                    let why = if written { " …" } else { "" };
                    format!("`{number}{why}` {}", label.to_lowercase())
                });
            let ways: Vec<String> = ways.collect();
            format!("answer with a number: {}", ways.join(", "))
        }
        About::Permission(_) if means == Controls::Buttons => {
            "press a button; to deny with a reason, write `deny: …`".to_owned()
        }
        About::Permission(_) => "press a button".to_owned(),
        About::Plan { .. } => "press a button, or write what is missing".to_owned(),
        About::Questions(_) => match open_question(ask) {
            Some((_, question)) if question.options.is_empty() => "write the answer".to_owned(),
            Some((_, question)) if question.multiple => {
                "choose what fits, or write the answer".to_owned()
            }
            Some(_) | None => "choose one, or write the answer".to_owned(),
        },
        About::Form { fields, .. } => match fields.as_slice() {
            [] => "write `agree` or `decline`".to_owned(),
            [_] => "write the value, or `decline`".to_owned(),
            _ => "write a line `name: value` for each, or `decline`".to_owned(),
        },
    };
    format!("{how} (waits for {})", duration(waits))
}

/// What came of a request, as the last line of its post.
pub(crate) fn came_of_it(outcome: &str) -> String {
    format!("**{outcome}**")
}

/// Who answered, as the agent is told.
pub(crate) fn name_of(verdict: &Verdict) -> &str {
    verdict.by.as_ref().map_or(OPERATOR, |by| &by.name)
}

/// What came of a request or of one of its questions, for people, below what was asked.
pub(crate) fn outcome(verdict: &Verdict, waited: Duration) -> String {
    let by = by(verdict.by.as_ref().map(|by| by.name.as_str()));
    let Some(said) = &verdict.said else {
        return format!(
            "nobody answered within {}; the agent was told so, and goes on without",
            duration(waited)
        );
    };
    match said {
        Said::Allow(Scope::Once) => format!("allowed once {by}"),
        Said::Allow(Scope::Session) => format!("allowed for this session {by}"),
        Said::Allow(Scope::Project) => {
            format!("always allowed in this project {by}; `!rules` lists what is")
        }
        Said::Deny { reason: None } => format!("denied {by}"),
        Said::Deny {
            reason: Some(reason),
        } => format!("denied {by}: {reason}"),
        Said::Approve {
            accept_edits: false,
        } => format!("approved {by}"),
        Said::Approve { accept_edits: true } => format!("approved {by}; edits run unasked"),
        Said::KeepPlanning { comment: None } => format!("not approved {by}: keep planning"),
        Said::KeepPlanning {
            comment: Some(comment),
        } => format!("not approved {by}: {comment}"),
        Said::Reply(reply) => replied(reply, &by),
        // What was filled in may be a secret.
        Said::Fill(_) => format!("filled in {by}"),
        Said::Decline => format!("declined {by}"),
    }
}

/// What was answered to one question, for people.
pub(crate) fn replied_by(reply: &[String], name: &str) -> String {
    replied(reply, &by(Some(name)))
}

fn replied(reply: &[String], by: &str) -> String {
    format!("answered {by}: {}", reply.join(", "))
}

fn by(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("by {}", fenced(name)),
        None => format!("by {OPERATOR}"),
    }
}

/// That nobody can answer any more, and nobody did.
pub(crate) fn withdrawn() -> &'static str {
    "no longer asked: the agent does not wait for an answer any more"
}

/// That the turn ended before somebody answered.
pub(crate) fn ended_first() -> &'static str {
    "no longer open: the turn has ended"
}

/// What stands in place of the rest of what is too long to be shown.
pub(crate) fn not_shown(characters: usize) -> String {
    format!("**{} more are not shown**", plural(characters, "character"))
}

/// For somebody who answers what was answered.
pub(crate) fn answered_already(verdict: &Verdict) -> String {
    match (&verdict.said, &verdict.by) {
        (None, _) => "this is no longer open: nobody answered it in time".to_owned(),
        (Some(_), Some(by)) => format!("{} answered this already", fenced(&by.name)),
        (Some(_), None) => "an operator answered this already".to_owned(),
    }
}

/// For somebody who answers a question that was answered, while another one is open.
pub(crate) fn earlier_question() -> &'static str {
    "this question was answered already"
}

/// For somebody who left out what is needed.
pub(crate) fn incomplete() -> &'static str {
    "something that is needed is missing; nothing was sent"
}

/// For somebody who may not answer.
pub(crate) fn not_approver() -> &'static str {
    "answering this takes a role that you do not have (`approver-roles`)"
}

/// What a list says while nothing is chosen.
pub(crate) fn choose(several: bool) -> &'static str {
    if several {
        "choose what fits"
    } else {
        "choose one"
    }
}

/// The label of what opens a form for another answer.
pub(crate) fn other() -> &'static str {
    "Other…"
}

/// What the field of that form is called.
pub(crate) fn your_answer() -> &'static str {
    "Your answer"
}

/// The label of what opens a form, or agrees where there is nothing to fill in.
pub(crate) fn fill_in(nothing: bool) -> &'static str {
    if nothing { "Agree" } else { "Fill in" }
}

/// The label of what gives nothing.
pub(crate) fn decline() -> &'static str {
    "Decline"
}

/// What the agent is told of a denial.
pub(crate) fn denied_to_agent(by: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{by} denied this: {reason}"),
        None => format!("{by} denied this. Go on without it, or ask what to do instead."),
    }
}

/// What the agent is told of a plan that is not good yet.
pub(crate) fn keep_planning_to_agent(by: &str, comment: Option<&str>) -> String {
    match comment {
        Some(comment) => format!("{by} wants you to keep planning: {comment}"),
        None => format!("{by} wants you to keep planning. Do not begin yet."),
    }
}

/// What the agent is told where somebody fills nothing in.
pub(crate) fn declined_to_agent(by: &str) -> String {
    format!("{by} declined to fill this in.")
}

/// What the agent is told where nobody answered.
pub(crate) fn nobody_answered(waited: Duration) -> String {
    format!(
        "Nobody answered within {}. This was not denied: nobody saw it in time. Go on without it as \
         far as that makes sense, and say in your answer what is left and what you need for it.",
        duration(waited)
    )
}

/// What the agent is told where nobody is asked.
pub(crate) fn nobody_is_asked() -> &'static str {
    "Nobody can be asked now. Go on without it, and say in your answer what you need."
}

/// What an agent that was started anew is told of what it asked before; empty of nothing.
pub(crate) fn answers_so_far(asks: &[Ask]) -> String {
    let mut text = String::new();
    for ask in asks {
        let Some(verdict) = &ask.verdict else {
            continue;
        };
        let by = name_of(verdict);
        let answer = match &verdict.said {
            None => "nobody answered in time, which is no denial".to_owned(),
            Some(Said::Allow(_)) => "allowed; ask again if it was not done".to_owned(),
            Some(Said::Deny { reason }) => denied_to_agent(by, reason.as_deref()),
            Some(Said::Approve { .. }) => "approved".to_owned(),
            Some(Said::KeepPlanning { comment }) => keep_planning_to_agent(by, comment.as_deref()),
            Some(Said::Reply(last)) => {
                let replies = ask.replies.iter().chain([last]);
                let replies: Vec<String> = replies.map(|reply| reply.join(", ")).collect();
                replies.join("; ")
            }
            Some(Said::Fill(_)) => "filled in; ask again to get it".to_owned(),
            Some(Said::Decline) => declined_to_agent(by),
        };
        if text.is_empty() {
            text.push_str("\n\nBefore it was cut off you asked people this, and they answered:");
        }
        let _ = write!(text, "\n- {}: {answer}", about(ask));
    }
    text
}

/// What a request is about, in one line.
pub(crate) fn about(ask: &Ask) -> String {
    match &ask.about {
        About::Permission(permission) => {
            let line = crate::persona::one_line(&permission.summary, LONGEST_LINE);
            format!("{} {}", permission.tool, fenced(&line))
        }
        About::Questions(questions) => {
            let open = open_question(ask).map(|(_, question)| question);
            let question: Option<&Question> = open.or(questions.last());
            let text = question.map_or("", |question| &question.text);
            crate::persona::one_line(text, LONGEST_LINE)
        }
        About::Plan { .. } => "a plan".to_owned(),
        About::Form { from, .. } => format!("a form of {}", fenced(from)),
    }
}

/// One line of a list of what is open.
pub(crate) fn open_line(
    agent: Option<&AgentName>,
    here: bool,
    summary: &str,
    author: &str,
    waited: Duration,
    left: Duration,
) -> String {
    let agent = agent.map_or_else(String::new, |agent| format!("`@{agent}` "));
    let here = if here { ", here" } else { "" };
    format!(
        "- {agent}{summary}, for {}{here}, asked {} ago, {} left",
        fenced(author),
        duration(waited),
        duration(left)
    )
}

/// That nothing is open.
pub(crate) fn nothing_open() -> &'static str {
    "no agent waits for an answer"
}

/// The rules of a project, with numbers.
pub(crate) fn rules(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return "nothing is allowed here beyond `allowed-tools`".to_owned();
    }
    let mut text = "always allowed here, beyond `allowed-tools`:".to_owned();
    for (number, rule) in (1..).zip(rules) {
        let by = by(rule.by.as_ref().map(|by| by.name.as_str()));
        let _ = write!(text, "\n{number}. {} {by}", fenced(&rule.rule));
    }
    text.push_str("\n`!rules remove N` takes one back");
    text
}

/// That a rule is in force no more.
pub(crate) fn rule_removed(rule: &str) -> String {
    format!(
        "{} is no longer allowed unasked; a turn that runs keeps it until it ends",
        fenced(rule)
    )
}

/// That there is no rule of a number.
pub(crate) fn no_such_rule(number: usize, count: usize) -> String {
    match count {
        0 => "there are no rules here".to_owned(),
        count => format!("there is no rule {number}; they go from 1 to {count}"),
    }
}

/// A block of text that nothing in it ends.
fn block(language: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    format!(
        "{fence}{language}\n{}\n{fence}",
        text.trim_end_matches('\n')
    )
}

/// One word for what somebody said, for transcripts.
pub(crate) fn said(said: &Said) -> String {
    match said {
        Said::Allow(scope) => format!("allow, {}", scope.name()),
        Said::Deny { reason: None } => "deny".to_owned(),
        Said::Deny {
            reason: Some(reason),
        } => format!("deny {reason:?}"),
        Said::Approve { accept_edits: true } => "approve, with edits".to_owned(),
        Said::Approve {
            accept_edits: false,
        } => "approve".to_owned(),
        Said::KeepPlanning { comment: None } => "keep planning".to_owned(),
        Said::KeepPlanning {
            comment: Some(comment),
        } => format!("keep planning {comment:?}"),
        Said::Reply(reply) => format!("reply {reply:?}"),
        Said::Fill(fields) => format!("fill in {} fields", fields.len()),
        Said::Decline => "decline".to_owned(),
    }
}
