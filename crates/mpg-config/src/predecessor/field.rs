//! The fields of the file, and what each becomes.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::sheet::{list_value, text_value};
use super::{Value, first_byte};
use crate::json::{Json, Node};
use crate::problem::{Problem, Problems};
use crate::schema::{NAMES, Section, write_duration};
use crate::settings::LogLevel;
use crate::span::At;
use crate::suggestion::{closest, quoted};

/// A field of the file.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// The key that it becomes; empty where it means nothing here.
    pub(super) key: &'static str,
    take: Take,
}

/// What a field takes.
#[derive(Clone, Copy, Debug)]
enum Take {
    /// A time in milliseconds.
    Milliseconds,
    /// A whole number.
    Whole,
    /// A whole number that restricts, where one below 1 is no restriction.
    Restriction,
    /// A list of strings that restricts.
    Restrictions,
    /// A whole number, of which more than ten count as ten.
    UpToTen,
    /// A number of megabytes, of which more than 100 count as 100.
    Megabytes,
    /// A level of the log.
    Level,
    /// A port, or `false`.
    Port,
    /// What keeps an agent alive.
    Runtime,
    /// Something that is read by itself.
    Apart,
    /// Something that means nothing here, and why.
    Nothing(&'static str),
}

const fn field(name: &'static str, key: &'static str, take: Take) -> Field {
    Field { name, key, take }
}

/// The fields of `defaults`.
pub(super) const DEFAULTS: &[Field] = &[
    field("idleTimeoutMs", "idle-timeout", Take::Milliseconds),
    field("maxConcurrentSessions", "max-concurrent-turns", Take::Whole),
    field("sessionTtlMs", "session-ttl", Take::Milliseconds),
    field("maxPersistedSessions", "max-sessions", Take::Whole),
    field("claudeArgs", "args", Take::Apart),
    field("allowedTools", "allowed-tools", Take::Apart),
    field("disallowedTools", "disallowed-tools", Take::Apart),
    field("extraAllowedTools", "extra-allowed-tools", Take::Apart),
    field("maxTurnsPerAgent", "max-handoffs", Take::Whole),
    field("agentTimeoutMs", "agent-timeout", Take::Milliseconds),
    field(
        "stuckNotifyMs",
        "",
        Take::Nothing("an agent's work is shown while it happens"),
    ),
    field("httpPort", "listen", Take::Port),
    field("logLevel", "level", Take::Level),
    field("persistence", "persistence", Take::Runtime),
    field(
        "maxAttachmentSizeMb",
        "max-attachment-size",
        Take::Megabytes,
    ),
    field("allowedMimeTypes", "attachment-types", Take::Restrictions),
    field("maxAttachmentsPerMessage", "max-attachments", Take::UpToTen),
];

/// The fields of a project.
pub(super) const PROJECT: &[Field] = &[
    field("name", "", Take::Apart),
    field("directory", "directory", Take::Apart),
    field("idleTimeoutMs", "idle-timeout", Take::Milliseconds),
    field("claudeArgs", "args", Take::Apart),
    field("allowedTools", "allowed-tools", Take::Apart),
    field("disallowedTools", "disallowed-tools", Take::Apart),
    field("extraAllowedTools", "extra-allowed-tools", Take::Apart),
    field("agents", "agents", Take::Apart),
    field("allowedRoles", "allowed-roles", Take::Restrictions),
    field("rateLimitPerUser", "rate-limit-per-user", Take::Restriction),
    field("persistence", "persistence", Take::Runtime),
    field(
        "maxAttachmentSizeMb",
        "max-attachment-size",
        Take::Megabytes,
    ),
    field("allowedMimeTypes", "attachment-types", Take::Restrictions),
    field("maxAttachmentsPerMessage", "max-attachments", Take::UpToTen),
];

impl Field {
    /// The table that a default belongs in: that of the daemon where the key is there, else that of
    /// all projects.
    pub(super) fn table(&self) -> &'static str {
        let daemon = [Section::Gateway, Section::Log, Section::Http];
        daemon
            .into_iter()
            .find(|section| {
                let mut names = NAMES.iter();
                names.any(|(name, sections)| *name == self.key && sections.contains(section))
            })
            .unwrap_or(Section::Defaults)
            .name()
    }
}

/// An object of the file.
#[derive(Debug)]
pub(super) struct Object<'n, 't> {
    path: String,
    span: Range<usize>,
    entries: &'n [(At<String>, Node<'t>)],
}

