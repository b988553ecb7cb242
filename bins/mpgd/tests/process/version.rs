//! What the program says that it is.

#[path = "../../build/commit.rs"]
mod commit;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::home::{Home, output, shown};

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git.args(["-c", "user.name=ann", "-c", "user.email=ann@example.org"]);
    assert!(git.args(arguments).status().unwrap().success());
}

#[tokio::test]
async fn a_version_names_what_it_was_built_from() {
    let home = Home::new("").await;
    let said = shown(
        &output(&mut home.command(&["--version"])).await,
        &home.path(""),
    );
    let expected = format!("mpgd {} (", env!("CARGO_PKG_VERSION"));
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn a_package_without_history_is_built_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("package");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("Cargo.toml"), "").unwrap();
    assert_eq!(commit::of(&package), None);
    // Another one's repository around it says nothing about it.
    git(home.path(), &["init", "-q"]);
    git(home.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(commit::of(&package), None);
    assert_eq!(commit::changes_with(&package), None);
    assert_eq!(commit::version("1.2.3", None, true), "1.2.3");

    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "-q", "-m", "x"]);
    let found = commit::of(&package).unwrap();
    assert_eq!(found.len(), 12, "{found}");
    let said = commit::version("1.2.3", Some(&found), true);
    assert_eq!(said, format!("1.2.3 ({found})"));
    let changes = commit::changes_with(&package).unwrap();
    let before = fs::read(&changes).unwrap();
    git(home.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_ne!(fs::read(&changes).unwrap(), before);
    assert_ne!(commit::of(&package), Some(found));
}
