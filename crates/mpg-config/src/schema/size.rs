//! Amounts of data as a person writes them, and the keys that take them.

use toml::Spanned;
use toml::de::DeValue;

use super::kind::{Kind, out_of_range};
use super::notation::Notation;
use super::shape::Shape;
use crate::problem::Problems;

/// A number of bytes from the first to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64, pub(crate) u64);

/// The units, of 1024 each.
const UNITS: [(&str, u64); 3] = [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30)];

const NOTATION: Notation<u64> = Notation {
    what: "size",
    help: "a size is a whole number with a unit, such as \"500KB\" or \"25MB\"",
    parse,
};

impl Kind for Size {
    type Value = u64;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<u64> {
        let size = NOTATION.read(name, &self.takes(), value, problems)?;
        if !(self.0..=self.1).contains(&size) {
            problems.error(out_of_range(name, &self.takes(), value));
            return None;
        }
        Some(size)
    }

    fn takes(&self) -> String {
        let (min, max) = (format(self.0), format(self.1));
        format!("a size from \"{min}\" to \"{max}\"")
    }

    fn shape(&self) -> Shape {
        Shape::Size
    }
}

/// Reads a whole number and a unit: `500KB`, `25MB`.
fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let mut units = UNITS.iter();
    let (_, bytes) = units.find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(*bytes)
}

/// Writes a size in the largest unit that holds it as a whole number.
fn format(size: u64) -> String {
    let mut units = UNITS.iter().rev();
    let unit = units.find(|(_, bytes)| size >= *bytes && size.is_multiple_of(*bytes));
    match unit {
        Some((name, bytes)) => format!("{}{name}", size / bytes),
        None => size.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_with_a_unit() {
        let table = [
            ("1KB", Some(1024)),
            ("25MB", Some(26_214_400)),
            ("25mb", Some(26_214_400)),
            ("1GB", Some(1_073_741_824)),
            ("0MB", Some(0)),
            ("", None),
            ("25", None),
            ("MB", None),
            ("-1MB", None),
            ("1.5MB", None),
            ("25 MB", None),
            ("25MiB", None),
            ("18446744073709551615GB", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text}");
        }
        for text in ["1KB", "1500KB", "25MB", "100MB", "1GB"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
