//! Usage limits: whether an error is one, and when it ends.
//!
//! The CLI says the end as a number in its `rate_limit_event` lines, whenever what it knows of its
//! limits changes, and in words in the error (seen in 2.1.197 and in reports on versions from
//! 1.0.69 on).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::text;

/// How much of an error is looked at, in bytes: what says a limit begins with it.
const LONGEST: usize = 400;

/// How far away a time of day without a date may be. The next limit of such a kind ends within five
/// hours; a time that has just passed is no time of tomorrow.
const SAME_DAY: SignedDuration = SignedDuration::from_hours(12);

/// The beginnings of errors that are usage limits, in lower case.
const BEGINNINGS: &[&str] = &[
    "you've hit your ",
    "you've reached your ",
    "you're out of extra usage",
    "you're out of usage credits",
];

/// What may stand before "limit reached", in lower case.
const KINDS: &[&str] = &[
    "",
    "5-hour",
    "session",
    "weekly",
    "opus weekly",
    "opus",
    "sonnet",
    "monthly",
    "usage",
    "claude usage",
    "claude ai usage",
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// A usage limit that ended a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsageLimit {
    /// When it ends, if that is known.
    pub(crate) resets_at: Option<Timestamp>,
}

/// What the CLI last said of its limits.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// When the limit ends that turns requests away, if one does and that is known.
    rejected_until: Option<Timestamp>,
}

impl Limits {
    /// Takes in a `rate_limit_event` line.
    pub(super) fn change(&mut self, line: &Value) {
        let info = &line["rate_limit_info"];
        let rejects = text(info, "status") == "rejected" && info["isUsingOverage"] != true;
        self.rejected_until = seconds(&info["resetsAt"]).filter(|_| rejects);
    }

    /// What an error says of a usage limit, if it is one.
    pub(super) fn of_error(&self, error: &str, now: Timestamp) -> Option<UsageLimit> {
        let error = &error[..error.floor_char_boundary(LONGEST)];
        let error = error.trim_start().to_lowercase().replace('’', "'");
        if !is_limit(&error) {
            return None;
        }
        let known = self.rejected_until.filter(|at| *at > now);
        Some(UsageLimit {
            resets_at: known
                .or_else(|| number(&error))
                .or_else(|| words(&error, now)),
        })
    }
}

fn is_limit(error: &str) -> bool {
    let reached = error.split_once("limit reached");
    BEGINNINGS.iter().any(|start| error.starts_with(start))
        || reached.is_some_and(|(kind, _)| KINDS.contains(&kind.trim()))
}

fn seconds(value: &Value) -> Option<Timestamp> {
    Timestamp::from_second(value.as_i64()?).ok()
}

/// `Claude AI usage limit reached|1755615600`
fn number(error: &str) -> Option<Timestamp> {
    let (_, number) = error.split_once('|')?;
    let digits = number.find(|c: char| !c.is_ascii_digit());
    let digits = number.get(..digits.unwrap_or(number.len()))?;
    Timestamp::from_second(digits.parse().ok()?).ok()
}

/// `… resets 1:30am (Asia/Dhaka)`, `… resets May 5 at 9pm (America/New_York)`,
/// `… Your limit will reset at 5pm (Europe/Warsaw).`
fn words(error: &str, now: Timestamp) -> Option<Timestamp> {
    let (_, when) = error
        .split_once("resets ")
        .or_else(|| error.split_once("reset at "))?;
    let (when, zone) = when.split_once('(')?;
    let (zone, _) = zone.split_once(')')?;
    let zone = TimeZone::get(zone).ok()?;
    let here = now.to_zoned(zone.clone()).datetime();
    let (date, time) = match when.split_once(" at ").or_else(|| when.split_once(", ")) {
        Some((date, time)) => (Some(date), time),
        None => (None, when),
    };
    let time = time_of_day(time.trim())?;
    let Some(date) = date else {
        let today = DateTime::from_parts(here.date(), time);
        let next = if today > here {
            today
        } else {
            DateTime::from_parts(here.date().tomorrow().ok()?, time)
        };
        let at = zone.to_ambiguous_zoned(next).compatible().ok()?.timestamp();
        return (at.duration_since(now) <= SAME_DAY).then_some(at);
    };
    let date = next_date(date.trim(), here.date())?;
    let at = zone.to_ambiguous_zoned(DateTime::from_parts(date, time));
    Some(at.compatible().ok()?.timestamp())
}

/// `9pm`, `1:30am`
fn time_of_day(text: &str) -> Option<Time> {
    let (clock, later) = match text.strip_suffix("am") {
        Some(clock) => (clock, 0),
        None => (text.strip_suffix("pm")?, 12),
    };
    let (hour, minute) = clock.trim().split_once(':').unwrap_or((clock.trim(), "0"));
    let hour: i8 = hour.parse().ok()?;
    let minute: i8 = minute.parse().ok()?;
    if !(1..=12).contains(&hour) {
        return None;
    }
    Time::new(hour % 12 + later, minute, 0, 0).ok()
}

