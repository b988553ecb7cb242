//! Which paths an agent reads, writes and does not see.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use mpg_core::port::{SessionSpec, SessionStart};
use serde::{Deserialize, Serialize};

use super::git;
use crate::config::ClaudeConfig;
use crate::transcript::Transcript;

/// The folders of caches that tools of all sorts keep in a home, and that make nothing run by being
/// written.
const CACHES: [&str; 8] = [
    ".cache",
    ".npm",
    ".cargo/registry",
    ".cargo/git",
    ".gradle/caches",
    ".m2/repository",
    ".nuget/packages",
    "go/pkg",
];

/// What of the CLI's own folder says what it runs (seen: 2.1.197): written from inside, it would be run
/// outside.
const SETTINGS: [&str; 9] = [
    "CLAUDE.md",
    "agents",
    "commands",
    "hooks",
    "keybindings.json",
    "plugins",
    "settings.json",
    "settings.local.json",
    "skills",
];

/// Where temporary files are that are nobody's in particular.
pub(super) const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Where a session works, and whose neighbour it is.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Its workspace.
    pub(crate) workspace: PathBuf,
    /// The home that its environment names.
    pub(crate) home: Option<PathBuf>,
    /// The CLI's own folder, where that is not in the home.
    pub(crate) claude: Option<PathBuf>,
    /// The socket of the agent that holds keys, if its environment names one.
    pub(crate) keys: Option<PathBuf>,
    /// What no agent reads.
    pub(crate) protected: Vec<PathBuf>,
    /// The folders of all projects.
    pub(crate) projects: Vec<PathBuf>,
    /// What it may write besides.
    pub(crate) writable: Vec<PathBuf>,
    /// The folder that files which people attach come into.
    pub(crate) files: Option<PathBuf>,
    /// What it may read of what is protected.
    pub(crate) shown: Vec<PathBuf>,
    /// The transcript that it begins with, which may be another workspace's.
    pub(crate) forked: Option<Transcript>,
    /// The folder for its temporary files.
    pub(crate) temporary: PathBuf,
    /// The program of the CLI, if it is found.
    pub(crate) program: Option<PathBuf>,
}

impl Ground {
    /// The ground of a session whose temporary files are in a folder.
    pub(crate) fn of(config: &ClaudeConfig, spec: &SessionSpec, temporary: PathBuf) -> Self {
        let variable = |name: &str| config.environment.get(name).map(PathBuf::from);
        let path = |name: &str| variable(name).filter(|path| path.is_absolute());
        let home = path("HOME");
        let writable = spec.agent.writable.iter().map(|path| {
            let in_home = path.strip_prefix("~/").zip(home.as_ref());
            in_home.map_or_else(|| PathBuf::from(path), |(rest, home)| home.join(rest))
        });
        Self {
            workspace: PathBuf::from(&spec.directory),
            claude: path("CLAUDE_CONFIG_DIR"),
            keys: path("SSH_AUTH_SOCK"),
            protected: config.protected.clone(),
            projects: config.projects.clone(),
            writable: writable.filter(|path| path.is_absolute()).collect(),
            files: spec.files.as_ref().map(PathBuf::from),
            shown: config.shown.clone(),
            forked: match spec.start {
                SessionStart::Fork(from) => Some(Transcript::of(from, &config.environment)),
                SessionStart::New | SessionStart::Begun | SessionStart::Resume => None,
            },
            temporary,
            program: program(
                &config.command,
                config.environment.get("PATH").map(String::as_str),
            ),
            home,
        }
    }
}

/// What holds for a path and all below it, unless something else is said of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Access {
    /// It is not there.
    None,
    /// It can be read.
    Read,
    /// It can be written.
    Write,
}

/// The accesses of all paths that are not simply read, those further up first. Paths exist, are
/// absolute, and lead through no link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout(Vec<(PathBuf, Access)>);

