//! What projects need of this machine: their directories, and git where they work in worktrees.

use std::fs;
use std::path::Path;

use mpg_config::Worktree;
use rustix::fs::{Access, access};

use super::finding::Finding;
use crate::configuration::Configuration;
use crate::programs;

pub(super) async fn examine(configuration: &Configuration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = configuration
        .config
        .routing
        .projects()
        .map(|project| directory(project.name.as_str(), Path::new(&project.directory)))
        .collect();
    findings.push(git(configuration).await);
    findings
}

fn directory(project: &str, path: &Path) -> Finding {
    let check = "directory";
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) => Finding::fail(
            check,
            format!("{shown} of {project} cannot be looked at: {error}"),
            format!("make it, or change `directory` of {project}"),
        ),
        Ok(found) if !found.is_dir() => Finding::fail(
            check,
            format!("{shown} of {project} is no directory"),
            format!("change `directory` of {project}"),
        ),
        Ok(_) if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() => Finding::fail(
            check,
            format!("{shown} of {project} cannot be written by this user"),
            "give this user the right, or run the gateway as its owner",
        ),
        Ok(_) => Finding::ok(check, format!("{shown} of {project} can be written")),
    }
}

async fn git(configuration: &Configuration) -> Finding {
    let check = "git";
    let help = "install git";
    let found = programs::other("git", "--version", &configuration.environment, help).await;
    if found.usable {
        return Finding::ok(check, found.found);
    }
    let needs = |wanted: Worktree| {
        let projects = configuration.settings.projects.iter();
        let names = projects
            .filter(|(_, project)| project.worktree == wanted)
            .map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let always = needs(Worktree::Always);
    if always.is_empty() {
        let what = "not found: threads of a project share its directory, and none can be merged";
        Finding::warn(check, what, help)
    } else {
        let what = format!("not found, and `worktree = \"always\"` asks for it in {always}");
        Finding::fail(check, what, help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::text;

    #[test]
    fn a_directory_has_to_be_one() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let found: Vec<Finding> = ["", "file", "none"]
            .iter()
            .map(|name| directory("one", &home.path().join(name)))
            .collect();
        let said = text(&found).replace(home.path().to_str().unwrap(), "[home]");
        insta::assert_snapshot!(said);
    }
}
