//! From a file's text to what the gateway runs with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use miette::Severity;
use mpg_core::config::{Config, Limits, RoutingTable};
use toml::de::DeTable;

use crate::claude;
use crate::discovery::is_json;
use crate::document;
use crate::layer::Layer;
use crate::path;
use crate::predecessor;
use crate::problem::{Problem, Problems};
use crate::project;
use crate::report::{ConfigError, Report};
use crate::schema::{
    AUDIT_KEEP, AUDIT_TEXTS, DATA_DIR, DRAIN_LIMIT, GATEWAY_TURNS, HTTP_HOSTS, HTTP_LISTEN,
    LOG_DIR, LOG_LEVEL, MAX_SESSIONS, NAMES, SESSION_TTL, Section, WARM_SESSIONS,
};
use crate::section::{Table, homes, table};
use crate::settings::{HttpSettings, LogLevel, LogSettings, Settings};
use crate::suggestion::{closest, listed, quoted};

/// What [`load`] needs to know.
#[derive(Clone, Copy)]
pub struct Input<'t, 'a> {
    /// How the file is called in messages.
    pub source_name: &'a str,
    /// What it holds.
    pub text: &'t str,
    /// The environment. Only `HOME` is looked at, where a path begins with `~`.
    pub env: &'a BTreeMap<String, String>,
    /// The chat platforms that are built in.
    pub platforms: &'a [Platform<'a>],
    /// What flags and environment say, which wins over the file.
    pub overrides: &'a Overrides,
    /// Whether there is a directory of this absolute path.
    pub directory_exists: &'a dyn Fn(&str) -> bool,
}

/// A chat platform: its name, which is that of its table and the first part of its channels, and
/// what its adapter says to its table.
#[derive(Clone, Copy)]
pub struct Platform<'a> {
    /// The name.
    pub name: &'a str,
    /// Checks the platform's table. It is called at most once: with the table, or with an empty one
    /// where the file has none although a channel of the platform leads to a project.
    pub check: &'a dyn Fn(&DeTable<'_>) -> Vec<Problem>,
    /// What the author of the platform's table should know although it is in order.
    pub warn: &'a dyn Fn(&DeTable<'_>) -> Vec<Problem>,
    /// Says what is wrong with the id of a channel, and what to write instead.
    pub check_channel: &'a dyn Fn(&str) -> Option<String>,
}

impl Platform<'_> {
    /// A platform that takes every table and every channel.
    pub fn unchecked(name: &str) -> Platform<'_> {
        Platform {
            name,
            check: &|_| Vec::new(),
            warn: &|_| Vec::new(),
            check_channel: &|_| None,
        }
    }
}

/// What wins over the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The log's level.
    pub log_level: Option<LogLevel>,
    /// Where state is kept; taken as it is.
    pub data_dir: Option<String>,
}

/// A file that was found to be in order.
#[derive(Debug)]
pub struct Loaded<'t> {
    /// What the core runs with.
    pub config: Config,
    /// What its surroundings run with.
    pub settings: Settings,
    /// The tables of chat platforms, by platform, as their adapters were shown them: of those that
    /// the file has a table for or a channel of.
    pub platforms: BTreeMap<String, DeTable<'t>>,
    /// What the file's author should know: above all keys without effect in this version.
    pub warnings: Report,
}

impl fmt::Debug for Input<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("source_name", &self.source_name)
            .field("platforms", &self.platforms)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Platform<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Reads a file: all of it is in order, or everything that is not is in the error.
///
/// A file whose name ends in `.json` is the predecessor's, and is read with its meaning. A file of more than [`crate::MAX_FILE_LENGTH`] bytes is refused unread.
pub fn load<'t>(input: &Input<'t, '_>) -> Result<Loaded<'t>, ConfigError> {
    let mut problems = Problems::default();
    let lowered = read(input, &mut problems);
    let Problems { errors, warnings } = problems;
    let report = |severity, found| Report::new(severity, input.source_name, input.text, found);
    match lowered {
        Some((config, settings, platforms)) if errors.kept.is_empty() => Ok(Loaded {
            config,
            settings,
            platforms,
            warnings: report(Severity::Warning, warnings),
        }),
        Some(_) | None => Err(ConfigError::of_report(report(Severity::Error, errors))),
    }
}

/// What a document comes out as.
pub(crate) type Lowered<'t> = (Config, Settings, BTreeMap<String, DeTable<'t>>);

fn read<'t>(input: &Input<'t, '_>, problems: &mut Problems) -> Option<Lowered<'t>> {
    let document = if is_json(input.source_name) {
        document::checked_length(input.text, problems)?;
        predecessor::lower(input.text, problems)?
    } else {
        document::parse(input.text, problems)?.into_inner()
    };
    read_document(&document, input, problems)
}

