//! Durations as a person writes them, and the keys that take them.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::kind::{Kind, out_of_range};
use super::notation::Notation;
use super::shape::Shape;
use crate::problem::Problems;

/// A duration from the first to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration, pub(crate) Duration);

/// One of a few durations, however it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanOf(pub(crate) &'static [&'static str]);

/// The units, and how many milliseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const NOTATION: Notation<Duration> = Notation {
    what: "duration",
    help: "a duration is a whole number with a unit, such as \"500ms\", \"30s\", \"5m\", \
           \"2h\" or \"7d\"",
    parse,
};

impl Kind for Span {
    type Value = Duration;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<Duration> {
        let span = NOTATION.read(name, &self.takes(), value, problems)?;
        if !(self.0..=self.1).contains(&span) {
            problems.error(out_of_range(name, &self.takes(), value));
            return None;
        }
        Some(span)
    }

    fn takes(&self) -> String {
        let (min, max) = (format(self.0), format(self.1));
        format!("a duration from \"{min}\" to \"{max}\"")
    }

    fn shape(&self) -> Shape {
        Shape::Duration
    }
}

impl Kind for SpanOf {
    type Value = Duration;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<Duration> {
        let span = NOTATION.read(name, &self.takes(), value, problems)?;
        if !self.0.iter().any(|text| parse(text) == Some(span)) {
            problems.error(out_of_range(name, &self.takes(), value));
            return None;
        }
        Some(span)
    }

    fn takes(&self) -> String {
        let spans: Vec<String> = self.0.iter().map(|text| format!("\"{text}\"")).collect();
        format!("one of {}", spans.join(", "))
    }

    fn shape(&self) -> Shape {
        Shape::Duration
    }
}

/// Reads a whole number and a unit: `500ms`, `30s`, `5m`, `2h`, `7d`.
fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(*milliseconds).map(Duration::from_millis)
}

/// Writes a duration in the largest unit that holds it as a whole number.
pub(crate) fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let unit = UNITS
        .iter()
        .rev()
        .find(|(_, size)| milliseconds > 0 && milliseconds.is_multiple_of(u128::from(*size)));
    match unit {
        Some((name, size)) => format!("{}{name}", milliseconds / u128::from(*size)),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_with_a_unit() {
        let table = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("0s", Some(0)),
            ("007m", Some(420_000)),
            ("2h", Some(7_200_000)),
            ("7d", Some(604_800_000)),
            ("", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1h30m", None),
            ("30 s", None),
            ("30S", None),
            ("1w", None),
            ("٣s", None),
            ("18446744073709551616s", None),
            ("18446744073709551615d", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["500ms", "30s", "5m", "2h", "7d", "0s", "90s", "1500ms"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
