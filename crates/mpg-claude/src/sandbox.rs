//! What an agent reaches of its machine: its workspace, its own state, and for reading what belongs to
//! nobody in particular.
//!
//! Where bubblewrap works, an agent gets a file system of its own, in which everything is read-only
//! but what it works on, and what is not for it is not there; and processes of its own, which end with
//! it. Elsewhere the kernel's Landlock refuses it the same files, as far as that can be said of them
//! (see [`landlock`]).

mod bubblewrap;
mod git;
mod landlock;
mod layout;
mod privileges;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use mpg_core::agent::Sandbox;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::config::ClaudeConfig;
pub(crate) use layout::Ground;
use layout::Layout;

/// The variable in which the process that becomes the CLI finds its [`Confinement`]. The CLI does not
/// get it.
pub(crate) const VARIABLE: &str = "MPG_CONFINEMENT";

/// What confines agents on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMeans {
    /// Bubblewrap, at this path.
    Bubblewrap(PathBuf),
    /// The kernel's Landlock.
    Landlock,
}

impl SandboxMeans {
    /// One word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap(_) => "bubblewrap",
            Self::Landlock => "landlock",
        }
    }

    /// The better one of those that work here, found by trying; `None` where neither does.
    ///
    /// `path` is where bubblewrap is looked for, as the environment's `PATH` says it.
    pub async fn find(path: &str) -> Option<Self> {
        if let Some(program) = bubblewrap::find(path).await {
            return Some(Self::Bubblewrap(program));
        }
        landlock::works().then_some(Self::Landlock)
    }
}

/// The means that was found, once.
#[derive(Debug, Default)]
pub(crate) struct Found(OnceCell<Option<SandboxMeans>>);

impl Found {
    /// The walls for a session's agent; `None` where it has none.
    ///
    /// # Errors
    ///
    /// If it is to have some and nothing here makes them, or what they are to be cannot be found out.
    pub(crate) async fn confinement(
        &self,
        wanted: Sandbox,
        config: &ClaudeConfig,
        ground: Ground,
    ) -> Result<Option<Confinement>, NoSandbox> {
        if wanted == Sandbox::Off {
            return Ok(None);
        }
        let path = config.environment.get("PATH").map_or("", String::as_str);
        let found = self.0.get_or_init(|| SandboxMeans::find(path)).await;
        let Some(means) = found.clone() else {
            return match wanted {
                Sandbox::Strict => Err(NoSandbox::NoMeans),
                Sandbox::Auto | Sandbox::Off => Ok(None),
            };
        };
        let temporary = ground.temporary.clone();
        let layout = tokio::task::spawn_blocking(move || Layout::of(&ground));
        let layout = layout.await.map_err(io::Error::other).flatten();
        let layout = layout.map_err(NoSandbox::NoFolder)?;
        Ok(Some(Confinement {
            means,
            temporary,
            layout,
        }))
    }
}

/// Why an agent that is to be confined is not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSandbox {
    #[error(
        "`sandbox = \"strict\"` needs bubblewrap or Landlock, and neither works here; install \
         bubblewrap, or set `sandbox = \"auto\"`"
    )]
    NoMeans,
    #[error("the agent's own files cannot be set apart: {0}")]
    NoFolder(#[source] io::Error),
}

/// The walls around one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confinement {
    means: SandboxMeans,
    /// The folder that it has for temporary files.
    temporary: PathBuf,
    layout: Layout,
}

/// What is run in the place of the CLI, with the walls around it.
#[derive(Debug)]
pub(crate) struct Confined {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: BTreeMap<&'static str, PathBuf>,
}

impl Confinement {
    /// Puts the walls up, as far as they are this process's own, and says what is to be run in them.
    ///
    /// # Errors
    ///
    /// If they cannot be put up. Nothing may be run then.
    pub(crate) fn enter(
        &self,
        program: &OsStr,
        arguments: &[OsString],
        directory: &Path,
    ) -> io::Result<Confined> {
        fs::create_dir_all(&self.temporary)?;
        match &self.means {
            SandboxMeans::Bubblewrap(bubblewrap) => {
                let mut all = bubblewrap::arguments(&self.layout, &self.temporary, directory);
                all.push(program.to_owned());
                all.extend(arguments.iter().cloned());
                Ok(Confined {
                    program: bubblewrap.clone().into(),
                    arguments: all,
                    environment: BTreeMap::from([("TMPDIR", PathBuf::from("/tmp"))]),
                })
            }
            SandboxMeans::Landlock => {
                privileges::reduce()?;
                landlock::restrict(&self.layout, &self.temporary)?;
                Ok(Confined {
                    program: program.to_owned(),
                    arguments: arguments.to_vec(),
                    environment: BTreeMap::from([
                        ("TMPDIR", self.temporary.clone()),
                        ("CLAUDE_CODE_TMPDIR", self.temporary.clone()),
                    ]),
                })
            }
        }
    }
}
