//! Amounts of money, and the keys that take them.

use toml::Spanned;
use toml::de::DeValue;

use super::kind::{Kind, out_of_range, wrong_type};
use super::notation::Notation;
use super::shape::Shape;
use crate::problem::{Problem, Problems};

/// US dollars, read in millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dollars;

/// The least amount: a cent.
const MIN: u64 = 10_000;

/// The largest amount.
const MAX: u64 = 10_000 * MILLION;

const MILLION: u64 = 1_000_000;

impl Kind for Dollars {
    type Value = u64;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<u64> {
        let text = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(_)
            | DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                problems.error(wrong_type(name, &self.takes(), value));
                return None;
            }
        };
        let Some(amount) = millionths(text) else {
            let message = format!("`{name}` is no amount of money");
            let help = "write digits with at most six behind the point, such as 2.5";
            problems.error(Problem::new(value.span(), message).with_help(help));
            return None;
        };
        in_range(amount, name, &self.takes(), value, problems)
    }

    fn takes(&self) -> String {
        format!("a number of US dollars from 0.01 to {}", MAX / MILLION)
    }

    fn shape(&self) -> Shape {
        Shape::Amount
    }
}

/// US dollars a day, read in millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DollarsPerDay;

impl Kind for DollarsPerDay {
    type Value = u64;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<u64> {
        let amount = NOTATION.read(name, &self.takes(), value, problems)?;
        in_range(amount, name, &self.takes(), value, problems)
    }

    fn takes(&self) -> String {
        format!(
            "an amount from \"0.01{PER_DAY}\" to \"{}{PER_DAY}\"",
            MAX / MILLION
        )
    }

    fn shape(&self) -> Shape {
        Shape::PerDay
    }
}

/// What stands behind the number.
const PER_DAY: &str = " USD/day";

const NOTATION: Notation<u64> = Notation {
    what: "amount of money for a day",
    help: "an amount is written with its currency and its time, such as \"5 USD/day\"",
    parse: |text| text.strip_suffix(PER_DAY).and_then(millionths),
};

/// The amount, or a problem where it is too much or too little.
fn in_range(
    amount: u64,
    name: &str,
    takes: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<u64> {
    if (MIN..=MAX).contains(&amount) {
        return Some(amount);
    }
    problems.error(out_of_range(name, takes, value));
    None
}

/// Reads plain decimal digits; an exponent, a sign or a seventh digit behind the point is none.
fn millionths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(MILLION)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_digits() {
        let table = [
            ("2", Some(2_000_000)),
            ("2.5", Some(2_500_000)),
            ("0.01", Some(10_000)),
            ("0.000001", Some(1)),
            ("10000.0", Some(10_000_000_000)),
            ("0.0000001", None),
            ("1e3", None),
            ("-1", None),
            ("+1", None),
            ("inf", None),
            ("nan", None),
            ("", None),
            (".5", None),
            ("18446744073709551615", None),
        ];
        for (text, expected) in table {
            assert_eq!(millionths(text), expected, "{text}");
        }
    }
}
