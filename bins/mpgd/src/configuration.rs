//! Finding, reading and checking the configuration file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use mpg_config::{
    Candidate, ConfigError, FileKind, Input, LogLevel, MAX_FILE_LENGTH, Overrides, Platform,
    Problem, Report, Search, Settings, expand_home, load,
};
use mpg_core::config::Config;
use mpg_discord::config::{DEFAULT_TOKEN_ENV, TableSettings, TokenSource};
use mpg_web::chat;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::agent::Agent;
use crate::cli::Global;
use crate::exit::Failure;
use crate::{dotenv, environment};

/// The variables that name a Discord, and the keys that they win over.
const ORIGINS: [(&str, &str); 2] = [
    ("MPG_DISCORD_API_URL", "api-url"),
    ("MPG_DISCORD_GATEWAY_URL", "gateway-url"),
];

/// A configuration that is in order.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The file.
    pub(crate) path: String,
    /// As what it was read.
    pub(crate) stamp: Option<FileStamp>,
    pub(crate) config: Config,
    pub(crate) settings: Settings,
    /// What the file says about Discord, if a channel of it is mapped.
    pub(crate) discord: Option<TableSettings>,
    /// Who answers.
    pub(crate) agent: Agent,
    pub(crate) warnings: Report,
    /// Where state belongs.
    pub(crate) state_dir: String,
    /// Whether it is the predecessor's file.
    pub(crate) of_predecessor: bool,
    /// The environment that the file was read with; for the predecessor's file, with what its files
    /// of variables add.
    pub(crate) environment: BTreeMap<String, String>,
}

/// By what it is seen that a file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    file: u64,
    length: u64,
    changed_at: (i64, i64),
}

impl FileStamp {
    /// That of a file as it is now; `None` where it cannot be looked at.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            file: found.ino(),
            length: found.len(),
            changed_at: (found.mtime(), found.mtime_nsec()),
        })
    }
}

impl Configuration {
    /// Finds and reads the file; everything that is wrong with it is in the error.
    pub(crate) fn read(global: &Global) -> Result<Self, Failure> {
        let candidate = find_file(global)?;
        // Before it is read: a change meanwhile is seen later, and not lost.
        let stamp = FileStamp::of(&candidate.path);
        let text = read_file(&candidate.path)?;
        let configuration = Self::of(global, candidate, &text)?;
        Ok(Self {
            stamp,
            ..configuration
        })
    }

    /// Checks a text as if it stood in a file; everything that is wrong with it is in the error.
    pub(crate) fn of(global: &Global, file: Candidate, text: &str) -> Result<Self, Failure> {
        let found = environment::read();
        let working_dir = working_dir()?;
        let search = Search {
            config: global.config.as_deref(),
            profile: global.profile.as_deref(),
            working_dir: &working_dir,
            env: &found,
        };
        let Candidate { path, kind } = file;
        let of_predecessor = kind == FileKind::Predecessor;
        let mut environment = found.clone();
        let mut variables = Vec::new();
        if of_predecessor {
            variables = dotenv::files(&search);
            for file in &variables {
                for (name, value) in dotenv::read(file) {
                    environment.entry(name).or_insert(value);
                }
            }
        }
        let overrides = Overrides {
            log_level: global.log_level,
            data_dir: global
                .data_dir
                .as_deref()
                .map(|dir| absolute(&working_dir, dir)),
        };
        let discord = Platform {
            name: mpg_discord::PLATFORM,
            check: &|table| check_discord(table, &environment),
            warn: &|_| Vec::new(),
            check_channel: &mpg_discord::config::channel_problem,
        };
        let browser = Platform {
            name: chat::PLATFORM,
            check: &nothing_in,
            warn: &|_| Vec::new(),
            check_channel: &chat::channel_problem,
        };
        let loaded = load(&Input {
            source_name: &path,
            text,
            env: &environment,
            platforms: &[discord, browser],
            overrides: &overrides,
            directory_exists: &|directory| Path::new(directory).is_dir(),
        })?;
        let uses_discord = loaded
            .config
            .routing
            .channels()
            .any(|(channel, _)| channel.platform.as_str() == mpg_discord::PLATFORM);
        let table = loaded.platforms.get(mpg_discord::PLATFORM);
        let discord = table.and_then(|table| mpg_discord::config::settings_from(table).0);
        let discord = discord
            .map(|discord| with_origins(discord, &environment))
            .transpose()?;
        let secret = match discord.as_ref().map(|discord| &discord.token) {
            Some(TokenSource::Env(name)) => name,
            Some(TokenSource::File(_) | TokenSource::Command(_)) | None => DEFAULT_TOKEN_ENV,
        };
        let secrets = [DEFAULT_TOKEN_ENV, secret];
        let state_dir = match &loaded.settings.data_dir {
            Some(directory) => directory.clone(),
            None => search.state_dir(&path)?,
        };
        let token_file = match discord.as_ref().map(|discord| &discord.token) {
            Some(TokenSource::File(file)) => expand_home(file, &environment),
            Some(TokenSource::Env(_) | TokenSource::Command(_)) | None => None,
        };
        let own = [Some(path.clone()), Some(state_dir.clone()), token_file];
        let variables = variables
            .iter()
            .map(|file| file.to_string_lossy().into_owned());
        let own = own.into_iter().flatten().chain(variables);
        let agent = Agent::new(&loaded.settings.claude, &environment, &secrets)
            .without(own.map(|own| PathBuf::from(absolute(&working_dir, &own))))
            .beside(
                loaded
                    .config
                    .routing
                    .projects()
                    .map(|project| PathBuf::from(&project.directory)),
            );
        Ok(Self {
            path,
            stamp: None,
            config: loaded.config,
            settings: loaded.settings,
            discord: discord.filter(|_| uses_discord),
            agent,
            warnings: loaded.warnings,
            state_dir,
            of_predecessor,
            environment,
        })
    }

