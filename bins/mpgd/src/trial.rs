//! `mpgd try`: a chat in the terminal or the browser with an agent in one directory. Nothing is kept.

mod browser;
mod opener;

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mpg_claude::{GatewayIdentity, Secret};
use mpg_config::{ClaudeSettings, Input, LogLevel, Overrides, Platform, load};
use mpg_console::ConsoleSettings;
use mpg_core::config::Config;
use mpg_core::id::{ChannelId, ChannelKey, InstallationId, PlatformId};
use mpg_core::port::AgentRuntime;
use mpg_discord::config::DEFAULT_TOKEN_ENV;
use mpg_engine::{Engine, ScriptedRuntime};
use mpg_workspace::PlainDirectories;
use uuid::Uuid;

use self::opener::Opener;
use crate::agent::{Agent, outdated};
use crate::cli::{Global, Trial};
use crate::exit::{self, Failure};
use crate::{environment, logging, run, signals};

/// How long an interrupt waits for the running turn: somebody sits there and waits for the prompt.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

pub(crate) fn run(global: &Global, trial: &Trial) -> Result<ExitCode, Failure> {
    let level = global.log_level.unwrap_or(LogLevel::Error);
    logging::start(level, global.log_level.is_some());
    let directory =
        std::fs::canonicalize(&trial.directory).map_err(Failure::io(trial.directory.clone()))?;
    if !directory.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is no directory",
            trial.directory
        )));
    }
    let environment = environment::read();
    let channel = if trial.web {
        let platform = PlatformId::new(mpg_web::chat::PLATFORM);
        ChannelKey::new(platform, ChannelId::new(browser::CHANNEL))
    } else {
        mpg_console::channel()
    };
    let (config, claude) = configuration(&directory, &channel, &environment)?;
    run::runtime()?.block_on(chat(&directory, config, &claude, &environment, trial))
}

async fn chat(
    directory: &Path,
    config: Config,
    claude: &ClaudeSettings,
    environment: &BTreeMap<String, String>,
    trial: &Trial,
) -> Result<ExitCode, Failure> {
    let sessions = Sessions::new(environment)?;
    let (runtime, who) = agent(
        Agent::new(claude, environment, &[DEFAULT_TOKEN_ENV]),
        &sessions,
        trial.scripted,
    )
    .await?;
    let (handle, stop) = mpg_engine::stop();
    signals::forward(move || handle.next())?;
    exit::print(&format!(
        "{who}\nin {}; nothing of this chat is kept here\n",
        directory.display()
    ));
    if trial.web {
        let wanted = !trial.no_open && io::stdout().is_terminal();
        let opener = if wanted {
            Opener::of(environment)
        } else {
            None
        };
        browser::serve(config, runtime, &sessions, opener, stop).await?;
        return Ok(ExitCode::SUCCESS);
    }
    exit::print("type a message; /quit or ctrl-d ends\n");
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let connection = mpg_console::connect(ConsoleSettings {
        input: Box::new(io::BufReader::new(io::stdin())),
        output: Arc::new(Mutex::new(io::stdout())),
        interactive,
        colour: interactive && !environment.contains_key("NO_COLOR"),
        first_message: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
        user: environment
            .get("USER")
            .filter(|user| !user.is_empty())
            .cloned()
            .unwrap_or_else(|| "you".to_owned()),
    });
    let ended = Engine::builder(Arc::new(config), runtime)
        .workspaces(Arc::new(PlainDirectories))
        .connection(connection)
        .drain_limit(DRAIN_LIMIT)
        .build()
        .run(stop)
        .await;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Who answers, and how that is said.
async fn agent(
    claude: Agent,
    sessions: &Sessions,
    scripted: bool,
) -> Result<(Arc<dyn AgentRuntime>, String), Failure> {
    let demonstration: Arc<dyn AgentRuntime> = Arc::new(ScriptedRuntime::demonstration());
    if scripted {
        let who = "the built-in scripted agent answers".to_owned();
        return Ok((demonstration, who));
    }
    Ok(match claude.version().await {
        Ok(version) => (
            Arc::new(claude.runtime(sessions.folder.clone(), gateway()?, None)),
            match outdated(version) {
                Some(outdated) => outdated,
                None => format!("claude {version} answers"),
            },
        ),
        Err(problem) => (
            demonstration,
            format!("{problem}; until then, the built-in scripted agent answers"),
        ),
    })
}

/// Where the sessions of one chat are kept while it lasts.
struct Sessions {
    folder: PathBuf,
}

impl Sessions {
    fn new(environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let below = environment.get("TMPDIR").map_or("/tmp", String::as_str);
        let folder = Path::new(below).join(format!("mpgd-try-{}", Uuid::from_bytes(random()?)));
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(Failure::io(format!("{}", folder.display())))?;
        Ok(Self { folder })
    }
}

/// A gateway whose sessions nobody else will ever take over.
fn gateway() -> Result<GatewayIdentity, Failure> {
    Ok(GatewayIdentity {
        installation: InstallationId::from_uuid(Uuid::from_bytes(random()?)),
        epoch: 1,
        secret: Secret::new(random()?),
    })
}

impl Drop for Sessions {
    fn drop(&mut self) {
        // What is left is in a folder for what nobody keeps.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

pub(crate) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Failure> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)
        .map_err(io::Error::from)
        .map_err(Failure::io("the system has no random numbers"))?;
    Ok(bytes)
}

/// The configuration of a project that is this directory, with the defaults of a file.
pub(crate) fn configuration(
    directory: &Path,
    channel: &ChannelKey,
    environment: &BTreeMap<String, String>,
) -> Result<(Config, ClaudeSettings), Failure> {
    let directory = directory.to_string_lossy();
    let text = format!(
        "[projects.here]\ndirectory = {}\nchannels = [\"{}\"]\npersistence = \"none\"\n",
        toml::Value::String(directory.into_owned()),
        channel,
    );
    let platform = Platform::unchecked(channel.platform.as_str());
    let loaded = load(&Input {
        source_name: "mpgd try",
        text: &text,
        env: environment,
        platforms: &[platform],
        overrides: &Overrides::default(),
        directory_exists: &|directory| Path::new(directory).is_dir(),
    })?;
    Ok((loaded.config, loaded.settings.claude))
}
