//! What the gateway itself says to people, in one place and one voice: short, lower case, what
//! happened and what to do.

pub(crate) mod asks;
pub(crate) mod board;
pub(crate) mod budget;
pub(crate) mod choices;
mod files;
pub mod forks;
mod handoffs;
pub(crate) mod limits;
pub(crate) mod live;
pub(crate) mod work;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use self::files::{
    files_left_out, files_only, goes_on_in_file, named_files, omission, size, without_files,
};
use self::handoffs::listed;
pub use self::handoffs::{
    Unmade, agent_is_gone, agents, dollars, handed_over, hands_over, joined, no_answer,
    not_handed_over, nothing_to_stop, only_named, stopped, stopped_turn,
};
pub(crate) use self::handoffs::{asks_named, asks_named_label};
use crate::agent::{FailureKind, Partial, Retry, TurnFailure};
use crate::capability::TextLimit;
use crate::command::{COMMANDS, CommandSpec};
use crate::config::Project;
use crate::event::TurnNotice;
use crate::id::AgentName;
use crate::record::{ParkReason, UnboundReason};
use crate::request::{About, Request};
use crate::route::{MAX_QUEUED, RefuseReason};
use crate::snapshot::Parked;

/// Why a message was turned away.
pub fn refusal(reason: RefuseReason) -> String {
    match reason {
        RefuseReason::NotAllowed => "you are not allowed to use this project".to_owned(),
        RefuseReason::Direct => {
            "direct messages lead nowhere: write in a channel that belongs to a \
                                 project"
                .to_owned()
        }
        RefuseReason::NotAdmin { command } => {
            format!("`!{command}` takes a role that you do not have (`admin-roles`)")
        }
        RefuseReason::NotApprover => asks::not_approver().to_owned(),
        RefuseReason::MayNotLift { somebody_may: true } => {
            "`!unsafe` takes a role that you do not have (`unsafe-roles`)".to_owned()
        }
        RefuseReason::MayNotLift {
            somebody_may: false,
        } => "nobody may lift the limits on tools here: `unsafe-roles` names no role".to_owned(),
        RefuseReason::TooLate => {
            "this was said while the gateway was away, and was not done; say it again".to_owned()
        }
        RefuseReason::TooFast { retry_after } => format!(
            "too many messages in a minute; try again in {}",
            duration(retry_after.max(Duration::from_secs(1)))
        ),
        RefuseReason::Empty => "there is nothing to do: the message has no text".to_owned(),
        RefuseReason::NoFiles(left_out) => {
            format!("there is nothing to do: {}", files_left_out(&left_out))
        }
        RefuseReason::QueueFull => format!(
            "this was not taken: too much waits here already (at most {MAX_QUEUED} messages, 1 MB \
             of text)"
        ),
        RefuseReason::NoTask { agents } => match agents.as_slice() {
            [] => "say whom and what: `!ask agent task`".to_owned(),
            agents => format!("there is nothing to do: what should {} do?", listed(agents)),
        },
        RefuseReason::NoSuchAgent { name, agents } => match agents.as_slice() {
            [] => "this project has no agents with names; write the task without one".to_owned(),
            agents => format!(
                "there is no agent {} here; there are {}",
                fenced(&name),
                listed(agents)
            ),
        },
    }
}

/// That a control was used where no project is.
pub fn unmapped() -> &'static str {
    "this channel belongs to no project; commands work in the channels that are mapped to one"
}

/// That what a control belongs to has ended.
pub fn no_longer_open() -> &'static str {
    "this is no longer open: it was answered, or what it was about has ended"
}

/// What somebody asked with a native command, for the others.
pub fn asked(name: &str, text: &str) -> String {
    format!("{}: {text}", fenced(name))
}

/// Who asks something from outside of the channel, below what is asked.
pub fn asked_by(from: &str, agent: Option<&AgentName>) -> String {
    match agent {
        Some(agent) => format!("from {from}, for {agent}"),
        None => format!("from {from}"),
    }
}

/// That a thread could not be opened.
pub fn thread_refused() -> &'static str {
    "threads cannot be opened in this channel (is the permission missing?); this conversation \
     goes on here"
}

/// That one thread could not be opened, in a channel where others may be.
pub fn thread_failed() -> &'static str {
    "no thread could be opened for this message, so it is answered here; the next message starts \
     a conversation of its own"
}

/// Why a session cannot be gone on with for now.
pub fn directory_missing(directory: &str) -> String {
    format!(
        "{directory}, where this session works, is not there; the session is kept: bring the \
         directory back, or begin afresh with `!restart`"
    )
}

