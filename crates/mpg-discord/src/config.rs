//! The `[discord]` table of the configuration, checked as a whole.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files::authority;
use crate::render::snowflake;

/// The environment variable that holds the token where the table does not say otherwise.
pub const DEFAULT_TOKEN_ENV: &str = "DISCORD_BOT_TOKEN";

/// Every key of the table, with what it takes.
pub const KEYS: [(&str, Takes); 8] = [
    ("token-env", Takes::Text),
    ("token-file", Takes::Text),
    ("token-command", Takes::TextOrTexts),
    ("api-url", Takes::Text),
    ("gateway-url", Takes::Text),
    ("requests-per-second", Takes::Count(1, u16::MAX)),
    ("attachment-hosts", Takes::Texts),
    ("native-commands", Takes::Switch),
];

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A string, or a list of them.
    TextOrTexts,
    /// A whole number from the first to the second.
    Count(u16, u16),
    /// `true` or `false`.
    Switch,
}

/// What the table says; secrets are named, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// Where the token comes from.
    pub token: TokenSource,
    /// The origin of the REST API.
    pub api_url: Option<String>,
    /// The gateway.
    pub gateway_url: Option<String>,
    /// How many REST requests are sent in one second.
    pub requests_per_second: Option<u16>,
    /// Whether commands are declared to Discord.
    pub native_commands: bool,
    /// The hosts that files of messages are fetched from besides Discord's own.
    pub attachment_hosts: Vec<String>,
}

/// Where the token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable, by name.
    Env(String),
    /// A file, by path.
    File(String),
    /// What a command prints: its program and arguments. A command given as one string is a shell's.
    Command(Vec<String>),
}

/// Something wrong in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the document that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Reads the table and finds everything that is wrong with it.
///
/// The settings are there exactly when there are no problems.
pub fn settings_from(table: &DeTable<'_>) -> (Option<TableSettings>, Vec<Problem>) {
    let mut reader = Reader::default();
    let mut tokens: Vec<(Range<usize>, TokenSource)> = Vec::new();
    let mut token_keys = 0;
    let mut settings = TableSettings {
        token: TokenSource::Env(DEFAULT_TOKEN_ENV.to_owned()),
        api_url: None,
        gateway_url: None,
        requests_per_second: None,
        native_commands: true,
        attachment_hosts: Vec::new(),
    };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let source = match name {
            "token-env" => reader.text(name, value).map(TokenSource::Env),
            "token-file" => reader.text(name, value).map(TokenSource::File),
            "token-command" => reader.command(name, value),
            "api-url" => {
                settings.api_url = reader.url(name, value, &["http", "https"]);
                continue;
            }
            "gateway-url" => {
                settings.gateway_url = reader.url(name, value, &["ws", "wss"]);
                continue;
            }
            "requests-per-second" => {
                settings.requests_per_second = reader.rate(name, value);
                continue;
            }
            "attachment-hosts" => {
                settings.attachment_hosts = reader.hosts(name, value);
                continue;
            }
            "native-commands" => {
                if let Some(wanted) = reader.switch(name, value) {
                    settings.native_commands = wanted;
                }
                continue;
            }
            unknown => {
                reader.unknown(unknown, key.span());
                continue;
            }
        };
        token_keys += 1;
        if token_keys > 1 {
            reader.problem(
                key.span(),
                format!("`{name}` is the second source of the token"),
                "keep one of `token-env`, `token-file` and `token-command`",
            );
        }
        if let Some(source) = source {
            tokens.push((key.span(), source));
        }
    }
    if let Some((_, source)) = tokens.into_iter().next() {
        settings.token = source;
    }
    let complete = reader.problems.is_empty().then_some(settings);
    (complete, reader.problems)
}