/// Reads a document, from wherever it comes.
pub(crate) fn read_document<'t>(
    document: &DeTable<'t>,
    input: &Input<'t, '_>,
    problems: &mut Problems,
) -> Option<Lowered<'t>> {
    refuse_unknown_tables(document, input, problems);
    let (mut limits, drain_limit, data_dir) = read_gateway(document, input, problems);
    let audit = Table::of_document(Section::Audit, document, problems);
    let texts = audit.read(&AUDIT_TEXTS, problems);
    limits.audit_texts = texts.unwrap_or_else(|| AUDIT_TEXTS.default()).value;
    let audit_keep = audit.read(&AUDIT_KEEP, problems);
    let audit_keep = audit_keep.unwrap_or_else(|| AUDIT_KEEP.default());
    let log = read_log(document, input, problems);
    let http = Table::of_document(Section::Http, document, problems);
    let listen = http.read(&HTTP_LISTEN, problems);
    let hosts = http.read(&HTTP_HOSTS, problems);
    let http = HttpSettings {
        chosen: listen.is_some(),
        listen: listen.unwrap_or_else(|| HTTP_LISTEN.default()),
        hosts: hosts
            .into_iter()
            .flat_map(|hosts| hosts.value)
            .map(|host| host.value)
            .collect(),
    };
    let claude = Table::of_document(Section::Claude, document, problems);
    let claude = claude::read(&claude, input.env, problems);
    let defaults = Table::of_document(Section::Defaults, document, problems);
    let defaults = Layer::read(Section::Defaults.name(), &defaults, problems);
    let (projects, project_settings) = project::read(document, &defaults, input, problems);
    let used: BTreeSet<&str> = projects
        .iter()
        .flat_map(|project| &project.channels)
        .map(|channel| channel.platform.as_str())
        .collect();
    let platforms = read_platforms(document, input, &used, problems);
    // Claims were checked with their spans; a conflict is among the problems already.
    let routing = RoutingTable::new(projects).ok()?;
    let config = Config { routing, limits };
    let settings = Settings {
        data_dir,
        drain_limit,
        log,
        http,
        audit_keep,
        claude,
        projects: project_settings,
    };
    Some((config, settings, platforms))
}

fn read_gateway(
    document: &DeTable<'_>,
    input: &Input<'_, '_>,
    problems: &mut Problems,
) -> (Limits, Duration, Option<String>) {
    let table = Table::of_document(Section::Gateway, document, problems);
    let data_dir = table.read(&DATA_DIR, problems);
    let data_dir =
        data_dir.and_then(|dir| path::absolute("gateway.data-dir", &dir, input.env, problems));
    let mut count = |key| table.read(key, problems).unwrap_or_else(|| key.default());
    let (turns, warm, sessions) = (
        count(&GATEWAY_TURNS),
        count(&WARM_SESSIONS),
        count(&MAX_SESSIONS),
    );
    let mut span = |key| table.read(key, problems).unwrap_or_else(|| key.default());
    let (session_ttl, drain_limit) = (span(&SESSION_TTL), span(&DRAIN_LIMIT));
    let limits = Limits {
        max_concurrent_turns: turns,
        max_warm_sessions: warm,
        max_sessions: sessions,
        session_ttl,
        ..Limits::default()
    };
    let data_dir = input.overrides.data_dir.clone().or(data_dir);
    (limits, drain_limit, data_dir)
}

fn read_log(document: &DeTable<'_>, input: &Input<'_, '_>, problems: &mut Problems) -> LogSettings {
    let table = Table::of_document(Section::Log, document, problems);
    let level = table.read(&LOG_LEVEL, problems);
    let level = level.unwrap_or_else(|| LOG_LEVEL.default()).value;
    let dir = table.read(&LOG_DIR, problems);
    LogSettings {
        level: input.overrides.log_level.unwrap_or(level),
        dir: dir.and_then(|dir| path::absolute("log.dir", &dir, input.env, problems)),
    }
}

fn read_platforms<'t>(
    document: &DeTable<'t>,
    input: &Input<'_, '_>,
    used: &BTreeSet<&str>,
    problems: &mut Problems,
) -> BTreeMap<String, DeTable<'t>> {
    let mut platforms = BTreeMap::new();
    for platform in input.platforms {
        let entries = match document.get(platform.name) {
            Some(value) => table(platform.name, value, problems).cloned(),
            None => used.contains(platform.name).then(DeTable::new),
        };
        let Some(entries) = entries else {
            continue;
        };
        for problem in (platform.check)(&entries) {
            problems.error(problem);
        }
        for problem in (platform.warn)(&entries) {
            problems.warning(problem);
        }
        platforms.insert(platform.name.to_owned(), entries);
    }
    platforms
}

fn refuse_unknown_tables(document: &DeTable<'_>, input: &Input<'_, '_>, problems: &mut Problems) {
    let sections = Section::ALL.map(Section::name);
    let sections = sections.into_iter().filter(|name| !name.contains('.'));
    let mut known: Vec<&str> = sections.chain(["projects"]).collect();
    known.extend(input.platforms.iter().map(|platform| platform.name));
    for (key, value) in document {
        let name = key.get_ref().as_ref();
        if known.contains(&name) {
            continue;
        }
        problems.error_with(|| {
            let is_table = value.get_ref().is_table();
            unknown_table(name, is_table, &known, key.span())
        });
    }
}

fn unknown_table(name: &str, is_table: bool, known: &[&str], span: Range<usize>) -> Problem {
    let known = known.iter().copied();
    let help = if NAMES.iter().any(|(key, _)| *key == name) {
        format!("`{name}` belongs in {}", homes(name))
    } else if let Some(meant) = closest(name, known.clone()) {
        format!("did you mean `{meant}`?")
    } else {
        format!("the file takes {}", listed(known))
    };
    let sort = if is_table { "table" } else { "key" };
    Problem::new(span, format!("unknown {sort} {}", quoted(name))).with_help(help)
}
