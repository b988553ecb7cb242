//! One turn: what the prompt says, step by step.

use std::path::Path;
use std::process;
use std::time::Duration;

use super::log::{Event, Log, Ran};
use super::prompt::{Crash, Directives, answer};
use super::transcript::Transcript;
use super::{Inbox, Prompt, output};

/// How often it is looked whether something is released.
const LOOK: Duration = Duration::from_millis(10);

/// How many lines go out at once.
const CHUNK: usize = 10;

/// The exit code of an agent that ends itself.
const CRASHED: u8 = 9;

/// How a turn ends that the process outlives.
enum End {
    Answered(String),
    Failed,
    Interrupted,
}

/// Runs a prompt to its end; an error is the exit code of a process that ended meanwhile.
pub(super) fn run_turn(
    prompt: &Prompt,
    inbox: &Inbox,
    transcript: &Transcript,
    log: &Log,
    folder: &Path,
) -> Result<(), u8> {
    let directives = Directives::read(&prompt.text);
    let continues = directives.is_none();
    let task = transcript.user(&prompt.text);
    let task = task.as_deref().and_then(Directives::read);
    let task = directives.or(task).unwrap_or_default();
    let ran = Ran {
        event: Event::Began,
        session: transcript.session.clone(),
        pid: process::id(),
        uuid: prompt.uuid.clone(),
        tag: task.tag.clone(),
        continues,
    };
    log.write(&ran);
    transcript.keep_user(&prompt.text, ran.clone());
    output::began(&transcript.session);
    output::replayed(&prompt.uuid);
    let Some(end) = steps(&task, continues, inbox, folder) else {
        // So that the one that goes on knows what it goes on with.
        transcript.flush();
        return Err(CRASHED);
    };
    let session = &transcript.session;
    match end {
        End::Answered(text) => {
            output::said(&text);
            output::ended(session, Ok(&text), false);
        }
        End::Failed => output::ended(session, Err("told to fail"), false),
        End::Interrupted => output::ended(session, Err("interrupted"), true),
    }
    log.write(&Ran {
        event: Event::Ended,
        ..ran
    });
    transcript.keep_result(&prompt.uuid);
    Ok(())
}

/// `None` where the agent ends itself.
fn steps(task: &Directives, continues: bool, inbox: &Inbox, folder: &Path) -> Option<End> {
    for number in 0..task.tools {
        let id = format!("{}-{number}", task.tag);
        output::tool_started(&id);
        if inbox.wait(task.delay) {
            return Some(End::Interrupted);
        }
        output::tool_ended(&id);
    }
    if inbox.wait(task.delay) {
        return Some(End::Interrupted);
    }
    let crashes = match task.crash {
        Crash::Never => false,
        Crash::Once => !continues,
        Crash::Always => true,
    };
    if crashes {
        return None;
    }
    let released = task
        .hold
        .as_ref()
        .map(|name| folder.join("released").join(name));
    if task.ask && !inbox.allowed(&format!("{}-ask", task.tag)) {
        return Some(End::Interrupted);
    }
    while task.hang || released.as_ref().is_some_and(|path| !path.exists()) {
        if inbox.wait(LOOK) {
            return Some(End::Interrupted);
        }
    }
    if task.fail {
        return Some(End::Failed);
    }
    let mut text = answer(&task.tag, task.lines);
    if let Some((agent, tag)) = &task.to {
        text = format!("{text}\n\n@{agent} {tag}");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for part in lines.chunks(CHUNK) {
        output::text(&part.concat());
    }
    Some(End::Answered(text))
}
