//! A document as the text of a file that a person goes on with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

use crate::report::Report;

/// The tables that come first, in the order of the documentation.
const ORDER: [&str; 6] = ["gateway", "log", "http", "discord", "defaults", "projects"];

/// What is said above a key where it stands for the first time.
const COMMENTS: &[(&str, &str)] = &[
    (
        "max-concurrent-turns",
        "how many turns run at the same time",
    ),
    ("session-ttl", "how long an idle conversation is remembered"),
    ("max-sessions", "how many conversations can be resumed"),
    ("level", "the least important lines that are logged"),
    ("listen", "where HTTP is served: on this machine alone"),
    (
        "token-file",
        "holds the bot's token and nothing else; for this user alone",
    ),
    (
        "idle-timeout",
        "how long an agent that nobody uses stays ready",
    ),
    (
        "agent-timeout",
        "how long an agent may show no sign of life",
    ),
    ("timeout", "how long this agent may show no sign of life"),
    ("args", "appended to the agent's command line"),
    (
        "permission-mode",
        "how freely an agent acts within its directory",
    ),
    ("allowed-tools", "what runs unasked"),
    ("extra-allowed-tools", "what runs unasked besides"),
    ("disallowed-tools", "what never runs"),
    (
        "max-handoffs",
        "how many handoffs may follow one message of a person",
    ),
    (
        "persistence",
        "what keeps an agent alive when the gateway goes",
    ),
    (
        "allowed-roles",
        "who may use it: roles, by id or exact name",
    ),
    ("rate-limit-per-user", "messages a minute and person"),
];

/// The longest line of a comment, in characters.
const WIDTH: usize = 96;

/// Writes the file. `warnings` are what its author should know of the one that it comes from.
pub(super) fn write(document: &DeTable<'_>, source: &str, warnings: &Report) -> String {
    let mut writer = Writer::default();
    writer.comment(&format!("Written by `mpgd import` from {source}."));
    writer
        .comment("Every key is in docs/configuration.md; `mpgd check` says what this file means.");
    if !warnings.is_empty() {
        writer.comment("");
        writer.comment("What was not taken over, or means something else here:");
        for problem in warnings.problems() {
            let place = match warnings.position(problem) {
                Some((line, column)) => format!("{line}:{column}: "),
                None => String::new(),
            };
            let help = problem.help.as_deref().map(|help| format!("; {help}"));
            let help = help.unwrap_or_default();
            writer.item(&format!("{place}{}{help}", problem.message));
        }
    }
    for name in ORDER {
        if let Some(value) = document.get(name)
            && let Some(table) = value.get_ref().as_table()
        {
            writer.table(&[name], table);
        }
    }
    writer.text
}

#[derive(Debug, Default)]
struct Writer {
    text: String,
    commented: BTreeSet<&'static str>,
}

impl Writer {
    fn table(&mut self, path: &[&str], table: &DeTable<'_>) {
        let is_table = |value: &DeValue<'_>| value.is_table();
        let simple = || table.iter().filter(|(_, value)| !is_table(value.get_ref()));
        if simple().next().is_some() {
            let path: Vec<String> = path.iter().map(|part| key(part)).collect();
            let _ = write!(self.text, "\n[{}]\n", path.join("."));
        }
        for (name, entry) in simple() {
            if let Some((known, comment)) =
                COMMENTS.iter().find(|(known, _)| *known == name.get_ref())
                && self.commented.insert(known)
            {
                self.comment(comment);
            }
            // Writing to a string cannot fail.
            let _ = writeln!(
                self.text,
                "{} = {}",
                key(name.get_ref()),
                value(entry.get_ref())
            );
        }
        for (name, value) in table {
            if let Some(table) = value.get_ref().as_table() {
                let path = [path, &[name.get_ref().as_ref()]].concat();
                self.table(&path, table);
            }
        }
    }

    fn item(&mut self, text: &str) {
        self.wrapped(text, "- ", "  ");
    }

    fn comment(&mut self, text: &str) {
        self.wrapped(text, "", "");
    }

    /// A comment on as many lines as it needs; nothing in it ends it.
    fn wrapped(&mut self, text: &str, first: &str, rest: &str) {
        let mut line = String::from(first);
        let mut is_empty = true;
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                rest.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(format!("# {line}").trim_end());
        self.text.push('\n');
    }
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    // A value may be written on several lines, a key may not.
    let mut quoted = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn value(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()).to_string(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| self::value(item.get_ref()))
                .collect();
            format!("[{}]", items.join(", "))
        }
        // The predecessor's file has none of these, and tables have lines of their own.
        DeValue::Float(float) => float.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Table(_) => "{}".to_owned(),
    }
}
