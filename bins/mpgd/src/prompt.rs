//! What somebody in front of a terminal is asked.

use std::io::{self, IsTerminal as _};

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, MultiSelect, Password, Select};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;
use crate::shown::one_line;

/// How many lines of a choice are seen at the same time.
const SEEN: usize = 12;

/// How much of a line of a choice is seen, in characters.
const WIDTH: usize = 100;

/// The code of a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// A question, and how it is answered where nobody can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) text: &'a str,
    pub(crate) flag: &'a str,
}

/// Somebody who can be asked, or what is done instead.
pub(crate) trait Prompt {
    /// Whether somebody is there, who can be asked again.
    fn is_answered(&self) -> bool;

    /// Asks for a text that is not shown.
    fn secret(&mut self, question: Question<'_>) -> Result<String, Failure>;

    /// Asks for yes or no.
    fn confirm(&mut self, question: Question<'_>, usual: bool) -> Result<bool, Failure>;

    /// Asks for one of several, by its index.
    fn choose(
        &mut self,
        question: Question<'_>,
        choices: &[String],
        usual: Option<usize>,
    ) -> Result<usize, Failure>;

    /// Asks for any of several, by their indices.
    fn choose_any(
        &mut self,
        question: Question<'_>,
        choices: &[(String, bool)],
    ) -> Result<Vec<usize>, Failure>;

    /// Asks for a text.
    fn line(&mut self, question: Question<'_>, usual: Option<&str>) -> Result<String, Failure>;
}

/// Who is asked: the terminal, unless there is none or it is not to be used.
pub(crate) fn of(runtime: &Runtime, usual: bool) -> Box<dyn Prompt> {
    if usual || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Box::new(Nobody);
    }
    restore_when_interrupted(runtime);
    Box::new(Terminal(ColorfulTheme::default()))
}

/// Nobody: what is usual is done, and what has no usual answer is refused.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Nobody {
    fn refused(question: Question<'_>) -> Failure {
        Failure::Usage(format!(
            "nobody can be asked: {}\n  help: answer with {}",
            question.text, question.flag
        ))
    }
}

impl Prompt for Nobody {
    fn is_answered(&self) -> bool {
        false
    }

    fn secret(&mut self, question: Question<'_>) -> Result<String, Failure> {
        Err(Self::refused(question))
    }

    fn confirm(&mut self, _: Question<'_>, usual: bool) -> Result<bool, Failure> {
        Ok(usual)
    }

    fn choose(
        &mut self,
        question: Question<'_>,
        _: &[String],
        usual: Option<usize>,
    ) -> Result<usize, Failure> {
        usual.ok_or_else(|| Self::refused(question))
    }

    fn choose_any(
        &mut self,
        question: Question<'_>,
        choices: &[(String, bool)],
    ) -> Result<Vec<usize>, Failure> {
        let usual = choices.iter().enumerate().filter(|(_, (_, usual))| *usual);
        let usual: Vec<usize> = usual.map(|(index, _)| index).collect();
        if usual.is_empty() {
            return Err(Self::refused(question));
        }
        Ok(usual)
    }

    fn line(&mut self, question: Question<'_>, usual: Option<&str>) -> Result<String, Failure> {
        usual
            .map(str::to_owned)
            .ok_or_else(|| Self::refused(question))
    }
}

/// A person at a terminal.
struct Terminal(ColorfulTheme);

impl Prompt for Terminal {
    fn is_answered(&self) -> bool {
        true
    }

    fn secret(&mut self, question: Question<'_>) -> Result<String, Failure> {
        let answer = Password::with_theme(&self.0).with_prompt(question.text);
        answer.interact().map_err(unasked)
    }

    fn confirm(&mut self, question: Question<'_>, usual: bool) -> Result<bool, Failure> {
        let answer = Confirm::with_theme(&self.0).with_prompt(question.text);
        answer.default(usual).interact().map_err(unasked)
    }

    fn choose(
        &mut self,
        question: Question<'_>,
        choices: &[String],
        usual: Option<usize>,
    ) -> Result<usize, Failure> {
        let choices = choices.iter().map(|choice| one_line(choice, WIDTH));
        let answer = Select::with_theme(&self.0)
            .with_prompt(question.text)
            .items(choices)
            .max_length(SEEN)
            .default(usual.unwrap_or_default());
        answer.interact().map_err(unasked)
    }

    fn choose_any(
        &mut self,
        question: Question<'_>,
        choices: &[(String, bool)],
    ) -> Result<Vec<usize>, Failure> {
        let choices = choices
            .iter()
            .map(|(choice, usual)| (one_line(choice, WIDTH), *usual));
        let answer = MultiSelect::with_theme(&self.0)
            .with_prompt(format!("{} (space picks, enter goes on)", question.text))
            .items_checked(choices)
            .max_length(SEEN);
        answer.interact().map_err(unasked)
    }

    fn line(&mut self, question: Question<'_>, usual: Option<&str>) -> Result<String, Failure> {
        let mut answer = Input::<String>::with_theme(&self.0).with_prompt(question.text);
        if let Some(usual) = usual {
            answer = answer.default(usual.to_owned());
        }
        answer.interact_text().map_err(unasked)
    }
}

fn unasked(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(source) = error;
    Failure::Io {
        what: "the terminal".to_owned(),
        source,
    }
}

/// Ends the process on an interrupt, and leaves the terminal as it was: prompts hide the cursor and
/// what is typed.
#[expect(clippy::exit, reason = "a prompt waits for a key and nothing else")]
fn restore_when_interrupted(runtime: &Runtime) {
    let before = tcgetattr(io::stdin()).ok();
    runtime.spawn(async move {
        let Ok(mut interrupt) = signal(SignalKind::interrupt()) else {
            return;
        };
        if interrupt.recv().await.is_some() {
            if let Some(before) = before {
                // There is nothing left to do for a terminal that is gone.
                let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &before).is_err();
            }
            // The cursor is shown again.
            let mut stderr = io::stderr();
            drop(io::Write::write_all(&mut stderr, b"\x1b[?25h\n"));
            std::process::exit(INTERRUPTED);
        }
    });
}
