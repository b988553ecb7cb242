//! What was found, and how it is said.

use std::fmt::Write as _;

use serde::Serialize;

use crate::shown::one_line;

/// How much of a text is shown, in characters: paths are long.
const LENGTH: usize = 1_000;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    /// It works, and somebody should know.
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// What to do about it.
    pub(super) help: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found, None)
    }

    pub(super) fn warn(
        check: &'static str,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Warn, found, Some(help.into()))
    }

    pub(super) fn fail(
        check: &'static str,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Fail, found, Some(help.into()))
    }

    /// Something whose text says already what to do.
    pub(super) fn failed(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Fail, found, None)
    }

    fn new(
        check: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        Self {
            check,
            verdict,
            found: found.into(),
            help,
        }
    }
}

/// One line each, with what to do below.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        // Writing to a string cannot fail.
        let found = one_line(&finding.found, LENGTH);
        let _ = writeln!(text, "{verdict}  {}: {found}", finding.check);
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "      {}", one_line(help, LENGTH));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_what_to_do() {
        let findings = [
            Finding::ok("one", "is in order"),
            Finding::warn("two", "is odd\nin two lines", "look"),
            Finding::fail("three", "is broken", "mend it"),
            Finding::failed("four", "is broken: mend it"),
        ];
        insta::assert_snapshot!(text(&findings), @r"
        ok    one: is in order
        warn  two: is odd in two lines
              look
        fail  three: is broken
              mend it
        fail  four: is broken: mend it
        ");
    }
}
