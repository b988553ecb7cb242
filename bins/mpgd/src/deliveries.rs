//! `mpgd deliveries`: the posts that were given up, and posting one of them again.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use mpg_core::snapshot::DeadLetter;
use mpg_store::StateReader;

use crate::cli::{DeliveriesCommand, Global, ListOptions};
use crate::control::{AskError, DeadLetterView, Outcome, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::shown::one_line;
use crate::{environment, run, state_dir};

/// How much of a post's text is shown, in characters.
const EXCERPT: usize = 100;

pub(crate) fn deliveries(
    global: &Global,
    options: &ListOptions,
    command: Option<&DeliveriesCommand>,
) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    run::runtime()?.block_on(async {
        match command {
            None => list(&directory, &socket, options.json).await,
            Some(DeliveriesCommand::Retry { id }) => retry(&directory, &socket, id).await,
        }
    })
}

async fn list(directory: &Path, socket: &SocketPath, json: bool) -> Result<ExitCode, Failure> {
    let letters = match ask(socket, &Verb::Deliveries).await {
        Ok(Outcome::Deliveries { deliveries }) => deliveries,
        Ok(_) => {
            return Err(Failure::unexpected_answer());
        }
        Err(AskError::NotRunning) => stored(directory).await?,
        Err(error) => return Err(error.into()),
    };
    exit::print(&if json {
        exit::json(&letters)
    } else {
        text(&letters)
    });
    Ok(ExitCode::SUCCESS)
}

/// What the state says, where no gateway runs.
async fn stored(directory: &Path) -> Result<Vec<DeadLetterView>, Failure> {
    let Some(reader) = StateReader::open(directory).await? else {
        return Ok(Vec::new());
    };
    let state = reader.load().await;
    reader.close().await;
    let letters: Vec<DeadLetter> = state?.dead.into();
    Ok(letters.iter().map(DeadLetterView::new).collect())
}

async fn retry(directory: &Path, socket: &SocketPath, id: &str) -> Result<ExitCode, Failure> {
    let verb = Verb::Redeliver {
        delivery: id.to_owned(),
    };
    match ask(socket, &verb).await {
        Ok(_) => {
            exit::print(&format!("{id} is posted again\n"));
            Ok(ExitCode::SUCCESS)
        }
        Err(AskError::NotRunning) => Err(Failure::Refused(format!(
            "no gateway is running on {}, and only a running one can post; start it, then try again",
            directory.display()
        ))),
        Err(error) => Err(error.into()),
    }
}

fn text(letters: &[DeadLetterView]) -> String {
    if letters.is_empty() {
        return "everything was delivered\n".to_owned();
    }
    let mut text = String::new();
    for letter in letters {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{}  {} for {}\n  given up {}: {}\n  {}\n",
            letter.id,
            letter.kind,
            one_line(&letter.thread, EXCERPT),
            letter.given_up_at,
            one_line(&letter.reason, EXCERPT),
            one_line(&letter.text, EXCERPT),
        );
    }
    text.push_str("post one again: mpgd deliveries retry ID\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(id: &str, text: &str) -> DeadLetterView {
        DeadLetterView {
            id: id.to_owned(),
            thread: "chat:11#22".to_owned(),
            kind: "answer".to_owned(),
            given_up_at: "2026-03-01T10:20:30Z".to_owned(),
            reason: "the place is gone: Unknown Channel".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_was_given_up_is_listed_without_control_characters() {
        insta::assert_snapshot!(text(&[]), @"everything was delivered");
        let long = format!("All of it:\n\u{1b}[2J{}", "x".repeat(300));
        insta::assert_snapshot!(text(&[letter("aaaa", "Done."), letter("bbbb", &long)]));
    }
}
