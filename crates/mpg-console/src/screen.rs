//! What the terminal shows, as text to append to it.

#[cfg(test)]
mod tests;

use mpg_core::id::TurnId;
use mpg_core::persona::Persona;
use mpg_core::port::LiveFrame;
use mpg_core::post::{Post, PostKind};

use crate::line::LONGEST;
use crate::shown::{Anew, Shown, missing};
use crate::writer::Prompt;

/// The longest line about what a turn does, in characters.
const ACTIVITY_LENGTH: usize = 200;

/// The prompt of a new message.
const NEW: &str = "> ";

/// The prompt of a message that goes on.
const CONTINUED: &str = "| ";

/// The state of a terminal: where its cursor is, and what was printed.
#[derive(Debug)]
pub(crate) struct Screen {
    interactive: bool,
    colour: bool,
    cursor: Cursor,
    /// The turn whose text ends at the cursor, so that more of it goes on right there.
    speaker: Option<TurnId>,
    /// What the prompt looks like until somebody ends a line.
    sign: &'static str,
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    LineStart,
    InLine,
    Prompt,
}

/// How a part of a line looks where colours are on.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// The name of an agent, in a colour of its own.
    Name(Option<u32>),
    Dim,
    Yellow,
    Red,
}

impl Screen {
    pub(crate) fn new(interactive: bool, colour: bool) -> Self {
        Self {
            interactive,
            colour,
            cursor: Cursor::LineStart,
            speaker: None,
            sign: NEW,
            shown: Shown::default(),
        }
    }

    /// The first prompt.
    pub(crate) fn start(&mut self) -> String {
        let mut out = String::new();
        self.prompt(&mut out);
        out
    }

    /// What is new in a frame.
    pub(crate) fn show(&mut self, frame: &LiveFrame) -> String {
        let mut out = String::new();
        let grown = self.shown.grow(frame.turn, &frame.text);
        if let Some((more, anew)) = grown {
            if anew == Anew(true) {
                self.fresh_line(&mut out);
            }
            let (turn, persona) = (frame.turn, frame.persona.as_ref());
            let mut from = frame.text.len() - more.len();
            for line in self.shown.lines(turn, &frame.lines) {
                let to = frame.text.floor_char_boundary(line.at.max(from));
                self.speak(&mut out, turn, persona, &frame.text[from..to]);
                from = to;
                self.aside(&mut out, &line.text);
            }
            self.speak(&mut out, turn, persona, &frame.text[from..]);
        }
        let activity = self.shown.act(frame.turn, frame.activity.as_deref());
        if let Some(activity) = activity {
            let line: String = activity.chars().take(ACTIVITY_LENGTH).collect();
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            self.aside(&mut out, &format!("· {line}"));
        }
        out
    }

    /// What is new in a post, the keys for what can be done with it, and the prompt where it gives the person the floor. A notice does
    /// not, but gives back a prompt that it came upon.
    pub(crate) fn post(&mut self, post: &Post, keys: &[String]) -> String {
        let mut out = String::new();
        let prompted = self.cursor == Cursor::Prompt;
        let persona = post.persona.as_ref();
        match &post.kind {
            PostKind::Answer { turn, .. } => {
                let printed = self.shown.end(*turn);
                let rest = missing(&printed, &post.text);
                if rest.len() == post.text.trim_end().len() {
                    self.fresh_line(&mut out);
                    self.name(&mut out, persona);
                    self.text(&mut out, rest);
                } else {
                    self.speak(&mut out, *turn, persona, rest);
                }
            }
            PostKind::Failure { turn } => {
                self.shown.end(*turn);
                self.fresh_line(&mut out);
                self.name(&mut out, persona);
                self.styled(&mut out, Look::Red, "failed: ");
                self.text(&mut out, &post.text);
            }
            PostKind::Notice
            | PostKind::Progress { .. }
            | PostKind::Live { .. }
            | PostKind::Board => {
                self.fresh_line(&mut out);
                self.name(&mut out, persona);
                self.styled(&mut out, Look::Yellow, "note: ");
                self.text(&mut out, &post.text);
            }
            PostKind::Request { .. }
            | PostKind::Prompt { .. }
            | PostKind::Fork(_)
            | PostKind::Told
            | PostKind::Reply
            | PostKind::Private => {
                self.fresh_line(&mut out);
                self.name(&mut out, persona);
                self.text(&mut out, &post.text);
                self.shown.interrupt();
            }
        }
        if let Some(footer) = &post.footer {
            self.fresh_line(&mut out);
            self.styled(&mut out, Look::Dim, &neutral(&format!("({footer})")));
        }
        for key in keys {
            self.fresh_line(&mut out);
            self.text(&mut out, key);
        }
        if prompted && out.is_empty() {
            return out;
        }
        self.fresh_line(&mut out);
        let follows = match post.kind {
            PostKind::Answer { .. }
            | PostKind::Failure { .. }
            | PostKind::Request { .. }
            | PostKind::Prompt { .. }
            | PostKind::Fork(_)
            | PostKind::Told
            | PostKind::Reply
            | PostKind::Private => true,
            PostKind::Notice
            | PostKind::Progress { .. }
            | PostKind::Live { .. }
            | PostKind::Board => false,
        };
        if prompted || follows || !keys.is_empty() {
            self.prompt(&mut out);
        }
        out
    }

