//! A repository to work on, and the words of the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mpg_core::id::{AgentName, ChannelId, ChannelKey, MessageId, PlatformId, ProjectName, RootId};
use mpg_core::port::{Workspace, WorkspaceRequest, Workspaces as _};
use mpg_workspace::{GitWorkspaces, Worktrees};
use tempfile::TempDir;

/// A repository with one commit, in a home of its own.
pub(crate) struct Repository {
    pub(crate) home: TempDir,
}

impl Repository {
    pub(crate) fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let this = Self { home };
        fs::create_dir(this.project()).unwrap();
        this
    }

    pub(crate) fn new() -> Self {
        let this = Self::empty();
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        fs::write(this.project().join("README"), "hello\n").unwrap();
        this.commit(&this.project(), "first");
        this
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.home.path().canonicalize().unwrap().join("project")
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap();
        let home = self.home.path().display().to_string();
        [("PATH", path), ("HOME", home)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.project(), arguments)
    }

    pub(crate) fn git_in(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.output(directory, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Whether git did it.
    pub(crate) fn try_git_in(&self, directory: &Path, arguments: &[&str]) -> bool {
        self.output(directory, arguments).status.success()
    }

    fn output(&self, directory: &Path, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(["-c", "commit.gpgSign=false"])
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(self.environment())
            .output()
            .unwrap()
    }

    pub(crate) fn commit(&self, directory: &Path, message: &str) {
        self.git_in(directory, &["add", "--all"]);
        self.git_in(directory, &["commit", "--quiet", "-m", message]);
    }

    pub(crate) fn workspaces(&self, mode: Worktrees) -> GitWorkspaces {
        self.workspaces_of("installation-1", mode)
    }

    pub(crate) fn workspaces_of(&self, installation: &str, mode: Worktrees) -> GitWorkspaces {
        let modes = BTreeMap::from([(ProjectName::new("demo"), mode)]);
        GitWorkspaces::new(installation, &self.environment(), modes)
    }

    pub(crate) async fn prepare(
        &self,
        workspaces: &GitWorkspaces,
        message: &str,
    ) -> Result<Workspace, String> {
        self.prepare_in(&self.project(), workspaces, message).await
    }

    pub(crate) async fn prepare_in(
        &self,
        directory: &Path,
        workspaces: &GitWorkspaces,
        message: &str,
    ) -> Result<Workspace, String> {
        let request = request(directory, message, None);
        let prepared = workspaces.prepare(request).await;
        prepared.map_err(|error| self.plain(&error.message))
    }

    /// The worktree of a thread, made.
    pub(crate) async fn worktree(&self, workspaces: &GitWorkspaces, message: &str) -> PathBuf {
        let prepared = self.prepare(workspaces, message).await;
        PathBuf::from(prepared.unwrap().directory)
    }

    /// Without what differs from run to run.
    pub(crate) fn plain(&self, text: &str) -> String {
        let home = self.home.path().canonicalize().unwrap();
        text.replace(&home.display().to_string(), "[home]")
    }

    pub(crate) fn has_ref(&self, name: &str) -> bool {
        let found = self.git(&["for-each-ref", "--format=%(refname)", name]);
        found.lines().any(|found| found == name)
    }

    /// The text of a file of a commit.
    pub(crate) fn show(&self, commit: &str, file: &str) -> String {
        self.git(&["show", &format!("{commit}:{file}")])
    }
}

pub(crate) fn thread(message: &str) -> RootId {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("7"));
    RootId::of_message(channel, MessageId::new(message))
}

pub(crate) fn branch_of(repository: &Repository, directory: &str) -> String {
    repository.git_in(Path::new(directory), &["branch", "--show-current"])
}

pub(crate) fn request(directory: &Path, message: &str, agent: Option<&str>) -> WorkspaceRequest {
    WorkspaceRequest {
        project: ProjectName::new("demo"),
        directory: directory.display().to_string(),
        thread: thread(message),
        agent: agent.map(AgentName::new),
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
