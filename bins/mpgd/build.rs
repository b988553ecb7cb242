//! Tells the program what it was built from.

#[path = "build/commit.rs"]
mod commit;

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/commit.rs");
    println!("cargo::rerun-if-env-changed=MPG_COMMIT");
    let package = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    // A program for debugging is built too often to be built anew for each commit.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let named = env::var("MPG_COMMIT").ok();
    let source = folder.filter(|_| is_release && named.is_none());
    if let Some(changes) = source.as_deref().and_then(commit::changes_with) {
        println!("cargo::rerun-if-changed={}", changes.display());
    }
    let found = source.as_deref().and_then(commit::of);
    let version = commit::version(&package, named.or(found).as_deref(), is_release);
    println!("cargo::rustc-env=MPG_VERSION={version}");
}