    /// The level of the log.
    pub(crate) fn log_level(&self) -> LogLevel {
        self.settings.log.level
    }
}

/// The configuration file that is read.
pub(crate) fn find_file(global: &Global) -> Result<Candidate, Failure> {
    let environment = environment::read();
    let working_dir = working_dir()?;
    let search = Search {
        config: global.config.as_deref(),
        profile: global.profile.as_deref(),
        working_dir: &working_dir,
        env: &environment,
    };
    find(&search, global)
}

/// Where the file says that the bot's token is, even if the file is not fit to run otherwise.
pub(crate) fn token_source(text: &str) -> Option<TokenSource> {
    let (document, _) = DeTable::parse_recoverable(text);
    match document.get_ref().get(mpg_discord::PLATFORM) {
        Some(value) => {
            let table = value.get_ref().as_table()?;
            Some(mpg_discord::config::settings_from(table).0?.token)
        }
        None => Some(TokenSource::Env(DEFAULT_TOKEN_ENV.to_owned())),
    }
}

pub(crate) fn find(search: &Search<'_>, global: &Global) -> Result<Candidate, Failure> {
    let candidates = search.candidates()?;
    for candidate in &candidates {
        if Path::new(&candidate.path).is_file() {
            return Ok(Candidate {
                path: without_parents(&candidate.path)?,
                kind: candidate.kind,
            });
        }
    }
    let named = global.config.is_some();
    let places: Vec<&str> = candidates
        .iter()
        .filter(|candidate| named || candidate.kind == FileKind::Toml)
        .map(|candidate| candidate.path.as_str())
        .collect();
    Err(Failure::NoConfig(
        if global.config.is_some() || global.profile.is_some() {
            format!("there is no configuration file {}", places.join(" or "))
        } else {
            format!(
                "there is no configuration file; looked for {}\n  help: write one (see \
                 docs/configuration.md), name one with --config, or chat without one: mpgd try",
                places.join(", then ")
            )
        },
    ))
}

/// The same file, with no `..` in its path: a state is named after it, and one file has one.
pub(crate) fn without_parents(path: &str) -> Result<String, Failure> {
    let parts: Vec<Component<'_>> = Path::new(path).components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else {
        return Ok(path.to_owned());
    };
    let (up, down) = parts.split_at(last + 1);
    // Not by the text alone: behind a link, `..` leads to where that points.
    let up = fs::canonicalize(up.iter().collect::<PathBuf>()).map_err(Failure::io(path))?;
    let file = up.join(down.iter().collect::<PathBuf>());
    Ok(file.to_string_lossy().into_owned())
}

