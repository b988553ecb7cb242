//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mpg_config::LogLevel;
use mpg_core::token::Scope;

/// Connects chat channels to coding-agent sessions.
#[derive(Debug, Parser)]
#[command(name = "mpgd", version = env!("MPG_VERSION"), about)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<String>,
    /// The profile whose configuration is used
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "config")]
    pub(crate) profile: Option<String>,
    /// Where state is kept
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<String>,
    /// What is logged: error, warn, info, debug or trace
    #[arg(long = "log", value_name = "LEVEL", global = true)]
    pub(crate) log_level: Option<LogLevel>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway (the default)
    #[command(visible_alias = "start")]
    Run,
    /// Report everything that is wrong with the configuration, and what routes where
    Check,
    /// Print what a configuration file may say, as a JSON Schema for editors
    Schema,
    /// Show what would become of a made-up message
    Routes(MadeUp),
    /// Show what the running gateway is doing
    Status(ListOptions),
    /// Let the running gateway take up its configuration
    Reload(ListOptions),
    /// End the running gateway, and wait until it has ended
    Stop(StopOptions),
    /// Show what the gateway wrote down
    Logs(LogOptions),
    /// Ask an agent something, in a new thread of its project's channel
    Send(Send),
    /// List the answers that could not be delivered
    Deliveries {
        #[command(flatten)]
        options: ListOptions,
        #[command(subcommand)]
        command: Option<DeliveriesCommand>,
    },
    /// List what agents ask people and nobody has answered yet
    Requests(ListOptions),
    /// Answer what an agent asks
    Answer(AnswerOptions),
    /// List the agents that are kept, whether the gateway runs or not
    Sessions(ListOptions),
    /// End the agents that nobody owns, and remove what nobody needs of them
    Reap(ReapOptions),
    /// Copy the state, whether the gateway runs or not
    Backup(BackupOptions),
    /// Look for what is wrong with this installation
    Doctor(ListOptions),
    /// Write a configuration of multi-project-gateway as one of our own, and go on with its sessions
    Import(Import),
    /// Set everything up: token, server, channels and projects
    Init(Init),
    /// Add, list and remove projects
    Project {
        #[command(subcommand)]
        command: ProjectCommand,
    },
    /// Run the gateway as a service of this user
    #[command(visible_alias = "daemon")]
    Service {
        #[command(subcommand)]
        command: ServiceCommand,
    },
    /// Print the script that completes arguments in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a directory
    Man {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: Option<String>,
    },
    /// Chat with an agent in this directory, in this terminal
    Try(Trial),
    /// Post files in the thread of the agent that this is called by
    SendFile(SendFile),
    /// Make, list and revoke what programs show to be let in over HTTP
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// See who did what, and check that it is what was written
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print a link to the dashboard of the running gateway
    Dashboard(DashboardOptions),
    /// Keep one agent session; started by the gateway
    #[command(hide = true)]
    Keep {
        /// The session's folder
        folder: PathBuf,
    },
    /// Become the agent of a keeper; started by the keeper
    #[command(hide = true)]
    Exec {
        /// The keeper's process
        keeper: i32,
        /// The agent's program
        program: OsString,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// How the gateway is ended.
#[derive(Debug, Args)]
pub(crate) struct StopOptions {
    /// Do not wait for the turns that run: the next start goes on with them
    #[arg(long)]
    pub(crate) now: bool,
}

/// What of the log is shown.
#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// Go on with what is written from now on
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many lines are shown of what is there
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 200)]
    pub(crate) lines: usize,
    /// The least important level: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<LogLevel>,
    /// Only what is about a project
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Only what is about a thread or channel
    #[arg(long, value_name = "ID")]
    pub(crate) thread: Option<String>,
    /// Print the lines as they are written
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is asked, and whom.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The project, and its agent if not the default one
    #[arg(value_name = "PROJECT[:AGENT]")]
    pub(crate) to: String,
    /// What to ask; default: what standard input says
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// Wait for the answer and print it; ends with 1 if the turn fails, and with 2 if it is stopped
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How something is shown.
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is ended.
#[derive(Debug, Args)]
pub(crate) struct ReapOptions {
    /// End agents in the middle of a turn, too
    #[arg(long)]
    pub(crate) busy: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is answered.
#[derive(Debug, Args)]
pub(crate) struct AnswerOptions {
    /// Its id, as listed
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// A number or a word that the list names, such as `allow` or `deny: too early`, or the answer to
    /// a question
    #[arg(value_name = "TEXT", required = true, trailing_var_arg = true)]
    pub(crate) text: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// Post one of them again
    Retry {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is printed alone on the last line, and never again
    Create {
        /// What its holder may do
        #[arg(long, value_enum)]
        scope: TokenScope,
        /// What it is for
        #[arg(long, value_name = "NAME", default_value = "")]
        name: String,
    },
    /// List the tokens, without what is secret about them
    List(ListOptions),
    /// Let nobody in by a token any more
    Revoke {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Look at every entry of the audit log; exits with 1 where it is not what was written
    Verify(VerifyOptions),
    /// Print the audit log, the oldest entry first
    Export(ExportOptions),
}

/// How the audit log is checked.
#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// The last entry of an earlier check, which has to be there still
    #[arg(long, value_name = "NUMBER:HASH")]
    pub(crate) known: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What of the audit log is printed.
#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// Only what is not older than this time or day
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Print each entry as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who is let into the dashboard.
#[derive(Debug, Args)]
pub(crate) struct DashboardOptions {
    /// What may be done there
    #[arg(long, value_enum, default_value = "admin")]
    pub(crate) scope: TokenScope,
}

/// What the holder of a token may do: each may do what the ones before it may.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TokenScope {
    /// Look at everything
    Read,
    /// Ask agents and tell people something, answer requests, stop turns, and post again what could
    /// not be delivered
    Write,
    /// End sessions and what waits in them
    Admin,
}

impl From<TokenScope> for Scope {
    fn from(scope: TokenScope) -> Self {
        match scope {
            TokenScope::Read => Self::Read,
            TokenScope::Write => Self::Write,
            TokenScope::Admin => Self::Admin,
        }
    }
}

/// Where a copy goes.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// A new file; default: one named after the time, in `backups` beside the state
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A made-up message.
#[derive(Debug, Args)]
pub(crate) struct MadeUp {
    /// Its text
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: String,
    /// The channel it is posted in, as in the configuration; default: every mapped channel
    #[arg(long, value_name = "PLATFORM:ID")]
    pub(crate) channel: Option<String>,
    /// The thread it is posted in
    #[arg(long, value_name = "ID")]
    pub(crate) thread: Option<String>,
    /// The id of its author
    #[arg(long, value_name = "ID", default_value = "somebody")]
    pub(crate) user: String,
    /// A role of its author, by id or name; may be repeated
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// A bot wrote it
    #[arg(long)]
    pub(crate) bot: bool,
}

/// What is imported, and where to.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The configuration of multi-project-gateway
    #[arg(value_name = "CONFIG.json")]
    pub(crate) config: String,
    /// Its sessions; default: sessions.json or .sessions.json beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) sessions: Option<String>,
    /// The variables with its token; default: .env of the profiles' home, here, or beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) env: Option<String>,
    /// The file to write; default: mpg.toml of the profile
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    pub(crate) out: Option<String>,
    /// Write mpg.toml in this directory
    #[arg(long, conflicts_with_all = ["out", "profile"])]
    pub(crate) here: bool,
}

/// What is set up. What no flag says is asked, or is as usual where nobody can be asked.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Take over config.json, sessions and token of multi-project-gateway from this directory
    #[arg(long, exclusive = true)]
    pub(crate) migrate: bool,
    /// Write mpg.toml in this directory instead of the profile
    #[arg(long, conflicts_with_all = ["config", "profile"])]
    pub(crate) here: bool,
    #[command(flatten)]
    pub(crate) token: TokenOptions,
    /// The directory of a project, and the name or id of its channel (default: the channel that is
    /// called like it); may be repeated
    #[arg(long = "project", value_name = "DIR[=CHANNEL]")]
    pub(crate) projects: Vec<String>,
    #[command(flatten)]
    pub(crate) places: PlaceOptions,
    /// Do not wait for the bot to be added to a server
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Add projects to the configuration file; its comments and its order stay
    Add(ProjectAdd),
    /// List the projects of the configuration file
    List(ListOptions),
    /// Take a project out of the configuration file; its directory and its state stay
    Remove {
        /// Its name
        name: String,
    },
}

