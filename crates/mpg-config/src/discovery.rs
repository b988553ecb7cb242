//! Where a configuration file is looked for, and where its state belongs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;
use uuid::Uuid;

use crate::path::expand_home;

/// The name of a configuration file where it is looked for.
pub const FILE: &str = "mpg.toml";

/// The name of the predecessor's file.
const PREDECESSOR: &str = "config.json";

/// How many characters of the hash name a state directory: enough to tell one machine's files
/// apart, few enough for the path of a socket in it.
const HASH_LENGTH: usize = 16;

/// What is known before a file is found.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The file that was named.
    pub config: Option<&'a str>,
    /// The profile that was named.
    pub profile: Option<&'a str>,
    /// The working directory, absolute.
    pub working_dir: &'a str,
    /// The environment: `MPG_HOME`, or else `HOME` for `~/.mpg`.
    pub env: &'a BTreeMap<String, String>,
}

/// A place where a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The file, absolute.
    pub path: String,
    /// What it would be.
    pub kind: FileKind,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The gateway's own.
    Toml,
    /// The predecessor's, which is read with its meaning.
    Predecessor,
}

/// Why there is nowhere to look.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiscoveryError {
    /// The profile's name is not the name of a directory.
    #[error("{0:?} is no name for a profile; use letters, digits, `-`, `_` and `.`")]
    ProfileName(String),
    /// Profiles have no home.
    #[error("there is no home for profiles: neither MPG_HOME nor HOME is set; set one of them")]
    NoHome,
}

/// Whether a file's name says that it is the predecessor's.
pub(crate) fn is_json(path: &str) -> bool {
    let extension = Path::new(path).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

impl Search<'_> {
    /// The places to look at, the first file that exists counts.
    ///
    /// A file or a profile that was named is the only place: what somebody asks for is not
    /// replaced by something else. Otherwise it is the default profile, then the working
    /// directory; in each place the predecessor's file comes after the gateway's own.
    pub fn candidates(&self) -> Result<Vec<Candidate>, DiscoveryError> {
        if let Some(config) = self.config {
            let path = self.absolute(config);
            let kind = if is_json(&path) {
                FileKind::Predecessor
            } else {
                FileKind::Toml
            };
            return Ok(vec![Candidate { path, kind }]);
        }
        if let Some(profile) = self.profile {
            let name = checked_profile(profile)?;
            let home = self.home().ok_or(DiscoveryError::NoHome)?;
            return Ok(in_directory(&format!("{home}/profiles/{name}")).to_vec());
        }
        let mut candidates = Vec::new();
        if let Some(home) = self.home() {
            candidates.extend(in_directory(&format!("{home}/profiles/default")));
        }
        candidates.extend(in_directory(self.working_dir.trim_end_matches('/')));
        Ok(candidates)
    }

    /// The file of the profile that was named, or of the default one, absolute.
    pub fn own_file(&self) -> Result<String, DiscoveryError> {
        let name = checked_profile(self.profile.unwrap_or("default"))?;
        let home = self.home().ok_or(DiscoveryError::NoHome)?;
        Ok(format!("{home}/profiles/{name}/{FILE}"))
    }

    /// The directory that holds profiles and state, absolute: `MPG_HOME`, else `~/.mpg`.
    pub fn home(&self) -> Option<String> {
        let named = self.env.get("MPG_HOME").filter(|home| !home.is_empty());
        let home = match named {
            Some(home) => self.absolute(&expand_home(home, self.env)?),
            None => self.absolute(&expand_home("~/.mpg", self.env)?),
        };
        Some(home.trim_end_matches('/').to_owned())
    }

    /// Where the state of a file belongs when nothing else is said: beside a profile's file, else
    /// in a directory of its own that is named after the file's absolute path.
    pub fn state_dir(&self, file: &str) -> Result<String, DiscoveryError> {
        let home = self.home().ok_or(DiscoveryError::NoHome)?;
        let file = self.absolute(file);
        let profiles = format!("{home}/profiles/");
        let within = file.strip_prefix(&profiles);
        if let Some((profile, name)) = within.and_then(|within| within.split_once('/'))
            && !name.contains('/')
        {
            return Ok(format!("{profiles}{profile}"));
        }
        let hash = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("file://{file}").as_bytes());
        let hash: String = hash
            .simple()
            .to_string()
            .chars()
            .take(HASH_LENGTH)
            .collect();
        Ok(format!("{home}/state/{hash}"))
    }

    fn absolute(&self, path: &str) -> String {
        let path = Path::new(self.working_dir).join(path);
        // Which leaves out each `.` and each slash too many, so that one file has one name.
        let path: PathBuf = path.components().collect();
        path.to_string_lossy().into_owned()
    }
}

fn in_directory(directory: &str) -> [Candidate; 2] {
    [(FILE, FileKind::Toml), (PREDECESSOR, FileKind::Predecessor)].map(|(name, kind)| Candidate {
        path: format!("{directory}/{name}"),
        kind,
    })
}

fn checked_profile(name: &str) -> Result<&str, DiscoveryError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name =
        !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(fits);
    if is_name {
        Ok(name)
    } else {
        let shown = name.chars().take(100).collect();
        Err(DiscoveryError::ProfileName(shown))
    }
}