/// Reads a configuration file; a long one only up to where it is found to be too long.
pub(crate) fn read_file(path: &str) -> Result<String, Failure> {
    let what = || format!("the configuration file {path} cannot be read");
    let file = fs::File::open(path).map_err(Failure::io(what()))?;
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that the loader sees that it is too long.
    file.take(MAX_FILE_LENGTH as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(Failure::io(what()))?;
    String::from_utf8(bytes).map_err(|error| {
        let source = io::Error::new(io::ErrorKind::InvalidData, error.utf8_error());
        Failure::from(ConfigError::new(
            path,
            "",
            vec![
                Problem::of_file(format!("this is no text: {source}"))
                    .with_help("write it as UTF-8"),
            ],
        ))
    })
}

/// The working directory.
pub(crate) fn working_dir() -> Result<String, Failure> {
    let directory = std::env::current_dir().map_err(Failure::io("the working directory"))?;
    Ok(directory.to_string_lossy().into_owned())
}

pub(crate) fn absolute(working_dir: &str, path: &str) -> String {
    Path::new(working_dir)
        .join(path)
        .to_string_lossy()
        .into_owned()
}

/// The origin of Discord's REST API that the environment names, checked.
pub(crate) fn api_url(environment: &BTreeMap<String, String>) -> Result<Option<String>, Failure> {
    let settings = TableSettings {
        token: TokenSource::Env(DEFAULT_TOKEN_ENV.to_owned()),
        api_url: None,
        gateway_url: None,
        requests_per_second: None,
        native_commands: true,
        attachment_hosts: Vec::new(),
    };
    Ok(with_origins(settings, environment)?.api_url)
}

/// Puts in the origins that the environment names, which win over the file.
fn with_origins(
    mut settings: TableSettings,
    environment: &BTreeMap<String, String>,
) -> Result<TableSettings, Failure> {
    let mut table = DeTable::new();
    for (variable, key) in ORIGINS {
        if let Some(origin) = environment
            .get(variable)
            .filter(|origin| !origin.is_empty())
        {
            let origin = DeValue::String(origin.as_str().into());
            table.insert(Spanned::new(0..0, key.into()), Spanned::new(0..0, origin));
        }
    }
    let (origins, problems) = mpg_discord::config::settings_from(&table);
    if let Some(problem) = problems.first() {
        let names = ORIGINS.map(|(variable, _)| variable).join(" or ");
        let message = format!("{names} of the environment: {}", problem.message);
        return Err(Failure::NoConfig(message));
    }
    if let Some(origins) = origins {
        settings.api_url = origins.api_url.or(settings.api_url);
        settings.gateway_url = origins.gateway_url.or(settings.gateway_url);
    }
    Ok(settings)
}

/// The chat in the browser has no settings of its own.
fn nothing_in(table: &DeTable<'_>) -> Vec<Problem> {
    let keys = table.keys().map(|key| {
        let message = format!("there is no key `{}` here", key.get_ref());
        Problem::new(key.span(), message).with_help("the chat in the browser has no settings")
    });
    keys.collect()
}

fn check_discord(table: &DeTable<'_>, environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let (settings, problems) = mpg_discord::config::settings_from(table);
    let mut problems = converted(problems);
    problems.extend(settings.and_then(|settings| missing_token(table, &settings, environment)));
    problems
}

fn converted(problems: Vec<mpg_discord::config::Problem>) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| {
            let converted = Problem::new(problem.span, problem.message);
            match problem.help {
                Some(help) => converted.with_help(help),
                None => converted,
            }
        })
        .collect()
}

/// What is wrong with where the token comes from, as far as that can be seen without fetching it.
fn missing_token(
    table: &DeTable<'_>,
    settings: &TableSettings,
    environment: &BTreeMap<String, String>,
) -> Option<Problem> {
    let (key, message, help) = match &settings.token {
        TokenSource::Env(name) => {
            let token = environment.get(name).map(|token| token.trim());
            if token.is_some_and(|token| !token.is_empty()) {
                return None;
            }
            let help = format!(
                "set {name} in the environment, or name another source with token-file or \
                 token-command in [discord]"
            );
            ("token-env", format!("{name} is not set"), help)
        }
        TokenSource::File(path) => {
            let path = expand_home(path, environment).unwrap_or_else(|| path.clone());
            let message = match fs::metadata(&path) {
                Ok(file) if file.is_file() && file.len() > 0 => return None,
                Ok(_) => format!("the token file {path} is empty or no file"),
                Err(error) => format!("the token file {path} cannot be read: {error}"),
            };
            ("token-file", message, "write the token into it".to_owned())
        }
        TokenSource::Command(_) => return None,
    };
    let problem = match table.get(key) {
        Some(value) => Problem::new(value.span(), message),
        None => Problem::of_file(format!("the Discord token is missing: {message}")),
    };
    Some(problem.with_help(help))
}