impl Layout {
    /// The layout of a session.
    ///
    /// # Errors
    ///
    /// If its workspace is not there, or the folder of its transcripts cannot be made.
    pub(crate) fn of(ground: &Ground) -> io::Result<Self> {
        let workspace = fs::canonicalize(&ground.workspace)?;
        let mut layout = Self::default();
        layout.tools(ground);
        layout.neighbours(ground, &workspace);
        layout.set(&workspace, Access::Write);
        for (path, access) in git::accesses(&workspace) {
            layout.set(&path, access);
        }
        layout.state(ground, &workspace)?;
        for path in &ground.writable {
            layout.set(path, Access::Write);
        }
        for path in &ground.protected {
            layout.set(path, Access::None);
        }
        if let Some(files) = &ground.files {
            // Files come while the agent runs: it is to see the folder that they come into.
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(files)?;
        }
        for path in ground.shown.iter().chain(&ground.files).chain(&ground.keys) {
            layout.set(path, Access::Read);
        }
        if let Some(transcript) = ground.forked.as_ref().and_then(Transcript::file) {
            layout.set(&transcript, Access::Read);
        }
        layout.0.sort_by_key(|(path, _)| path.components().count());
        Ok(layout)
    }

    /// All accesses, those further up first.
    pub(super) fn accesses(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.0
            .iter()
            .map(|(path, access)| (path.as_path(), *access))
    }

    /// The paths of one access.
    pub(super) fn with(&self, access: Access) -> impl Iterator<Item = &Path> {
        let paths = self.accesses().filter(move |(_, of)| *of == access);
        paths.map(|(path, _)| path)
    }

    /// Other projects are not there, unless one is in the other.
    fn neighbours(&mut self, ground: &Ground, workspace: &Path) {
        let others: BTreeSet<PathBuf> = ground
            .projects
            .iter()
            .filter_map(|project| fs::canonicalize(project).ok())
            .filter(|project| !workspace.starts_with(project) && !project.starts_with(workspace))
            .collect();
        // A worktree reads the repository that it is of.
        let own = git::repository(workspace);
        for other in others {
            let is_own = own.as_ref().is_some_and(|own| own.starts_with(&other));
            if !is_own {
                self.set(&other, Access::None);
            }
        }
    }

    /// The CLI writes what it keeps, and of the transcripts those of this workspace alone.
    fn state(&mut self, ground: &Ground, workspace: &Path) -> io::Result<()> {
        let in_home = |name: &str| ground.home.as_ref().map(|home| home.join(name));
        for cache in CACHES {
            if let Some(cache) = in_home(cache) {
                self.set(&cache, Access::Write);
            }
        }
        if let Some(file) = in_home(".claude.json") {
            self.set(&file, Access::Write);
        }
        let Some(folder) = ground.claude.clone().or_else(|| in_home(".claude")) else {
            return Ok(());
        };
        let transcripts = folder.join("projects");
        let own = transcripts.join(slug(workspace));
        fs::create_dir_all(&own)?;
        self.set(&folder, Access::Write);
        self.set(&transcripts, Access::None);
        self.set(&own, Access::Write);
        for name in SETTINGS {
            self.set(&folder.join(name), Access::Read);
        }
        Ok(())
    }

    /// A home or a program among temporary files, which are not shared, is there all the same.
    fn tools(&mut self, ground: &Ground) {
        let is_temporary = |path: &Path| TEMPORARY.iter().any(|folder| path.starts_with(folder));
        let found = ground
            .program
            .as_ref()
            .and_then(|path| fs::canonicalize(path).ok());
        let programs = ground.program.iter().chain(&found).map(|path| {
            let package = path.ancestors().find(|part| part.ends_with("node_modules"));
            package.or_else(|| path.parent()).unwrap_or(path)
        });
        let home = ground.home.iter().map(PathBuf::as_path);
        for path in home.chain(programs).filter(|path| is_temporary(path)) {
            self.set(path, Access::Read);
        }
    }

    /// What is not there needs no access; what leads elsewhere is where it leads to.
    fn set(&mut self, path: &Path, access: Access) {
        let Ok(path) = fs::canonicalize(path) else {
            return;
        };
        self.0.retain(|(known, _)| *known != path);
        self.0.push((path, access));
    }
}

/// Where a command is.
fn program(command: &str, path: Option<&str>) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| path.is_absolute());
    }
    let mut folders = std::env::split_paths(path?);
    folders.find_map(|folder| Some(folder.join(command)).filter(|program| program.is_file()))
}

/// The name of the folder in which the CLI keeps a workspace's transcripts (seen: 2.1.197).
fn slug(workspace: &Path) -> String {
    let name = workspace.to_string_lossy();
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
