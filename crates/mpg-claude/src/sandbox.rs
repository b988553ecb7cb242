//! What an agent reaches of its machine: its workspace, its own state, and for reading what belongs to
//! nobody in particular.
//!
//! Where bubblewrap works, an agent gets a file system of its own, in which everything is read-only
//! but what it works on, and what is not for it is not there; and processes of its own, which end with
//! it. Elsewhere the kernel's Landlock refuses it the same files, as far as that can be said of them
//! (see [`landlock`]). Only bubblewrap keeps an agent from the [`network`].

mod bubblewrap;
mod git;
mod landlock;
mod layout;
mod privileges;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::IntoRawFd as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use mpg_core::agent::Sandbox;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::config::ClaudeConfig;
use crate::network::{self, Endpoint};
use bubblewrap::Cut;
pub(crate) use layout::Ground;
use layout::Layout;
pub(crate) use privileges::forgo_ambient;

/// The variable in which the process that becomes the CLI finds its [`Confinement`]. The CLI does not
/// get it.
pub(crate) const VARIABLE: &str = "MPG_CONFINEMENT";

/// The file of names and addresses (`hosts(5)`).
const HOSTS: &str = "/etc/hosts";
/// Where the machine says what its name is, in one line (`proc_sys_kernel(5)`).
const OWN_NAME: &str = "/proc/sys/kernel/hostname";

/// What is said where nothing here keeps an agent from the network that is to reach its model alone.
pub const NO_CUT: &str = "`network = \"model\"` needs bubblewrap that can give an agent a network of \
                          its own, and that does not work here; install bubblewrap, or set \
                          `network = \"all\"`";

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

    /// Whether it can keep an agent from the network, found by trying. Landlock cannot: it knows ports,
    /// but no addresses.
    pub async fn cuts_network(&self) -> bool {
        match self {
            Self::Bubblewrap(program) => bubblewrap::works(program, Cut::Yes).await,
            Self::Landlock => false,
        }
    }
}

/// The means that was found, once, and whether it keeps agents from the network.
#[derive(Debug, Default)]
pub(crate) struct Found {
    means: OnceCell<Option<SandboxMeans>>,
    cuts: OnceCell<bool>,
}

impl Found {
    /// The walls for a session's agent; `None` where it has none. `reached` is all that it is to reach
    /// on the network, where that is not everything.
    ///
    /// # Errors
    ///
    /// If it is to have some and nothing here makes them, or what they are to be cannot be found out.
    pub(crate) async fn confinement(
        &self,
        wanted: Sandbox,
        reached: Option<Vec<Endpoint>>,
        config: &ClaudeConfig,
        ground: Ground,
    ) -> Result<Option<Confinement>, NoSandbox> {
        match (wanted, &reached) {
            (Sandbox::Off, None) => return Ok(None),
            (Sandbox::Off, Some(_)) => return Err(NoSandbox::Open),
            (Sandbox::Auto | Sandbox::Strict, _) => {}
        }
        let path = config.environment.get("PATH").map_or("", String::as_str);
        let found = self.means.get_or_init(|| SandboxMeans::find(path)).await;
        let Some(means) = found.clone() else {
            return match (wanted, &reached) {
                (_, Some(_)) => Err(NoSandbox::NoCut),
                (Sandbox::Strict, None) => Err(NoSandbox::NoMeans),
                (Sandbox::Auto | Sandbox::Off, None) => Ok(None),
            };
        };
        if reached.is_some() && !*self.cuts.get_or_init(|| means.cuts_network()).await {
            return Err(NoSandbox::NoCut);
        }
        let temporary = ground.temporary.clone();
        let layout = tokio::task::spawn_blocking(move || Layout::of(&ground));
        let layout = layout.await.map_err(io::Error::other).flatten();
        let layout = layout.map_err(NoSandbox::NoFolder)?;
        let network = reached.map(|endpoints| Reached {
            endpoints,
            starter: config.keeper.starter(),
        });
        Ok(Some(Confinement {
            means,
            temporary,
            layout,
            network,
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
    #[error("{NO_CUT}")]
    NoCut,
    #[error(
        "`network = \"model\"` does not hold without a sandbox; set `sandbox = \"auto\"`, or \
         `network = \"all\"`"
    )]
    Open,
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
    /// What it reaches on the network, where that is not everything.
    network: Option<Reached>,
}

/// All that an agent reaches on the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    endpoints: Vec<Endpoint>,
    /// What becomes the CLI, by its program and first arguments: inside it listens before that.
    starter: Vec<String>,
}

/// What is run in the place of the CLI, with the walls around it.
#[derive(Debug)]
pub(crate) struct Confined {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: BTreeMap<&'static str, OsString>,
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
        match (&self.means, &self.network) {
            (SandboxMeans::Bubblewrap(bubblewrap), network) => {
                let mut confined = Confined {
                    program: bubblewrap.clone().into(),
                    arguments: Vec::new(),
                    environment: BTreeMap::from([("TMPDIR", "/tmp".into())]),
                };
                match network {
                    None => confined.arguments = self.walls(directory, Cut::No, &[]),
                    Some(reached) => self.cut(reached, directory, &mut confined)?,
                }
                confined.arguments.push(program.to_owned());
                confined.arguments.extend(arguments.iter().cloned());
                Ok(confined)
            }
            (SandboxMeans::Landlock, None) => {
                privileges::reduce()?;
                landlock::restrict(&self.layout, &self.temporary)?;
                Ok(Confined {
                    program: program.to_owned(),
                    arguments: arguments.to_vec(),
                    environment: BTreeMap::from([
                        ("TMPDIR", self.temporary.clone().into()),
                        ("CLAUDE_CODE_TMPDIR", self.temporary.clone().into()),
                    ]),
                })
            }
            (SandboxMeans::Landlock, Some(_)) => {
                Err(io::Error::other("Landlock keeps nobody from the network"))
            }
        }
    }

    fn walls(&self, directory: &Path, cut: Cut, over: &[(&Path, &Path)]) -> Vec<OsString> {
        bubblewrap::arguments(&self.layout, &self.temporary, directory, cut, over)
    }

    /// Has what runs inside listen for what it reaches, before it becomes the CLI.
    fn cut(&self, reached: &Reached, directory: &Path, confined: &mut Confined) -> io::Result<()> {
        let [starter, first @ ..] = reached.starter.as_slice() else {
            return Err(io::Error::other("no program starts the agent"));
        };
        let names = reached.endpoints.iter().filter_map(Endpoint::host_line);
        let names: String = names.collect();
        let hosts = self.temporary.with_file_name("hosts");
        let place;
        confined.arguments = if names.is_empty() {
            self.walls(directory, Cut::Yes, &[])
        } else {
            // The machine's own name leads to itself, where that is not where the model is.
            let own = fs::read_to_string(OWN_NAME)?;
            fs::write(&hosts, format!("{names}127.0.0.1 localhost {own}"))?;
            place = fs::canonicalize(HOSTS)?;
            self.walls(directory, Cut::Yes, &[(&hosts, &place)])
        };
        // By its descriptor: its file need not be there inside, nor outside any more.
        let starter = rustix::fs::open(starter, OFlags::PATH, Mode::empty())?;
        let starter = format!("/proc/self/fd/{}", starter.into_raw_fd());
        confined.arguments.push(starter.into());
        confined.arguments.extend(first.iter().map(OsString::from));
        // Of its keeper, nothing is to be seen inside.
        confined.arguments.push("0".into());
        let said = network::said(&reached.endpoints)?;
        confined.environment.insert(network::VARIABLE, said.into());
        Ok(())
    }
}
