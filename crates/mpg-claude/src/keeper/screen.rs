//! The conversation in readable form, for whoever watches a keeper's terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use mpg_core::agent::AgentEvent;
use mpg_core::request::About;
use rustix::termios::{InputModes, LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// How many pieces may wait to be shown; what comes on top of that is left out.
const WAITING: usize = 1_024;
/// How much of one text is shown, in characters.
const TEXT: usize = 20_000;

/// A terminal that shows what goes on.
#[derive(Debug)]
pub(super) struct Screen {
    pieces: SyncSender<String>,
    /// Whether the line that was begun has no end yet.
    open_line: bool,
    left_out: bool,
}

impl Screen {
    /// The terminal on standard output, if there is one.
    ///
    /// Somebody who watches can press keys without doing anything: neither are they shown, nor do
    /// they stop or end the keeper.
    pub(super) fn open() -> Option<Self> {
        let terminal = io::stdout();
        if !terminal.is_terminal() {
            return None;
        }
        if let Ok(mut modes) = tcgetattr(&terminal) {
            modes.local_modes -= LocalModes::ISIG | LocalModes::ECHO | LocalModes::ICANON;
            modes.input_modes -= InputModes::IXON;
            // A terminal that keeps its modes shows the conversation all the same.
            let _kept = tcsetattr(&terminal, OptionalActions::Now, &modes).is_err();
        }
        let (pieces, to_write) = sync_channel::<String>(WAITING);
        // A terminal that takes nothing stops this thread, and nothing else.
        thread::spawn(move || {
            let mut terminal = io::stdout();
            while let Ok(piece) = to_write.recv() {
                let written = terminal.write_all(piece.as_bytes());
                if written.and_then(|()| terminal.flush()).is_err() {
                    return;
                }
            }
        });
        Some(Self {
            pieces,
            open_line: false,
            left_out: false,
        })
    }

    /// Shows what was asked.
    pub(super) fn prompt(&mut self, prompt: &str) {
        let prompt = plain(prompt).replace('\n', "\n  ");
        self.line(&format!("\n> {prompt}"));
    }

    /// Shows what was reported.
    pub(super) fn event(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Text { delta } => {
                self.open_line = true;
                self.show(plain(delta));
            }
            AgentEvent::ToolStarted { name, summary, .. } => {
                self.line(&format!("* {} {}", plain(name), plain(summary)));
            }
            AgentEvent::ToolEnded { is_error: true, .. } => self.line("* failed"),
            AgentEvent::Retrying(retry) => {
                let error = plain(&retry.error);
                self.line(&format!(
                    "* trying again ({error}, {} of {})",
                    retry.attempt, retry.max
                ));
            }
            AgentEvent::Requested(request) => {
                let asked = match &request.about {
                    About::Permission(permission) => {
                        format!("{} {}", permission.tool, permission.summary)
                    }
                    about @ (About::Questions(_) | About::Plan { .. } | About::Form { .. }) => {
                        about.name().to_owned()
                    }
                };
                self.line(&format!("? {}", plain(&asked)));
            }
            AgentEvent::Ended(report) => match &report.result {
                Ok(_) => self.line("= done"),
                Err(failure) => {
                    let message = plain(&failure.message);
                    self.line(&format!("= {}: {message}", failure.kind.name()));
                }
            },
            AgentEvent::Exited(exit) => self.line(&format!("= {}", plain(&exit.to_string()))),
            AgentEvent::TextEnded => self.end_line(),
            AgentEvent::Started { .. }
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolEnded {
                is_error: false, ..
            }
            | AgentEvent::Tasks(_)
            | AgentEvent::Withdrawn(_)
            | AgentEvent::Alive => {}
        }
    }

    fn line(&mut self, line: &str) {
        self.end_line();
        self.show(format!("{line}\n"));
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.open_line) {
            self.show("\n".to_owned());
        }
    }

    fn show(&mut self, mut piece: String) {
        if self.left_out {
            piece.insert_str(0, "\n(something was left out)\n");
        }
        // Nobody has to wait for a terminal.
        self.left_out = self.pieces.try_send(piece).is_err();
    }
}

/// A text without anything that a terminal would obey, and of bounded length.
fn plain(text: &str) -> String {
    let shown = text.chars().filter(|character| match character {
        '\n' | '\t' => true,
        // What changes the direction of the text around it.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        other => !other.is_control(),
    });
    shown.take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_a_text() {
        let table = [
            ("one\ntwo\tthree é", "one\ntwo\tthree é"),
            ("\u{1b}[31mred\u{1b}[0m", "[31mred[0m"),
            ("\u{1b}]0;title\u{7}", "]0;title"),
            ("over\rwritten\u{8}", "overwritten"),
            ("\u{9b}2J\u{202e}abc", "2Jabc"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected, "{text:?}");
        }
        assert_eq!(plain(&"x".repeat(TEXT + 1)).len(), TEXT);
    }
}
