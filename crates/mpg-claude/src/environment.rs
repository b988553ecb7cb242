//! What of the gateway's environment an agent gets.

use std::collections::BTreeMap;

/// The variable by which a running CLI tells its children that they are inside of it; with it, a
/// CLI takes itself for nested.
const NESTED: &str = "CLAUDECODE";

/// The variable that every process of an agent carries, so that none of them is left behind.
pub(crate) const MARKER: &str = "MPG_AGENT";

/// What keeps the CLI from updating itself and from talking to anybody but its model.
const QUIET: &[(&str, &str)] = &[
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
];

/// The whole environment of an agent's process.
pub(crate) fn process_environment(
    allowed: &BTreeMap<String, String>,
    marker: &str,
) -> BTreeMap<String, String> {
    let mut environment = allowed.clone();
    environment.remove(NESTED);
    for (name, value) in QUIET {
        environment.insert((*name).to_owned(), (*value).to_owned());
    }
    environment.insert(MARKER.to_owned(), marker.to_owned());
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nesting_sign_stays_out_and_the_marker_is_there() {
        let allowed = [("PATH", "/bin"), (NESTED, "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let environment = process_environment(&allowed, "mark");
        assert!(!environment.contains_key(NESTED));
        assert_eq!(environment["PATH"], "/bin");
        assert_eq!(environment[MARKER], "mark");
        assert_eq!(environment["DISABLE_AUTOUPDATER"], "1");
    }
}