/// Which projects are added. What is not said is asked.
#[derive(Debug, Args)]
pub(crate) struct ProjectAdd {
    /// Its directory, and the name or id of its channel (default: the channel that is called like
    /// it)
    #[arg(value_name = "DIR[=CHANNEL]")]
    pub(crate) projects: Vec<String>,
    #[command(flatten)]
    pub(crate) places: PlaceOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Write the service's definition, and start it
    Install {
        /// Print the definition instead
        #[arg(long)]
        print: bool,
        /// Write it, and do not start it
        #[arg(long)]
        no_start: bool,
    },
    /// Show how the service is
    Status,
    /// Stop the service and remove its definition; configuration and state are kept
    Uninstall,
}

/// Where the bot's token is.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub(crate) struct TokenOptions {
    /// A file that holds the bot's token; it stays where it is
    #[arg(long = "token-file", value_name = "FILE")]
    pub(crate) file: Option<String>,
    /// A variable that holds the bot's token whenever the gateway is started
    #[arg(long = "token-env", value_name = "NAME")]
    pub(crate) variable: Option<String>,
    /// Read the bot's token from standard input
    #[arg(long = "token-stdin")]
    pub(crate) stdin: bool,
}

/// Where channels are looked for.
#[derive(Debug, Default, Args)]
pub(crate) struct PlaceOptions {
    /// The server, by name or id
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Option<String>,
    /// Make the channels that are not there
    #[arg(long)]
    pub(crate) create_channels: bool,
    /// Ask nothing; do what is usual
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// The directory to work in
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) directory: String,
    /// Use the built-in scripted agent even if claude is installed
    #[arg(long)]
    pub(crate) scripted: bool,
    /// Chat in the browser instead of in the terminal
    #[arg(long)]
    pub(crate) web: bool,
    /// Print the link of the chat alone, and open no browser
    #[arg(long, requires = "web")]
    pub(crate) no_open: bool,
}

/// What an agent hands over.
#[derive(Debug, Args)]
pub(crate) struct SendFile {
    /// The files, in the agent's working directory
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// What to say about them
    #[arg(long, value_name = "TEXT")]
    pub(crate) caption: Option<String>,
}