/// What a turn did that was stopped: no answer, and it says so.
pub fn partial(partial: &Partial) -> String {
    let steps = match partial.steps {
        0 => String::new(),
        steps => format!(" after {}", plural(steps as usize, "step")),
    };
    if partial.text.is_empty() {
        return format!("*(stopped{steps}, before anything was written)*");
    }
    let cut = if partial.cut { "(cut) … " } else { "" };
    format!(
        "*(stopped{steps}; what follows was written until then, and is no answer)*\n\n{cut}{}",
        partial.text
    )
}

/// What stands before the answer of a turn that was cut off and went on.
pub fn resumed() -> &'static str {
    "*(resumed after an interruption)*"
}

/// What stands before the answer of a turn that went on while no gateway listened.
pub fn adopted() -> &'static str {
    "*(went on while the gateway was away)*"
}

/// What an agent is asked to do when its turn was cut off.
pub fn continuation() -> &'static str {
    "The previous turn was cut off before it ended. Go on where it stopped: do not repeat steps \
     that are done, and then give the complete answer to everything that was asked and has none yet."
}

/// Why a conversation starts without its history.
pub fn fresh_session(reason: UnboundReason) -> Option<&'static str> {
    match reason {
        UnboundReason::Restarted | UnboundReason::Killed | UnboundReason::Done => None,
        UnboundReason::Retired => Some(
            "this conversation was not used for so long that its session was given up \
             (`max-sessions`); the agent starts afresh and knows only the last messages of this \
             thread (`history`)",
        ),
        UnboundReason::Lost => Some(
            "the earlier session could not be resumed; the agent starts afresh and knows only the \
             last messages of this thread (`history`)",
        ),
    }
}

/// What is said when an agent answers with nothing.
pub fn empty_answer() -> &'static str {
    "*(the agent ended its turn without a text)*"
}

/// What stands at the end of an answer that is too long even in pieces.
pub fn answer_cut(left_out: usize) -> String {
    format!("*(the answer goes on for {left_out} more characters; ask for the rest)*")
}

/// Why a turn has no answer.
pub fn failure(failure: &TurnFailure, project: &Project) -> String {
    let said = failure.message.trim();
    let with = |text: &str| match said {
        "" => text.to_owned(),
        said => format!("{text}: {said}"),
    };
    match failure.kind {
        FailureKind::Agent => with("the agent failed"),
        FailureKind::Interrupted => with("the turn was interrupted"),
        FailureKind::Exited => with("the agent's process ended in the middle of the turn"),
        FailureKind::Unavailable => with("the agent could not be started"),
        FailureKind::TimedOut => format!(
            "no answer within {} (`turn-timeout`); the turn was stopped, the session is kept",
            duration(project.turn_timeout)
        ),
        FailureKind::Stalled => with("the turn was stopped"),
        FailureKind::UsageLimit => with("the agent's usage limit is reached"),
        FailureKind::Exhausted => said.to_owned(),
        FailureKind::Gateway => with("the gateway failed at this turn"),
    }
}

/// Something to tell about a running turn.
///
/// `patience` is the setting that says how long the agent may show no sign of life.
pub fn notice(notice: &TurnNotice, patience: &str) -> String {
    match notice {
        TurnNotice::Retrying(Retry {
            attempt,
            max,
            error,
            delay,
        }) => format!(
            "the agent cannot reach its model ({error}); it tries again by itself \
             (retry {attempt} of {max}, in {})",
            duration(*delay)
        ),
        TurnNotice::Denied(request) => denied(request),
        TurnNotice::Adopted => adopted().to_owned(),
        TurnNotice::FilesLeftOut(left_out) => files_left_out(left_out),
        TurnNotice::Outdated | TurnNotice::Absorbed(_) | TurnNotice::Doing(_) => String::new(),
        TurnNotice::Live(text) => text.clone(),
        TurnNotice::Silent(silence) => format!(
            "no sign of life of the agent for {}; still waiting",
            duration(*silence)
        ),
        TurnNotice::Stalled(silence) => format!(
            "no sign of life of the agent for {} (`{patience}`); it is stopped",
            duration(*silence)
        ),
    }
}

/// Why a turn is given up that was cut off so often.
pub fn exhausted(attempts: u32, why: &str) -> String {
    match why.trim() {
        "" => format!("failed after {attempts} attempts"),
        why => format!("failed after {attempts} attempts: {why}"),
    }
}

