//! `mpgd send`: asks an agent something from a shell, through the running gateway.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use mpg_core::gateway::MAX_PROMPT;
use serde::Serialize;
use tokio::time::sleep;

use crate::cli::{Global, Send};
use crate::control::{Outcome, SentView, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::shown::one_line;
use crate::{environment, run, state_dir, trial};

/// How often it is asked whether there is an answer.
const BETWEEN: Duration = Duration::from_millis(300);

/// How much of a name is shown, in characters.
const NAME: usize = 60;

/// Its turn was stopped.
const STOPPED: u8 = 2;

/// What is printed.
#[derive(Debug, Serialize)]
struct Shown {
    delivery: String,
    #[serde(flatten)]
    sent: Option<SentView>,
}

pub(crate) fn send(global: &Global, options: &Send) -> Result<ExitCode, Failure> {
    let text = text(options)?;
    let (project, agent) = match options.to.split_once(':') {
        Some((project, agent)) => (project, Some(agent.to_owned())),
        None => (options.to.as_str(), None),
    };
    let variables = environment::read();
    let key: [u8; 16] = trial::random()?;
    let verb = Verb::Send {
        key: u128::from_be_bytes(key).to_string(),
        project: project.to_owned(),
        agent,
        text,
        from: somebody(&variables),
    };
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &variables);
    run::runtime()?.block_on(async {
        let Outcome::Sent { delivery } = ask(&socket, &verb).await? else {
            return Err(something_else());
        };
        let mut shown = Shown {
            delivery,
            sent: None,
        };
        if options.wait {
            shown.sent = Some(wait(&socket, &shown.delivery).await?);
        }
        Ok(tell(&shown, options.json))
    })
}

/// Who says something here, as others read it.
pub(crate) fn somebody(variables: &BTreeMap<String, String>) -> String {
    let who = variables.get("USER").map_or("somebody", String::as_str);
    format!("{} at a shell", one_line(who, NAME))
}

/// What is asked: what was said, or what comes from standard input.
fn text(options: &Send) -> Result<String, Failure> {
    if !options.text.is_empty() {
        return Ok(options.text.join(" "));
    }
    if io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "say what to ask behind the project, or give it on standard input".to_owned(),
        ));
    }
    let mut bytes = Vec::new();
    // One more than is taken, so that what is too long is refused instead of cut.
    let limited = io::stdin().take(MAX_PROMPT as u64 + 1);
    let read = { limited }.read_to_end(&mut bytes);
    read.map_err(Failure::io("standard input"))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::Usage("standard input is no text in UTF-8; encode it, or attach it".to_owned())
    })
}

async fn wait(socket: &SocketPath, delivery: &str) -> Result<SentView, Failure> {
    loop {
        let verb = Verb::Sent {
            delivery: delivery.to_owned(),
        };
        let Outcome::SentSoFar(view) = ask(socket, &verb).await? else {
            return Err(something_else());
        };
        match view.state.as_str() {
            "posting" | "working" => sleep(BETWEEN).await,
            _ => return Ok(view),
        }
    }
}

fn tell(shown: &Shown, json: bool) -> ExitCode {
    let state = shown.sent.as_ref().map(|sent| sent.state.as_str());
    if json {
        exit::print(&exit::json(shown));
    } else if let Some(sent) = &shown.sent {
        exit::print(&sent.text);
        if let Some(state) = state.filter(|state| *state != "answered") {
            let thread = sent.thread.as_deref().unwrap_or("no thread");
            // Where standard error is closed, there is nobody to tell.
            drop(writeln!(io::stderr(), "{state} ({thread})"));
        }
    }
    match state {
        None | Some("answered") => ExitCode::SUCCESS,
        Some("stopped") => ExitCode::from(STOPPED),
        Some(_) => ExitCode::FAILURE,
    }
}

fn something_else() -> Failure {
    Failure::unexpected_answer()
}