impl<'n, 't> Object<'n, 't> {
    /// Reads an object, or says that it is none.
    pub(super) fn of(path: &str, node: &'n Node<'t>, problems: &mut Problems) -> Option<Self> {
        if let Json::Object(entries) = &node.value {
            return Some(Self {
                path: path.to_owned(),
                span: node.span.clone(),
                entries,
            });
        }
        let message = format!("{path} takes an object, not {}", node.sort());
        problems.error(Problem::new(first_byte(node.span.clone()), message));
        None
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'n (At<String>, Node<'t>)> {
        self.entries.iter()
    }

    pub(super) fn entry(&self, name: &str) -> Option<(&'n At<String>, &'n Node<'t>)> {
        let mut entries = self.entries.iter();
        let (key, node) = entries.find(|(key, _)| key.value == name)?;
        Some((key, node))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'n Node<'t>> {
        self.entry(name).map(|(_, node)| node)
    }

    /// Says which entries mean nothing.
    pub(super) fn warn_of_unknown(&self, known: &[&str], problems: &mut Problems) {
        for (key, _) in self.entries {
            if known.contains(&key.value.as_str()) {
                continue;
            }
            let message = format!("unknown key {} in {}", quoted(&key.value), self.path);
            let problem = Problem::new(key.span.clone(), message);
            problems.warning(match closest(&key.value, known.iter().copied()) {
                Some(meant) => {
                    problem.with_help(format!("it is ignored; did you mean \"{meant}\"?"))
                }
                None => problem.with_help("it is ignored"),
            });
        }
    }

    pub(super) fn warn_of_unknown_fields(&self, fields: &[Field], problems: &mut Problems) {
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        self.warn_of_unknown(&known, problems);
    }

    /// What a field becomes, and where its name stands.
    pub(super) fn lower(
        &self,
        field: &Field,
        problems: &mut Problems,
    ) -> Option<(Range<usize>, Value<'t>)> {
        let (key, node) = self.entry(field.name)?;
        let span = || node.span.clone();
        let value = match field.take {
            Take::Apart => return None,
            Take::Nothing(why) => {
                let message = format!("\"{}\" means nothing here", field.name);
                problems.warning(Problem::new(key.span.clone(), message).with_help(why));
                return None;
            }
            Take::Milliseconds => {
                let digits = self.whole(field, node, problems)?;
                let Ok(milliseconds) = digits.parse() else {
                    let message = format!("{} is no time in milliseconds", quoted(digits));
                    problems
                        .error(Problem::new(span(), message).with_help("write a number from 1"));
                    return None;
                };
                text_value(write_duration(Duration::from_millis(milliseconds)), span())
            }
            Take::Whole => integer(self.whole(field, node, problems)?, span())?,
            Take::Restriction => {
                let digits = self.whole(field, node, problems)?;
                if digits == "0" || digits.starts_with('-') {
                    self.ignored(field.name, node, "a number from 1", problems);
                    return None;
                }
                integer(digits, span())?
            }
            Take::Restrictions => list_value(self.texts(field.name, true, problems)?, span()),
            Take::UpToTen => {
                let digits = self.whole(field, node, problems)?;
                let beyond = digits.parse().is_ok_and(|number: u64| number > 10);
                integer(if beyond { "10" } else { digits }, span())?
            }
            Take::Megabytes => {
                let Json::Number(digits) = node.value else {
                    self.ignored(field.name, node, "a number", problems);
                    return None;
                };
                text_value(megabytes(digits), span())
            }
            Take::Level => match &node.value {
                Json::Text(level) if level.parse::<LogLevel>().is_ok() => {
                    text_value(level.clone(), span())
                }
                Json::Null
                | Json::Bool(_)
                | Json::Number(_)
                | Json::Text(_)
                | Json::List(_)
                | Json::Object(_) => {
                    self.ignored(field.name, node, "debug, info, warn or error", problems);
                    return None;
                }
            },
            Take::Port => self.port(field, node, problems)?,
            Take::Runtime => self.runtime(field, node, problems)?,
        };
        Some((key.span.clone(), value))
    }

    /// A string, if it is one.
    pub(super) fn text(&self, name: &str, problems: &mut Problems) -> Option<At<String>> {
        let node = self.get(name)?;
        if let Json::Text(text) = &node.value {
            return Some(At::new(text.clone(), node.span.clone()));
        }
        self.ignored(name, node, "a string", problems);
        None
    }

    /// A list of strings; what is none of it is ignored, or refused where it `restricts`.
    pub(super) fn texts(
        &self,
        name: &str,
        restricts: bool,
        problems: &mut Problems,
    ) -> Option<Vec<At<String>>> {
        let node = self.get(name)?;
        let mut texts = Vec::new();
        let mut wrong = None;
        match &node.value {
            Json::List(items) => {
                for item in items {
                    match &item.value {
                        Json::Text(text) => texts.push(At::new(text.clone(), item.span.clone())),
                        Json::Null
                        | Json::Bool(_)
                        | Json::Number(_)
                        | Json::List(_)
                        | Json::Object(_) => wrong = wrong.or(Some(item)),
                    }
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => {
                wrong = Some(node);
            }
        }
        let Some(wrong) = wrong else {
            return Some(texts);
        };
        if restricts {
            problems.error(self.wrong(name, wrong, "a list of strings").with_help(
                "multi-project-gateway ignores this, and with it the restriction; correct it",
            ));
        } else {
            self.ignored(name, wrong, "a list of strings", problems);
        }
        None
    }

    /// The digits of a whole number.
    pub(super) fn whole(
        &self,
        field: &Field,
        node: &Node<'t>,
        problems: &mut Problems,
    ) -> Option<&'t str> {
        let Json::Number(digits) = node.value else {
            let takes = "a whole number";
            if matches!(field.take, Take::Restriction) {
                problems.error(self.wrong(field.name, node, takes));
            } else {
                self.ignored(field.name, node, takes, problems);
            }
            return None;
        };
        if digits.contains(['.', 'e', 'E']) {
            let message = format!("{}.{} is no whole number", self.path, field.name);
            problems.error(
                Problem::new(node.span.clone(), message).with_help("write it in digits alone"),
            );
            return None;
        }
        Some(digits)
    }

    /// A time in milliseconds, as a duration is written.
    pub(super) fn milliseconds(
        &self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<Value<'t>> {
        let field = field(name, "timeout", Take::Milliseconds);
        self.lower(&field, problems).map(|(_, value)| value)
    }

    fn port(&self, field: &Field, node: &Node<'t>, problems: &mut Problems) -> Option<Value<'t>> {
        if let Json::Bool(false) = node.value {
            return Some(Spanned::new(node.span.clone(), DeValue::Boolean(false)));
        }
        let digits = self.whole(field, node, problems)?;
        match digits.parse::<u16>() {
            Ok(port) if port > 0 => {
                Some(text_value(format!("127.0.0.1:{port}"), node.span.clone()))
            }
            Ok(_) | Err(_) => {
                let message = format!("{digits} is no port");
                let help = "a port is a number from 1 to 65535, or false for none";
                problems.error(Problem::new(node.span.clone(), message).with_help(help));
                None
            }
        }
    }

    fn runtime(
        &self,
        field: &Field,
        node: &Node<'t>,
        problems: &mut Problems,
    ) -> Option<Value<'t>> {
        match &node.value {
            Json::Text(word) if word == "tmux" => {
                Some(text_value("tmux".to_owned(), node.span.clone()))
            }
            // What runs directly there is kept here: nobody asks for an answer to be lost.
            Json::Text(word) if word == "direct" => None,
            Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::Text(_)
            | Json::List(_)
            | Json::Object(_) => {
                self.ignored(field.name, node, "\"direct\" or \"tmux\"", problems);
                None
            }
        }
    }

    /// Says that a value is of a sort that means nothing.
    pub(super) fn ignored(
        &self,
        name: &str,
        node: &Node<'_>,
        takes: &str,
        problems: &mut Problems,
    ) {
        problems.warning(self.wrong(name, node, takes).with_help("it is ignored"));
    }

    fn wrong(&self, name: &str, node: &Node<'_>, takes: &str) -> Problem {
        let shown = match &node.value {
            Json::Text(text) => quoted(text),
            Json::Number(digits) => quoted(digits),
            Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => node.sort().to_owned(),
        };
        let message = format!("{}.{name} takes {takes}, not {shown}", self.path);
        Problem::new(node.span.clone(), message)
    }
}

/// A number of megabytes as a size is written, within what a size may be.
fn megabytes(digits: &str) -> String {
    let megabytes: f64 = digits.parse().unwrap_or(0.0);
    let whole = format!("{:.0}", (megabytes * 1024.0).clamp(1.0, 102_400.0));
    match whole.parse::<u64>() {
        Ok(kilobytes) if kilobytes % 1024 == 0 => format!("{}MB", kilobytes / 1024),
        Ok(_) | Err(_) => format!("{whole}KB"),
    }
}

/// A whole number of the file, which TOML writes in the same way.
fn integer(digits: &str, span: Range<usize>) -> Option<Value<'_>> {
    let value = DeValue::parse(digits).ok()?;
    Some(Spanned::new(span, value.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_become_sizes() {
        for (digits, size) in [
            ("10", "10MB"),
            ("0.5", "512KB"),
            ("2.5", "2560KB"),
            ("1e1", "10MB"),
            ("0", "1KB"),
            ("-3", "1KB"),
            ("500", "100MB"),
        ] {
            assert_eq!(megabytes(digits), size, "{digits}");
        }
    }
}