/// That an agent's process ended, and how.
pub fn process_ended(exit: &str) -> String {
    match exit.trim() {
        "" => "the agent's process ended".to_owned(),
        exit => format!("the agent's process ended ({exit})"),
    }
}

/// That an agent showed no sign of life.
pub fn no_sign_of_life(silence: Duration, patience: &str) -> String {
    format!(
        "the agent showed no sign of life for {} (`{patience}`)",
        duration(silence)
    )
}

/// Why a turn was cut off that nobody stopped.
pub fn was_interrupted() -> &'static str {
    "its agent went away before the end, with the gateway or the machine; the session is kept: \
     write a message to go on"
}

/// What a thread is asked about a turn that was cut off.
pub fn asks_whether_to_resume() -> &'static str {
    "the turn was cut off before its end, and what it did until then is done; `!resume` lets it go \
     on, a new message takes its place"
}

/// Why a turn that waited for somebody's word ended.
pub fn gave_way() -> &'static str {
    "a new message took its place"
}

/// Until when a conversation waits for its agent's usage limit.
pub fn usage_limit(until: Timestamp, now: Timestamp, said: bool) -> String {
    let when = moment(until, now);
    if said {
        format!(
            "the agent's usage limit is reached; this goes on by itself at {when}, with what waits \
             behind it. `!resume` tries at once, `!kill` ends it"
        )
    } else {
        format!(
            "the agent's usage limit is reached, and it does not say until when; it is tried again \
             at {when}, with what waits behind it. `!resume` tries at once, `!kill` ends it"
        )
    }
}

/// What a parked turn waits for, in a list.
pub fn parked(parked: Parked, now: Timestamp) -> String {
    match (parked.reason, parked.until) {
        (_, Some(until)) if until <= now => "waiting for a free slot".to_owned(),
        (ParkReason::UsageLimit, Some(until)) => {
            format!("waits for a usage limit until {}", moment(until, now))
        }
        (ParkReason::UsageLimit, None) => "waits for a usage limit".to_owned(),
        (ParkReason::Budget, Some(until)) => {
            format!("waits for its budget until {}", moment(until, now))
        }
        (ParkReason::Budget, None) => "waits for its budget".to_owned(),
        (ParkReason::Interrupted, _) => "cut off, waits for `!resume`".to_owned(),
    }
}

/// The reply to `!resume`.
pub fn going_on(turns: usize) -> String {
    format!("going on with {}", plural(turns, "turn"))
}

/// The reply to `!resume` where nothing waits for it.
pub fn nothing_to_resume(here: &str) -> String {
    format!("no turn waits for that {here}")
}

/// That what waits in a thread waits until the gateway is started again.
pub fn waits_for_a_start() -> &'static str {
    "the gateway is being restarted; what waits here is kept, and answered when it is back"
}

/// What is said once of requests of this sort.
pub(crate) fn topic(request: &Request) -> &str {
    match &request.about {
        About::Permission(permission) => &permission.rule,
        about @ (About::Questions(_) | About::Plan { .. } | About::Form { .. }) => about.name(),
    }
}

fn denied(request: &Request) -> String {
    match &request.about {
        About::Permission(permission) => {
            let call = match permission.summary.trim() {
                "" => String::new(),
                summary => format!(": {}", fenced(summary)),
            };
            format!(
                "{} was not allowed to run{call}\nto allow it, add {} to `allowed-tools`",
                fenced(&permission.tool),
                fenced(&permission.rule)
            )
        }
        About::Questions(_) | About::Plan { .. } | About::Form { .. } => {
            "the agent asked something, and was told that nobody can be asked".to_owned()
        }
    }
}

/// What an agent is told when nobody can be asked.
pub fn denial(request: &Request) -> String {
    match &request.about {
        About::Permission(permission) => format!(
            "{} is not allowed in this project, and nobody can be asked. The setting `allowed-tools` \
             would allow it with the rule {}. Go on without it, or say what you would need.",
            permission.tool, permission.rule
        ),
        About::Questions(_) | About::Plan { .. } | About::Form { .. } => {
            "Nobody can be asked in this project. Go on as you think best, or say what you would need."
                .to_owned()
        }
    }
}

/// The reply to `!help`.
pub fn help() -> String {
    let mut text = "write a message to give the agent a task; in a thread, to go on\n".to_owned();
    for command in COMMANDS {
        // The rest is for those who ask for it, so that the list stays one post.
        let end = command.help.find([';', ':']);
        let short = end.map_or(command.help, |end| &command.help[..end]);
        text.extend(["- `!", &command.usage(), "` — ", short, "\n"]);
    }
    text.push_str("`!help command` says more about one");
    text.truncate(text.trim_end().len());
    text
}