    /// What follows when somebody ended a line, which the terminal has shown by itself.
    pub(crate) fn entered(&mut self, prompt: Prompt) -> String {
        let mut out = String::new();
        if self.interactive {
            self.cursor = Cursor::LineStart;
            self.speaker = None;
        }
        self.sign = match prompt {
            Prompt::Continued => CONTINUED,
            Prompt::None | Prompt::Message | Prompt::TooLong => NEW,
        };
        match prompt {
            Prompt::None => {}
            Prompt::Message | Prompt::Continued => self.prompt(&mut out),
            Prompt::TooLong => {
                self.fresh_line(&mut out);
                self.styled(&mut out, Look::Yellow, "note: ");
                let said = format!("not sent, because it is longer than {LONGEST} bytes");
                self.text(&mut out, &said);
                self.fresh_line(&mut out);
                self.prompt(&mut out);
            }
        }
        out
    }

    /// A question to somebody who ended a line, behind which the next one is typed.
    pub(crate) fn ask(&mut self, question: &str) -> String {
        let mut out = self.entered(Prompt::None);
        self.fresh_line(&mut out);
        let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
        self.text(&mut out, &format!("{CONTINUED}{line} "));
        out
    }

    fn prompt(&mut self, out: &mut String) {
        if self.interactive && self.cursor != Cursor::Prompt {
            out.push_str(self.sign);
            self.cursor = Cursor::Prompt;
        }
    }

    /// Text of a turn: right behind what it said last, or else on a line of its own.
    fn speak(&mut self, out: &mut String, turn: TurnId, persona: Option<&Persona>, text: &str) {
        let goes_on = self.speaker == Some(turn);
        let text = text.trim_start_matches(|c| !goes_on && matches!(c, '\n' | '\r'));
        if text.is_empty() {
            return;
        }
        if !goes_on {
            self.fresh_line(out);
            self.name(out, persona);
        }
        self.text(out, text);
        self.speaker = Some(turn);
    }

    /// Lines of their own that are not said by anybody.
    fn aside(&mut self, out: &mut String, text: &str) {
        for line in text.lines() {
            self.fresh_line(out);
            self.styled(out, Look::Dim, &neutral(line));
        }
        self.fresh_line(out);
    }

    /// Whom the line that begins here speaks for.
    fn name(&mut self, out: &mut String, persona: Option<&Persona>) {
        if let Some(persona) = persona {
            let name = neutral(&format!("{persona}:"));
            self.styled(out, Look::Name(persona.color()), &name);
            out.push(' ');
        }
    }

    fn fresh_line(&mut self, out: &mut String) {
        self.speaker = None;
        if self.cursor != Cursor::LineStart {
            out.push('\n');
            self.cursor = Cursor::LineStart;
        }
    }

    fn text(&mut self, out: &mut String, text: &str) {
        let text = neutral(text);
        out.push_str(&text);
        match text.chars().next_back() {
            Some('\n') => self.cursor = Cursor::LineStart,
            Some(_) => self.cursor = Cursor::InLine,
            None => {}
        }
    }

    fn styled(&mut self, out: &mut String, look: Look, text: &str) {
        let code = match look {
            Look::Name(None) => "1".to_owned(),
            Look::Name(Some(color)) => format!("1;38;5;{}", of_the_palette(color)),
            Look::Dim => "2".to_owned(),
            Look::Yellow => "33".to_owned(),
            Look::Red => "31".to_owned(),
        };
        if self.colour {
            out.extend(["\u{1b}[", &code, "m", text, "\u{1b}[0m"]);
        } else {
            out.push_str(text);
        }
        self.cursor = Cursor::InLine;
    }
}

/// The colour of a terminal's palette of 256 that is near to 0xRRGGBB: one of the cube of six steps a
/// part, which stands behind the first sixteen.
fn of_the_palette(color: u32) -> u32 {
    let step = |shift: u32| {
        let part = color >> shift & 0xff;
        // The steps are 0, 95, 135, 175, 215 and 255.
        match part {
            0..48 => 0,
            48..115 => 1,
            _ => (part - 35) / 40,
        }
    };
    16 + 36 * step(16) + 6 * step(8) + step(0)
}

/// The text with nothing in it that a terminal would obey: carriage returns are dropped, other
/// control characters and the signs that reverse the direction of writing are replaced.
fn neutral(text: &str) -> String {
    let keep = |c: char| match c {
        '\n' | '\t' => c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.chars().filter(|c| *c != '\r').map(keep).collect()
}