/// `may 5`: in this year, or in the next one.
fn next_date(text: &str, today: Date) -> Option<Date> {
    let (month, day) = text.split_once(' ')?;
    let month = MONTHS.iter().position(|name| month.starts_with(name))?;
    let month = i8::try_from(month + 1).ok()?;
    let day: i8 = day.trim().parse().ok()?;
    let of_year = |year| Date::new(year, month, day).ok();
    of_year(today.year())
        .filter(|date| *date >= today)
        .or_else(|| of_year(today.year().checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The end of the limit that an error is, or that it says none.
    fn told(error: &str) -> Option<String> {
        let limit = Limits::default().of_error(error, at("2026-04-29T14:58:00Z"))?;
        let end = limit.resets_at.map(|at| at.to_string());
        Some(end.unwrap_or_else(|| "not said".to_owned()))
    }

    #[test]
    fn the_words_of_the_cli_say_when_a_limit_ends() {
        let table = [
            (
                "Claude AI usage limit reached|1755615600",
                "2025-08-19T15:00:00Z",
            ),
            (
                "Claude usage limit reached. Your limit will reset at 5pm (Europe/Warsaw).",
                "2026-04-29T15:00:00Z",
            ),
            (
                "You've hit your limit · resets 1:30am (Asia/Dhaka)",
                "2026-04-29T19:30:00Z",
            ),
            (
                "You’ve hit your weekly limit · resets May 5 at 9pm (America/New_York)",
                "2026-05-06T01:00:00Z",
            ),
            (
                "You've hit your session limit · resets 12am (UTC) · run /usage-credits to go on",
                "2026-04-30T00:00:00Z",
            ),
            (
                "Opus weekly limit reached ∙ resets Jan 2, 12pm (UTC)",
                "2027-01-02T12:00:00Z",
            ),
        ];
        for (error, end) in table {
            assert_eq!(told(error).as_deref(), Some(end), "{error}");
        }
    }

    #[test]
    fn an_end_that_is_not_said_or_makes_no_sense_is_none() {
        let table = [
            "5-hour limit reached ∙ resets 2am",
            "Limit reached · resets 2pm (UTC) · /upgrade to Max",
            "You've hit your limit · resets 25pm (UTC)",
            "You've hit your limit · resets 4pm (Nowhere/Else)",
            "You've hit your limit · resets Feb 31 at 4pm (UTC)",
            "You've hit your monthly spend limit. Run /usage-credits to raise it",
            "You're out of extra usage",
            "Claude AI usage limit reached|99999999999999999999",
        ];
        for error in table {
            assert_eq!(told(error).as_deref(), Some("not said"), "{error}");
        }
    }

    #[test]
    fn other_errors_are_no_usage_limits() {
        let table = [
            "API Error: Rate limit reached",
            "API Error: Request rejected (429) · Rate limited. Please try again later.",
            "Context limit reached · /compact or /clear to continue",
            "API Error: 500",
            "I read that the usage limit reached|1755615600 is a message",
            "",
        ];
        for error in table {
            assert_eq!(told(error), None, "{error}");
        }
    }

    #[test]
    fn what_an_event_says_is_better_than_words() {
        let event = |status, overage| {
            json!({ "type": "rate_limit_event", "rate_limit_info": {
                "status": status, "resetsAt": 1_777_500_000, "isUsingOverage": overage,
            }})
        };
        let mut limits = Limits::default();
        let mut ask = |line: &Value| {
            limits.change(line);
            let error = "You've hit your limit · resets 4pm (UTC)";
            let limit = limits.of_error(error, at("2026-04-29T14:58:00Z")).unwrap();
            limit.resets_at.unwrap().to_string()
        };
        assert_eq!(ask(&event("rejected", false)), "2026-04-29T22:00:00Z");
        assert_eq!(ask(&event("rejected", true)), "2026-04-29T16:00:00Z");
        assert_eq!(
            ask(&event("allowed_warning", false)),
            "2026-04-29T16:00:00Z"
        );
    }

    proptest! {
        #[test]
        fn no_error_is_too_strange(
            middle in "[a-z0-9:, ()/|]{0,40}",
            end in "\\PC{0,40}",
        ) {
            for error in [
                format!("You've hit your limit · resets {middle}{end}"),
                format!("usage limit reached|{middle}{end}"),
                format!("limit reached resets {middle}{end} (UTC)"),
                end.clone(),
            ] {
                drop(told(&error));
            }
        }
    }
}
