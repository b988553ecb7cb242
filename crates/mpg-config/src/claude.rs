//! How agents are started, and what of the environment they see.

use std::collections::BTreeMap;

use crate::path::expand_home;
use crate::problem::{Problem, Problems};
use crate::schema::{COMMAND, PASS_ENV};
use crate::section::Table;
use crate::suggestion::quoted;

/// Variables that never reach an agent, whatever the patterns say: the CLI takes the first for a sign
/// that it runs inside itself; the others let whoever has them speak to the service manager as the
/// gateway.
const NEVER: [&str; 4] = [
    "CLAUDECODE",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// How agents are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaudeSettings {
    /// The command: a name that is looked for in `PATH`, or a path.
    pub command: String,
    /// Which variables of the environment an agent sees.
    pub pass_env: PassEnv,
}

/// An allow-list of environment variables: names, each with at most one `*` for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassEnv(Vec<String>);

impl PassEnv {
    /// Whether the list lets a variable through.
    pub fn matches(&self, name: &str) -> bool {
        !NEVER.contains(&name) && self.0.iter().any(|pattern| fits(pattern, name))
    }

    /// The part of an environment that an agent sees: what the list lets through, without the
    /// variables in `secrets`.
    pub fn select(
        &self,
        env: &BTreeMap<String, String>,
        secrets: &[&str],
    ) -> BTreeMap<String, String> {
        env.iter()
            .filter(|(name, _)| self.matches(name) && !secrets.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The patterns, as they stand in the file.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What hardly any agent can do without, and what it does not find then.
const NEEDED: [(&str, &str); 2] = [
    ("PATH", "no programs, the command itself included"),
    ("HOME", "neither their login nor their sessions"),
];

/// Reads `[claude]`.
pub(crate) fn read(
    table: &Table<'_, '_>,
    env: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> ClaudeSettings {
    let command = table.read(&COMMAND, problems);
    let command = command.unwrap_or_else(|| COMMAND.default());
    let expanded = expand_home(&command.value, env);
    if expanded.is_none() {
        let message = "`claude.command` begins with `~`, but HOME is not set";
        problems.error(
            Problem::new(command.span, message).with_help("write the whole path, or set HOME"),
        );
    }
    let patterns = table.read(&PASS_ENV, problems);
    let patterns = patterns.unwrap_or_else(|| PASS_ENV.default());
    for pattern in &patterns.value {
        if let Some(help) = refusal(&pattern.value) {
            let message = format!("{} is no pattern of variables", quoted(&pattern.value));
            problems.error(Problem::new(pattern.span.clone(), message).with_help(help));
        }
    }
    let span = patterns.span;
    let patterns = patterns.value.into_iter().map(|pattern| pattern.value);
    let pass_env = PassEnv(patterns.collect());
    for (name, lost) in NEEDED {
        if !pass_env.matches(name) {
            let message =
                format!("`pass-env` takes the place of the default and leaves out {name}");
            let help = format!("without it agents find {lost}; add \"{name}\"");
            problems.warning(Problem::new(span.clone(), message).with_help(help));
        }
    }
    ClaudeSettings {
        command: expanded.unwrap_or(command.value),
        pass_env,
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
        None => pattern == name,
    }
}

fn refusal(pattern: &str) -> Option<&'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if pattern == "*" {
        return Some("this would show the agent everything, secrets too; name what it needs");
    }
    if pattern.matches('*').count() > 1 {
        return Some("a pattern has at most one `*`");
    }
    (!pattern.chars().all(|c| is_name(c) || c == '*'))
        .then_some("write a variable's name, with at most one `*`, such as \"LC_*\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_through_what_fits_a_pattern() {
        let list = PassEnv(vec![
            "PATH".to_owned(),
            "LC_*".to_owned(),
            "*_PROXY".to_owned(),
            "A_*_A".to_owned(),
            "CLAUDE*".to_owned(),
        ]);
        let table = [
            ("PATH", true),
            ("PATHS", false),
            ("LC_ALL", true),
            ("LC_", true),
            ("HTTPS_PROXY", true),
            ("https_proxy", false),
            ("A_A", false),
            ("A__A", true),
            ("CLAUDE_CONFIG_DIR", true),
            ("CLAUDECODE", false),
        ];
        for (name, expected) in table {
            assert_eq!(list.matches(name), expected, "{name}");
        }
    }

    #[test]
    fn never_selects_a_secret() {
        let list = PassEnv(vec!["DISCORD_*".to_owned()]);
        let env = ["DISCORD_BOT_TOKEN", "DISCORD_THEME", "HOME"];
        let env = env.map(|name| (name.to_owned(), "x".to_owned()));
        let selected = list.select(&BTreeMap::from(env), &["DISCORD_BOT_TOKEN"]);
        assert_eq!(selected.into_keys().collect::<Vec<_>>(), ["DISCORD_THEME"]);
    }
}
