//! How times, sums and sizes are written.

use jiff::Timestamp;

/// A moment, for people and for the script, which shows it in the time of whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Moment {
    /// As HTML wants it.
    pub(crate) fn iso(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub(crate) fn text(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }
}

/// US dollars of millionths: two digits behind the point, four for what is less than ten cents.
pub(crate) fn dollars(micro: u64) -> String {
    let (unit, digits) = if micro < 100_000 {
        (100, 4)
    } else {
        (10_000, 2)
    };
    let rounded = micro.saturating_add(unit / 2) / unit;
    let whole = 10_u64.pow(digits);
    let width = usize::try_from(digits).unwrap_or(2);
    if rounded == 0 && micro == 0 {
        return "$0".to_owned();
    }
    format!("${}.{:0width$}", rounded / whole, rounded % whole)
}

/// A number in thousands or millions where it is that large.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{} k", number / 1_000),
        _ => format!("{} M", number / 1_000_000),
    }
}

/// A time in its two largest units.
pub(crate) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A size in mebibytes, or in kibibytes.
pub(crate) fn bytes(size: u64) -> String {
    if size < 1 << 20 {
        return format!("{} KiB", size >> 10);
    }
    format!("{}.{} MiB", size >> 20, ((size & 0xf_ffff) * 10) >> 20)
}

/// A text as one part of an address.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte));
            }
            // A part of dots alone would be resolved away.
            other => {
                encoded.push('%');
                for digit in [other >> 4, other & 0xf] {
                    let digit = char::from_digit(u32::from(digit), 16);
                    encoded.push(digit.unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_sizes_are_short() {
        for (micro, written) in [
            (0, "$0"),
            (12, "$0.0000"),
            (1_250, "$0.0013"),
            (99_949, "$0.0999"),
            (100_000, "$0.10"),
            (1_234_567, "$1.23"),
            (u64::MAX, "$18446744073709.55"),
        ] {
            assert_eq!(dollars(micro), written, "{micro}");
        }
        for (number, written) in [(9_999, "9999"), (12_345, "12 k"), (12_345_678, "12 M")] {
            assert_eq!(count(number), written);
        }
        for (time, written) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (61_000, "1 min 1 s"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(span(time), written);
        }
        for (size, written) in [(2_048, "2 KiB"), (1_572_864, "1.5 MiB"), (0, "0 KiB")] {
            assert_eq!(bytes(size), written);
        }
        assert_eq!(segment("chat:a/b~1 ?#.é"), "chat:a%2Fb~1%20%3F%23%2E%C3%A9");
    }

    #[test]
    fn a_moment_has_no_parts_of_seconds() {
        let moment = Moment(Timestamp::from_millisecond(1_700_000_000_123).unwrap());
        assert_eq!(moment.iso(), "2023-11-14T22:13:20Z");
        assert_eq!(moment.text(), "2023-11-14 22:13:20 UTC");
    }
}
