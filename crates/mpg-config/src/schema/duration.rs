//! Durations as a person writes them.

use std::time::Duration;

/// The units, and how many milliseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a whole number and a unit: `500ms`, `30s`, `5m`, `2h`, `7d`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
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
