//! The program that keeps the sessions of a test, and who the test is to it.

use std::path::PathBuf;

use mpg_claude::{GatewayIdentity, KeeperCommand, Secret};
use mpg_core::id::InstallationId;
use uuid::Uuid;

/// The example `keeper`, which cargo builds with the tests.
pub(crate) fn command() -> KeeperCommand {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program: PathBuf = profile.join("examples/keeper");
    assert!(
        program.exists(),
        "{} is missing; build it: cargo build -p mpg-claude --example keeper",
        program.display()
    );
    KeeperCommand {
        program,
        keep: vec!["keep".to_owned()],
        exec: vec!["exec".to_owned()],
    }
}

/// A gateway of the installation that all tests share, in this epoch.
pub(crate) fn gateway(epoch: u64) -> GatewayIdentity {
    GatewayIdentity {
        installation: InstallationId::from_uuid(Uuid::from_u128(77)),
        epoch,
        secret: Secret::new([7; 32]),
    }
}