/// The reply to `!help` with the name of a command.
pub fn help_on(command: &CommandSpec) -> String {
    format!("`!{}` — {}", command.usage(), command.help)
}

/// The reply to a command with something behind it that it does not take, or without what it needs.
pub fn misused(command: &CommandSpec) -> String {
    format!("this is not how it is written; {}", help_on(command))
}

/// The reply to a word that is no command.
pub fn unknown_command(word: &str, suggestion: Option<&str>) -> String {
    let word = code(word);
    match suggestion {
        Some(suggestion) => {
            format!("there is no command `!{word}`; did you mean `!{suggestion}`?")
        }
        None => format!("there is no command `!{word}`; `!help` lists those that there are"),
    }
}

/// The reply to a command that names no project.
pub fn unknown_project(name: &str) -> String {
    format!(
        "there is no project {} that you may use; `!sessions` lists what there is",
        fenced(&name.chars().take(60).collect::<String>())
    )
}

/// The reply where there is nothing to act on.
pub fn no_session(here: &str) -> String {
    format!("no session {here}")
}

/// A post that is repeated although it may be there already, where there is room to say so.
pub fn sent_again(text: &str, after_restart: bool, limit: TextLimit) -> String {
    let note = if after_restart {
        "*(sent again after a restart)*"
    } else {
        "*(sent again)*"
    };
    let noted = format!("{text}\n{note}");
    if limit.unit.count(&noted) <= limit.max {
        noted
    } else {
        text.to_owned()
    }
}

/// That messages were missed which nobody will answer.
pub fn skipped(count: u32) -> String {
    let skipped = match count {
        1 => "the oldest message was skipped".to_owned(),
        count => format!("the {count} oldest messages were skipped"),
    };
    format!(
        "while the gateway was away, more was posted here than it reads back (`catch-up`, \
         `catch-up-limit`): {skipped}; post again what is still wanted"
    )
}

/// That it is not known what was missed.
pub fn catch_up_failed() -> &'static str {
    "what was posted here while the gateway was away could not be read back; post again what was \
     not answered"
}

/// That answers could not be delivered, and how to get them.
pub fn undelivered(count: usize) -> String {
    format!(
        "{} could not be delivered; `mpgd deliveries` lists them, `mpgd deliveries retry ID` posts \
         one again",
        plural(count, "answer")
    )
}

/// The reply to `!kill`.
pub fn killed(sessions: usize, dropped: usize) -> String {
    let waiting = match dropped {
        0 => String::new(),
        1 => "; 1 waiting message was dropped".to_owned(),
        dropped => format!("; {dropped} waiting messages were dropped"),
    };
    format!(
        "{} ended{waiting}; the next message starts afresh",
        plural(sessions, "session")
    )
}

/// The reply to `!restart`.
pub fn restarted(sessions: usize, kept: usize) -> String {
    let waiting = match kept {
        0 => String::new(),
        1 => "; 1 waiting message is kept".to_owned(),
        kept => format!("; {kept} waiting messages are kept"),
    };
    format!(
        "{} restarted: fresh context from the next turn on{waiting}",
        plural(sessions, "session")
    )
}

/// A length of time as people say it.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m", seconds / 60),
        3600..=86_399 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment, as a time of day that is the same everywhere and as how far away it is.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let away = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    let away = duration(Duration::from_secs(away.as_secs().max(1)));
    format!("{} (in {away})", at.strftime("%Y-%m-%d %H:%M UTC"))
}

/// `count` of something.
pub fn plural<N: Copy + fmt::Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let s = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// Several things in one sentence: `a, b and c`.
pub(crate) fn enumerated(things: &[String]) -> String {
    match things.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A thread's title: the beginning of its first message, in one line.
pub fn title(text: &str) -> String {
    const LONGEST: usize = 80;
    let words: Vec<&str> = text.split_whitespace().take(40).collect();
    let line = words.join(" ");
    if line.chars().count() <= LONGEST {
        return if line.is_empty() {
            "conversation".to_owned()
        } else {
            line
        };
    }
    let cut: String = line.chars().take(LONGEST - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Text that stands inside one pair of backticks.
fn code(text: &str) -> String {
    text.replace('`', "'").replace('\n', " ")
}

fn fenced(text: &str) -> String {
    format!("`{}`", code(text))
}

#[cfg(test)]
mod tests;
