//! Where the conversations of each project work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use mpg_config::{Settings, Worktree};
use mpg_core::config::Config;
use mpg_core::id::{ProjectName, RootId};
use mpg_core::snapshot::Snapshot;
use mpg_workspace::{GitWorkspaces, Worktrees};
use tracing::{info, warn};

/// The workspaces of all projects, for a state that was loaded.
pub(crate) fn of(
    config: &Config,
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    snapshot: &Snapshot,
    protected: &[PathBuf],
) -> Arc<GitWorkspaces> {
    let workspaces = GitWorkspaces::new(
        snapshot.installation.to_string(),
        environment,
        modes(settings),
    )
    .protect(protected.iter().cloned());
    let known = snapshot.threads.keys();
    let known = known.filter_map(|root| config.routing.project_of(&root.channel));
    Arc::new(workspaces.told(known.map(|project| project.name.clone())))
}

/// Which projects have worktrees.
pub(crate) fn modes(settings: &Settings) -> BTreeMap<ProjectName, Worktrees> {
    let modes = settings.projects.iter();
    modes
        .map(|(name, project)| (name.clone(), mode(project.worktree)))
        .collect()
}

/// The directories of the projects that have worktrees.
pub(crate) fn directories(config: &Config, settings: &Settings) -> Vec<PathBuf> {
    let projects = config.routing.projects().filter(|project| {
        settings
            .projects
            .get(&project.name)
            .is_some_and(|settings| settings.worktree != Worktree::Never)
    });
    projects
        .map(|project| PathBuf::from(&project.directory))
        .collect()
}

/// Removes the worktrees of threads that are forgotten, where nothing is lost with them.
pub(crate) async fn reconcile(
    workspaces: Arc<GitWorkspaces>,
    directories: Vec<PathBuf>,
    live: BTreeSet<RootId>,
) {
    for directory in directories {
        match workspaces.reconcile(&directory, &live).await {
            Ok(leftovers) => {
                for leftover in leftovers {
                    let worktree = leftover.path.display();
                    match leftover.kept {
                        None => info!(%worktree, "removed the worktree of a forgotten thread"),
                        Some(reason) => {
                            info!(%worktree, reason, "kept the worktree of a forgotten thread");
                        }
                    }
                }
            }
            Err(error) => {
                warn!(directory = %directory.display(), %error, "worktrees are not looked through");
            }
        }
    }
}

fn mode(worktree: Worktree) -> Worktrees {
    match worktree {
        Worktree::Auto => Worktrees::Auto,
        Worktree::Always => Worktrees::Always,
        Worktree::Never => Worktrees::Never,
    }
}
