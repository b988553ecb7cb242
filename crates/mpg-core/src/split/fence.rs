//! Code fences: the lines that open and close them.

/// An open fence, by the line that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fence<'t> {
    /// What stands before the marks: indentation, quote signs, list markers.
    prefix: &'t str,
    /// How many quotes it is inside.
    quotes: usize,
    /// The columns between the last quote sign and the marks.
    indent: usize,
    marks: &'t str,
    info: &'t str,
}

/// What a line is to an open fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Code.
    Inside,
    /// The closing line.
    Closes,
    /// Not in the quote any more that the fence is in, which ends the fence.
    Leaves,
}

/// The fewest marks that make a fence.
const FEWEST: usize = 3;

impl<'t> Fence<'t> {
    /// The fence that `line` opens, if its closing line has at most `longest` bytes.
    pub(crate) fn open(line: &'t str, longest: usize) -> Option<Self> {
        Self::marked(line, longest).filter(|fence| fence.spoiled_at().is_none())
    }

    /// The fence that `line` would open if its info string allowed it.
    pub(super) fn marked(line: &'t str, longest: usize) -> Option<Self> {
        Self::begun(line, longest).filter(|fence| !fence.info.starts_with(fence.mark()))
    }

    /// The fence with the most marks that a part of `line` can open.
    pub(super) fn begun(line: &'t str, longest: usize) -> Option<Self> {
        let container = Container::of(line, longest)?;
        let (prefix, rest) = line.split_at(container.length);
        let mark = rest.chars().next().filter(|c| is_mark(*c))?;
        let room = longest.checked_sub(prefix.len())?;
        let count = rest.chars().take(room).take_while(|c| *c == mark).count();
        let (marks, info) = rest.split_at(count);
        (count >= FEWEST).then_some(Self {
            prefix,
            quotes: container.quotes,
            indent: container.indent,
            marks,
            info,
        })
    }

    /// Where in the line stands what makes it no opening line: a backtick behind backticks.
    pub(super) fn spoiled_at(&self) -> Option<usize> {
        if self.marks.starts_with('~') {
            return None;
        }
        let at = self.info.find('`')?;
        Some(self.prefix.len() + self.marks.len() + at)
    }

    /// The length of the opening line up to its info string.
    pub(super) fn marks_end(&self) -> usize {
        self.prefix.len() + self.marks.len()
    }

    /// What `line` is to this fence.
    pub(crate) fn step(&self, line: &str) -> Step {
        match self.rest_behind_marks(line) {
            Rest::OutsideQuote => Step::Leaves,
            Rest::Behind(rest) if rest.trim().is_empty() => Step::Closes,
            Rest::Code | Rest::Behind(_) => Step::Inside,
        }
    }

    /// Whether `line` is not in the quote that the fence is in.
    pub(super) fn is_left_by(&self, line: &str) -> bool {
        self.unquoted(line).is_none()
    }

    /// How much of a code line must stay together, because its beginning alone would close the
    /// fence.
    pub(super) fn indivisible(&self, line: &str) -> usize {
        match self.rest_behind_marks(line) {
            Rest::OutsideQuote | Rest::Code => 0,
            Rest::Behind(rest) => line.len() - rest.trim_start().len() + 1,
        }
    }

    /// The line that closes this fence.
    pub(crate) fn closing_line(&self) -> String {
        let mut line = self.continued_prefix();
        line.push_str(self.marks);
        line
    }

    pub(super) fn info(&self) -> &'t str {
        self.info.trim_end()
    }

    fn mark(&self) -> &'t str {
        &self.marks[..1]
    }

    /// A list marker stands only before the first line of its item.
    fn continued_prefix(&self) -> String {
        let blank = |c: char| if matches!(c, '>' | '\t') { c } else { ' ' };
        self.prefix.chars().map(blank).collect()
    }

    fn rest_behind_marks<'l>(&self, line: &'l str) -> Rest<'l> {
        let Some(rest) = self.unquoted(line) else {
            return Rest::OutsideQuote;
        };
        let unindented = rest.trim_start();
        let indent = columns(&rest[..rest.len() - unindented.len()]);
        let behind = unindented.trim_start_matches(self.mark());
        let long_enough = unindented.len() - behind.len() >= self.marks.len();
        if long_enough && indent <= self.indent + 3 {
            Rest::Behind(behind)
        } else {
            Rest::Code
        }
    }

    /// What a line shows behind the signs of the quotes that the fence is in.
    fn unquoted<'l>(&self, line: &'l str) -> Option<&'l str> {
        (0..self.quotes).try_fold(line, |rest, _| rest.trim_start().strip_prefix('>'))
    }
}

/// A line from the point of view of an open fence.
enum Rest<'l> {
    OutsideQuote,
    Code,
    /// It begins like a closing line; this is what follows.
    Behind(&'l str),
}

/// Whether `text` begins like an opening line.
pub(super) fn begins_with_marks(text: &str) -> bool {
    text.starts_with("```") || text.starts_with("~~~")
}

fn is_mark(character: char) -> bool {
    matches!(character, '`' | '~')
}

fn columns(indentation: &str) -> usize {
    let width = |c: char| if c == '\t' { 4 } else { 1 };
    indentation.chars().map(width).sum()
}

/// The quotes and list items that a line begins with.
struct Container {
    length: usize,
    quotes: usize,
    indent: usize,
}

impl Container {
    /// `None` where there are more than `most` of them, so that a line full of them costs little.
    fn of(line: &str, most: usize) -> Option<Self> {
        let mut container = Self {
            length: 0,
            quotes: 0,
            indent: 0,
        };
        while let Some(step) = list_marker(&line[container.length..]).or_else(|| {
            let first = line[container.length..].chars().next()?;
            matches!(first, ' ' | '\t' | '>').then_some(1)
        }) {
            let part = &line[container.length..container.length + step];
            if part == ">" {
                container.quotes += 1;
                container.indent = 0;
            } else {
                container.indent += columns(part);
            }
            container.length += step;
            if container.length > most {
                return None;
            }
        }
        Some(container)
    }
}

/// The length of the list marker at the beginning of `text`, without the space that must follow.
fn list_marker(text: &str) -> Option<usize> {
    let digits = text.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let length = digits + 1;
    let sign = *text.as_bytes().get(digits)?;
    let is_marker = match digits {
        0 => matches!(sign, b'-' | b'*' | b'+'),
        _ => matches!(sign, b'.' | b')'),
    };
    let behind = text.as_bytes().get(length);
    (is_marker && matches!(behind, Some(b' ' | b'\t'))).then_some(length)
}
