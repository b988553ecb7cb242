//! `mpgd requests` and `mpgd answer`: what agents ask people, and answering it from here.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::{AnswerOptions, Global, ListOptions};
use crate::control::{AskError, Outcome, RequestView, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::send::somebody;
use crate::shown::one_line;
use crate::{environment, run, state_dir};

/// How much of a line is shown, in characters.
const EXCERPT: usize = 100;

/// Lists what is open.
pub(crate) fn requests(global: &Global, options: &ListOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    let asked = run::runtime()?.block_on(ask(&socket, &Verb::Requests));
    let Outcome::Requests { requests } = asked.map_err(|error| failure(error, &directory))? else {
        return Err(Failure::unexpected_answer());
    };
    exit::print(&if options.json {
        exit::json(&requests)
    } else {
        text(&requests)
    });
    Ok(ExitCode::SUCCESS)
}

/// Answers one of them in an operator's name.
pub(crate) fn answer(global: &Global, options: &AnswerOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let variables = environment::read();
    let socket = SocketPath::of(&directory, &variables);
    let verb = Verb::Answer {
        request: options.id.clone(),
        text: options.text.join(" "),
        from: somebody(&variables),
    };
    let told = run::runtime()?.block_on(ask(&socket, &verb));
    told.map_err(|error| failure(error, &directory))?;
    exit::print(&format!("{} is answered\n", one_line(&options.id, EXCERPT)));
    Ok(ExitCode::SUCCESS)
}

fn failure(error: AskError, directory: &Path) -> Failure {
    match error {
        AskError::NotRunning => Failure::Refused(format!(
            "no gateway is running on {}, and only a running one takes answers; start it, then try \
             again: what is asked is kept until then",
            directory.display()
        )),
        AskError::Refused(_) | AskError::Silent | AskError::Io(_) => error.into(),
    }
}

fn text(requests: &[RequestView]) -> String {
    if requests.is_empty() {
        return "no agent waits for an answer\n".to_owned();
    }
    let mut text = String::new();
    for request in requests {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {} of {} for {}\n  asked {}, waits until {}",
            request.id,
            request.kind,
            one_line(&request.project, EXCERPT),
            one_line(&request.conversation, EXCERPT),
            request.asked_at,
            request.until,
        );
        for line in request.text.lines().filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(text, "  | {}", one_line(line, EXCERPT));
        }
        let _ = writeln!(text, "  {}", one_line(&request.how, 2 * EXCERPT));
    }
    text.push_str("answer one: mpgd answer ID TEXT\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_listed_without_control_characters() {
        insta::assert_snapshot!(text(&[]), @"no agent waits for an answer");
        let request = RequestView {
            id: "aaaa".to_owned(),
            conversation: "chat:11#22".to_owned(),
            project: "demo".to_owned(),
            turn: "bbbb".to_owned(),
            kind: "permission".to_owned(),
            summary: "Bash `ls`".to_owned(),
            text: "`Bash` needs permission:\n```sh\nls \u{1b}[2J\n```".to_owned(),
            how: "answer with a number: `1` allow once".to_owned(),
            asked_at: "2026-03-01T10:20:30Z".to_owned(),
            until: "2026-03-01T10:50:30Z".to_owned(),
        };
        insta::assert_snapshot!(text(&[request]));
    }
}
