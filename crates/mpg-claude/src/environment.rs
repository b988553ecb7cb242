//! What of the gateway's environment an agent gets.

use std::collections::BTreeMap;

/// The variables that pass where nothing else is configured. `*` stands for any text.
pub const DEFAULT_PASS_ENV: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "LANG",
    "LC_*",
    "TERM",
    "TZ",
    "TMPDIR",
    "XDG_*",
    "SSH_AUTH_SOCK",
    "*_PROXY",
    "*_proxy",
    "NODE_EXTRA_CA_CERTS",
    "ANTHROPIC_*",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_USE_*",
];

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

/// Keeps the variables whose name matches one of `patterns`.
///
/// `CLAUDECODE` never passes, whatever the patterns say.
pub fn allowed_environment(
    variables: impl Iterator<Item = (String, String)>,
    patterns: &[String],
) -> BTreeMap<String, String> {
    variables
        .filter(|(name, _)| name != NESTED)
        .filter(|(name, _)| patterns.iter().any(|pattern| matches(pattern, name)))
        .collect()
}

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

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else {
            return false;
        };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let table = [
            ("PATH", "PATH", true),
            ("PATH", "PATHEXT", false),
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "XLC_ALL", false),
            ("*_PROXY", "HTTPS_PROXY", true),
            ("*_PROXY", "PROXY", false),
            ("A*B*C", "AxBxC", true),
            ("A*B*C", "AC", false),
            ("*", "ANYTHING", true),
            ("AB*BA", "ABA", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn secrets_and_the_nesting_sign_stay_out() {
        let variables = [
            ("PATH", "/bin"),
            ("DISCORD_BOT_TOKEN", "secret"),
            ("CLAUDECODE", "1"),
            ("http_proxy", "http://localhost"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut patterns: Vec<String> = DEFAULT_PASS_ENV
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        patterns.push("CLAUDE*".to_owned());
        let allowed = allowed_environment(variables.into_iter(), &patterns);
        let names: Vec<&str> = allowed.keys().map(String::as_str).collect();
        assert_eq!(names, ["PATH", "http_proxy"]);
    }
}
