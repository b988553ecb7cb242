//! Typed lines, and the messages that they make.

use std::io::{self, BufRead};

/// The longest message, in bytes.
pub(crate) const LONGEST: usize = 65_536;

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A message, not blank.
    Message(String),
    /// Nothing to send.
    Blank,
    /// A line that goes on in the next one.
    Continued,
    /// A message of more than [`LONGEST`] bytes, which is dropped.
    TooLong,
    /// The end of the input, or `/quit`.
    End,
}

impl Typed {
    /// What was written.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Message(text) => text,
            Self::Blank | Self::Continued | Self::TooLong | Self::End => String::new(),
        }
    }
}

/// Reads messages from typed lines.
pub(crate) struct Lines {
    input: Box<dyn BufRead + Send>,
    /// The lines of a message that goes on.
    begun: Option<Vec<u8>>,
    ended: bool,
}

impl Lines {
    pub(crate) fn new(input: Box<dyn BufRead + Send>) -> Self {
        Self {
            input,
            begun: None,
            ended: false,
        }
    }

    /// Waits for the next line. Bytes that are no UTF-8 are replaced.
    pub(crate) fn next(&mut self) -> io::Result<Typed> {
        if self.ended {
            return Ok(Typed::End);
        }
        let is_first = self.begun.is_none();
        let mut message = self.begun.take().unwrap_or_default();
        let end = self.read_line(&mut message)?;
        if end == LineEnd::EndOfInput {
            self.ended = true;
        }
        if message.len() > LONGEST {
            // One byte too many is kept while the message goes on, and stands for all of them.
            message.truncate(LONGEST + 1);
            if end == LineEnd::Backslash {
                self.begun = Some(message);
                return Ok(Typed::Continued);
            }
            return Ok(Typed::TooLong);
        }
        if end == LineEnd::Backslash {
            message.push(b'\n');
            self.begun = Some(message);
            return Ok(Typed::Continued);
        }
        let text = String::from_utf8_lossy(&message);
        let text = text.trim_end();
        Ok(match text {
            "/quit" if is_first => {
                self.ended = true;
                Typed::End
            }
            _ if !text.trim().is_empty() => Typed::Message(text.to_owned()),
            _ if self.ended => Typed::End,
            _ => Typed::Blank,
        })
    }

    /// Appends a line without its end, and at most one byte more than a message may have.
    fn read_line(&mut self, message: &mut Vec<u8>) -> io::Result<LineEnd> {
        // The end of the line, which tells whether it goes on even where the line is too long.
        let mut last = [0_u8; 2];
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(LineEnd::EndOfInput);
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let line = &available[..newline.unwrap_or(available.len())];
            for byte in line.iter().rev().take(2).rev() {
                last = [last[1], *byte];
            }
            let room = (LONGEST + 3).saturating_sub(message.len());
            message.extend_from_slice(&line[..line.len().min(room)]);
            let used = line.len() + usize::from(newline.is_some());
            self.input.consume(used);
            if newline.is_some() {
                return Ok(trim_line_end(message, last));
            }
        }
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Newline,
    /// A newline behind a backslash.
    Backslash,
    EndOfInput,
}

fn trim_line_end(message: &mut Vec<u8>, last: [u8; 2]) -> LineEnd {
    let is_whole = message.len() <= LONGEST + 2;
    let (ends, goes_on) = match last {
        [b'\\', b'\r'] => (2, true),
        [_, b'\r'] => (1, false),
        [_, b'\\'] => (1, true),
        [_, _] => (0, false),
    };
    if is_whole {
        message.truncate(message.len() - ends.min(message.len()));
    }
    if goes_on {
        LineEnd::Backslash
    } else {
        LineEnd::Newline
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn typed(input: &[u8]) -> Vec<Typed> {
        let mut lines = Lines::new(Box::new(Cursor::new(input.to_owned())));
        let mut typed = Vec::new();
        loop {
            typed.push(lines.next().unwrap());
            if typed.last() == Some(&Typed::End) {
                return typed;
            }
        }
    }

    fn message(text: &str) -> Typed {
        Typed::Message(text.to_owned())
    }

    #[test]
    fn lines_become_messages() {
        use Typed::{Blank, Continued, End};
        let cases = [
            ("", vec![End]),
            ("hello\n", vec![message("hello"), End]),
            ("hello", vec![message("hello"), End]),
            ("  a  \r\n", vec![message("  a"), End]),
            ("\n \t\n", vec![Blank, Blank, End]),
            ("a\\\nb\n", vec![Continued, message("a\nb"), End]),
            ("a\\\r\nb\r\n", vec![Continued, message("a\nb"), End]),
            (
                "\\\n\\\nb",
                vec![Continued, Continued, message("\n\nb"), End],
            ),
            ("a\\\n", vec![Continued, message("a"), End]),
            ("a\n/quit\nb\n", vec![message("a"), End]),
            ("a\\\n/quit\n", vec![Continued, message("a\n/quit"), End]),
            ("/quit now\n", vec![message("/quit now"), End]),
        ];
        for (input, expected) in cases {
            assert_eq!(typed(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(typed(b"a\xffb\n"), [message("a\u{fffd}b"), Typed::End]);
    }

    #[test]
    fn an_overlong_message_is_dropped_and_the_next_one_read() {
        let longest = "x".repeat(LONGEST);
        for end in ["\n", "\r\n"] {
            let input = format!("{longest}{end}{longest}x{end}next{end}");
            let expected = [
                message(&longest),
                Typed::TooLong,
                message("next"),
                Typed::End,
            ];
            assert_eq!(typed(input.as_bytes()), expected);
        }
        let input = format!("{longest}xxxxx\\\nrest\nnext\n");
        let expected = [
            Typed::Continued,
            Typed::TooLong,
            message("next"),
            Typed::End,
        ];
        assert_eq!(typed(input.as_bytes()), expected);
    }

    #[test]
    fn an_overlong_message_is_not_kept() {
        let input = "x".repeat(10 * LONGEST) + "\\\n";
        let mut lines = Lines::new(Box::new(Cursor::new(input)));
        assert_eq!(lines.next().unwrap(), Typed::Continued);
        assert!(
            lines
                .begun
                .is_some_and(|begun| begun.capacity() < 4 * LONGEST)
        );
    }
}