/// What is wrong with the id of a channel, and what to do about it; `None` if it may be one.
///
/// Whether there is such a channel is not asked.
pub fn channel_problem(id: &str) -> Option<String> {
    // As messages carry it: an id with a leading zero would equal none of theirs.
    let is_id = snowflake(id).is_some_and(|number| number.to_string() == id);
    (!is_id).then(|| {
        format!(
            "`{id}` is no id of a channel; a Discord channel is named by its id, a number: \
             right-click the channel with Developer Mode on, Copy Channel ID"
        )
    })
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn text(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            Some(_) => {
                self.problem(
                    value.span(),
                    format!("`{key}` is empty"),
                    "give it a value or remove it",
                );
                None
            }
            None => {
                self.kind(key, value, "a string");
                None
            }
        }
    }

    fn texts(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let Some(items) = value.get_ref().as_array() else {
            self.kind(key, value, "an array of strings");
            return None;
        };
        items.iter().map(|item| self.text(key, item)).collect()
    }

    fn hosts(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let hosts = self.texts(key, value).unwrap_or_default();
        let items = value.get_ref().as_array().into_iter().flatten();
        for (host, item) in hosts.iter().zip(items) {
            if authority(host).is_none() {
                self.problem(
                    item.span(),
                    format!("`{key}` takes hosts, and one of these is none"),
                    "write a name such as files.example.org, or a name and a port",
                );
            }
        }
        hosts
    }

    fn command(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<TokenSource> {
        if value.get_ref().is_str() {
            let script = self.text(key, value)?;
            let shell = ["/bin/sh", "-c"].map(str::to_owned);
            return Some(TokenSource::Command(
                shell.into_iter().chain([script]).collect(),
            ));
        }
        let argv = self.texts(key, value)?;
        if argv.is_empty() {
            self.problem(
                value.span(),
                format!("`{key}` is empty"),
                "name a program and its arguments",
            );
            return None;
        }
        Some(TokenSource::Command(argv))
    }

    fn url(&mut self, key: &str, value: &Spanned<DeValue<'_>>, schemes: &[&str]) -> Option<String> {
        let text = self.text(key, value)?;
        match crate::origin::origin(&text, schemes) {
            Ok(origin) => Some(origin),
            Err(problem) => {
                self.problem(
                    value.span(),
                    format!("`{key}` {problem}"),
                    format!("write an origin such as `{}://localhost:8080`", schemes[0]),
                );
                None
            }
        }
    }

    fn switch(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        let wanted = value.get_ref().as_bool();
        if wanted.is_none() {
            self.kind(key, value, "`true` or `false`");
        }
        wanted
    }

    fn rate(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<u16> {
        let Some(number) = value.get_ref().as_integer() else {
            self.kind(key, value, "a whole number");
            return None;
        };
        match u16::from_str_radix(number.as_str(), number.radix()) {
            Ok(rate) if rate > 0 => Some(rate),
            Ok(_) | Err(_) => {
                self.problem(
                    value.span(),
                    format!("`{key}` has to be between 1 and {}", u16::MAX),
                    "Discord allows a bot 50 requests a second",
                );
                None
            }
        }
    }

    fn unknown(&mut self, key: &str, span: Range<usize>) {
        let help = if matches!(key, "token" | "bot-token" | "bot_token") {
            "a secret is never written here: name where it is with `token-env`, `token-file` or \
             `token-command`"
                .to_owned()
        } else if let Some(near) = nearest(key) {
            format!("did you mean `{near}`?")
        } else {
            format!("known keys are {}", KEYS.map(|(name, _)| name).join(", "))
        };
        self.problem(span, format!("unknown key `{key}`"), help);
    }

    fn kind(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = value.get_ref().type_str();
        self.problems.push(Problem {
            span: value.span(),
            message: format!("`{key}` has to be {wanted}, and is of type {found}"),
            help: None,
        });
    }

    fn problem(&mut self, span: Range<usize>, message: String, help: impl Into<String>) {
        self.problems.push(Problem {
            span,
            message,
            help: Some(help.into()),
        });
    }
}

/// The known key that is fewest edits away, if that is few enough to be a slip.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.replace('_', "-");
    KEYS.into_iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(&key, known), known))
        .min()
        .filter(|(edits, known)| *edits <= known.len() / 3)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn show(text: &str) -> String {
        let document = DeTable::parse(text).unwrap();
        let (settings, problems) = settings_from(document.get_ref());
        assert_eq!(settings.is_some(), problems.is_empty());
        let mut shown = format!("{text}\n=>\n");
        if let Some(settings) = settings {
            writeln!(shown, "{settings:#?}").unwrap();
        }
        for problem in problems {
            let at = &text[problem.span.clone()];
            writeln!(shown, "error at {at}: {}", problem.message).unwrap();
            if let Some(help) = problem.help {
                writeln!(shown, "  help: {help}").unwrap();
            }
        }
        shown
    }

    #[test]
    fn tables() {
        let cases = [
            "",
            "token-env = 'MY_TOKEN'\napi-url = 'http://localhost:3000/'\n\
             gateway-url = 'ws://localhost:3001'\nrequests-per-second = 1_000\n\
             attachment-hosts = ['files.example.org']",
            "attachment-hosts = []",
            "native-commands = false",
            "native-commands = 'no'",
            "attachment-hosts = ['h:8443', 'https://h', 'h/path']",
            "token-file = '/run/secrets/token'",
            "token-command = ['pass', 'show', 'discord']",
            "token-command = 'pass show discord'",
            "token = 'abc'",
            "token_env = 'A'\ngatewayurl = 'ws://h'\ncolour = 1",
            "token-env = 'A'\ntoken-file = 'b'",
            "token-env = 3\napi-url = 'localhost'\ngateway-url = 'https://h'\n\
             requests-per-second = 0\nattachment-hosts = 'h'\ntoken-command = []",
            "api-url = 'https://h/api/v10'\nrequests-per-second = 'fast'",
        ];
        let shown: Vec<String> = cases.into_iter().map(show).collect();
        insta::assert_snapshot!(shown.join("\n----\n"));
    }

    #[test]
    fn channels() {
        for id in ["123456789012345678", "1", "18446744073709551615"] {
            assert_eq!(channel_problem(id), None, "{id}");
        }
        for id in [
            "",
            "0",
            "010",
            "-1",
            "+1",
            " 1",
            "18446744073709551616",
            "١",
        ] {
            assert!(channel_problem(id).is_some(), "{id}");
        }
        insta::assert_snapshot!(channel_problem("general").unwrap());
    }
}
