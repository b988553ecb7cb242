//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mpg_config::LogLevel;

/// Connects chat channels to coding-agent sessions.
#[derive(Debug, Parser)]
#[command(name = "mpgd", version, about)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
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
    /// Show what would become of a made-up message
    Routes(MadeUp),
    /// Show what the running gateway is doing
    Status(ListOptions),
    /// List the answers that could not be delivered
    Deliveries {
        #[command(flatten)]
        options: ListOptions,
        #[command(subcommand)]
        command: Option<DeliveriesCommand>,
    },
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
    /// Import the configuration in this directory into a profile
    Init(Init),
    /// Chat with an agent in this directory, in this terminal
    Try(Trial),
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

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// Post one of them again
    Retry {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
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

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Take over config.json, sessions and token of multi-project-gateway
    #[arg(long, required = true)]
    pub(crate) migrate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// The directory to work in
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) directory: String,
    /// Use the built-in scripted agent even if claude is installed
    #[arg(long)]
    pub(crate) scripted: bool,
}
