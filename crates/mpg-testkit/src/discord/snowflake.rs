//! Discord's ids, which carry the time they were made at.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use jiff::Timestamp;

/// The first millisecond that a snowflake can name: 2015-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_420_070_400_000;

/// An id of anything on Discord. Later ids are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Snowflake(pub u64);

impl Snowflake {
    /// The id as a number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// When it was made, to the millisecond.
    pub fn time(self) -> Timestamp {
        let ms = i64::try_from(self.0 >> 22).unwrap_or(0) + EPOCH_MS;
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Snowflake {
    type Err = ParseIntError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(Self)
    }
}

impl From<u64> for Snowflake {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

/// Makes ids that rise, even where the clock stands or goes back.
#[derive(Debug, Default)]
pub(super) struct Snowflakes {
    last: u64,
}

impl Snowflakes {
    pub(super) fn next(&mut self) -> Snowflake {
        let ms = Timestamp::now().as_millisecond().saturating_sub(EPOCH_MS);
        let floor = u64::try_from(ms).unwrap_or(0) << 22;
        self.last = floor.max(self.last + 1);
        Snowflake(self.last)
    }
}

/// A time as Discord writes it: microseconds, and an offset in figures.
pub(super) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Snowflake, Snowflakes, iso};

    #[test]
    fn ids_rise_and_carry_their_time() {
        let mut ids = Snowflakes::default();
        let first = ids.next();
        assert!((0..5_000).all(|_| ids.next() > first));
        let documented = Snowflake(175_928_847_299_117_063);
        assert_eq!(iso(documented.time()), "2016-04-30T11:18:25.796000+00:00");
    }
}
