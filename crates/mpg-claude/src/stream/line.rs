//! Lines out of chunks of bytes.

/// How long a line may be, in bytes; longer ones are dropped, not fatal.
///
/// Tool results with images reach tens of megabytes; nothing that the gateway uses comes near.
const LIMIT: usize = 16 << 20;
/// How much of a dropped line is shown, to say what it was.
const HEAD: usize = 200;
/// How much memory is kept between lines.
const KEPT: usize = 64 << 10;

/// What came out of the bytes.
pub(super) enum Piece<'a> {
    /// A line without its end, not empty.
    Line(&'a [u8]),
    /// A line that was too long.
    Oversized { head: &'a [u8], length: usize },
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The current line, or of one that is too long its head.
    buffer: Vec<u8>,
    /// How long the current line is so far, if it is too long.
    oversized: Option<usize>,
}

impl Lines {
    /// Reads on, and hands each complete line to `take`.
    pub(super) fn push(&mut self, bytes: &[u8], take: impl FnMut(Piece<'_>)) {
        self.push_with(bytes, LIMIT, take);
    }

    fn push_with(&mut self, mut bytes: &[u8], limit: usize, mut take: impl FnMut(Piece<'_>)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (part, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.buffer.is_empty() && part.len() <= limit {
                hand_out(part, &mut take);
                continue;
            }
            self.append(part, limit);
            match self.oversized.take() {
                Some(length) => take(Piece::Oversized {
                    head: &self.buffer,
                    length,
                }),
                None => hand_out(&self.buffer, &mut take),
            }
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
        }
        self.append(bytes, limit);
    }

    fn append(&mut self, part: &[u8], limit: usize) {
        if let Some(length) = &mut self.oversized {
            *length += part.len();
            return;
        }
        let length = self.buffer.len() + part.len();
        if length <= limit {
            self.buffer.extend_from_slice(part);
            return;
        }
        let head = HEAD.min(limit);
        let missing = head.saturating_sub(self.buffer.len()).min(part.len());
        self.buffer.extend_from_slice(&part[..missing]);
        self.buffer.truncate(head);
        self.buffer.shrink_to(KEPT);
        self.oversized = Some(length);
    }
}

fn hand_out(line: &[u8], take: &mut impl FnMut(Piece<'_>)) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.is_empty() {
        take(Piece::Line(line));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn read(chunks: &[&[u8]], limit: usize) -> Vec<String> {
        let mut lines = Lines::default();
        let mut read = Vec::new();
        for chunk in chunks {
            lines.push_with(chunk, limit, |piece| {
                read.push(match piece {
                    Piece::Line(line) => String::from_utf8_lossy(line).into_owned(),
                    Piece::Oversized { head, length } => {
                        format!("{length} bytes: {}", String::from_utf8_lossy(head))
                    }
                });
            });
        }
        read
    }

    #[test]
    fn lines_survive_any_cut() {
        assert_eq!(read(&[b"on", b"e\r\n\ntw", b"o\nrest"], 10), ["one", "two"]);
    }

    #[test]
    fn a_long_line_is_dropped_and_counted() {
        let found = read(&[b"12345", b"678", b"9\nnext\n1234567\n"], 6);
        assert_eq!(found, ["9 bytes: 123456", "next", "7 bytes: 123456"]);
    }

    #[test]
    fn a_dropped_line_takes_no_memory() {
        let mut lines = Lines::default();
        for _ in 0..50 {
            lines.push(&vec![b'x'; 1 << 20], |_| {});
            assert!(lines.buffer.capacity() <= 2 * LIMIT);
        }
        let mut length = 0;
        lines.push(b"\n", |piece| {
            if let Piece::Oversized { length: found, .. } = piece {
                length = found;
            }
        });
        assert_eq!(length, 50 << 20);
        assert!(lines.buffer.capacity() <= KEPT);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(bytes in vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(read(&[&bytes], 20), read(&[left, right], 20));
        }
    }
}
