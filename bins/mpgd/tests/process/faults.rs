//! A state that cannot be written, or read: the daemon says so and goes no further.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Resource, Rlimit, geteuid, prlimit};

use crate::home::{Home, output, shown};

/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

/// Fails to start, with exit code 1 and these words, and leaves each file as it is.
async fn assert_refused(home: &Home, says: &[&str]) {
    let state = home.state();
    let before = files(&state);
    let output = output(&mut home.command(&["run"])).await;
    let said = shown(&output, &home.path(""));
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in says {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert!(before == files(&state), "changed: {said}");
    home.assert_nothing_left();
}

/// The state's own files, without what only says who was there last.
fn files(state: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let extension = path.extension().and_then(OsStr::to_str);
            extension.is_some_and(|extension| ["db", "db-wal", "db-seal"].contains(&extension))
        })
        // An empty log belongs to nobody.
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_damaged_state_is_left_as_it_is() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:kept");
    home.answers(message, 1).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let file = home.state().join("state.db");
    let whole = fs::read(&file).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 0x10;
    let cut = whole[..whole.len() / 2].to_vec();
    for damaged in [flipped, cut, Vec::new(), b"something else".to_vec()] {
        fs::write(&file, damaged).unwrap();
        let says = ["/state.db ", "it was left as it is", "put back a backup"];
        assert_refused(&home, &says).await;
    }

    // What was put right is taken up where it was.
    fs::write(&file, whole).unwrap();
    let daemon = home.start().await;
    home.say_in_thread_of(message, "SAY:and went on").await;
    assert_eq!(home.answers(message, 2).await, ["kept", "and went on"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_state_that_may_not_be_written_is_said() {
    let home = Home::new("").await;
    home.start().await.stop().await;
    let state = home.state();
    let mut command = home.command(&["run"]);
    if geteuid().is_root() {
        // Nothing is read-only for root, so that somebody else has to try.
        command.uid(NOBODY).gid(NOBODY);
        for directory in ["", ".mpg", ".mpg/state"] {
            let all = fs::Permissions::from_mode(0o755);
            fs::set_permissions(home.path(directory), all).unwrap();
        }
        for entry in fs::read_dir(&state).unwrap() {
            let all = fs::Permissions::from_mode(0o644);
            fs::set_permissions(entry.unwrap().path(), all).unwrap();
        }
    }
    fs::set_permissions(&state, fs::Permissions::from_mode(0o555)).unwrap();
    let before = files(&state);
    let output = output(&mut command).await;
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let said = shown(&output, &home.path(""));
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "could not be opened",
        "nothing was changed",
        "belongs to this user",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert!(before == files(&state));
}

#[tokio::test]
async fn a_full_disk_ends_the_daemon_and_loses_nothing() {
    let home = Home::new("").await;
    let mut daemon = home.start().await;
    let first = home.say(home.one, "SAY:while there is room");
    home.answers(first, 1).await;

    // No file of the daemon may grow any more.
    let log = fs::metadata(home.state().join("state.db-wal"))
        .unwrap()
        .len();
    let pid = Pid::from_raw(daemon.pid().try_into().unwrap());
    let limit = Rlimit {
        current: Some(log),
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
    let second = home.say(home.two, "SAY:after the disk was full");
    assert_eq!(daemon.ended().await.code(), Some(1), "{}", home.log());
    let said = home.log();
    assert!(said.contains("writing to"), "{said}");
    assert!(said.contains("earlier commits are kept"), "{said}");

    let daemon = home.start().await;
    assert_eq!(home.answers(second, 1).await, ["after the disk was full"]);
    home.say_in_thread_of(first, "SAY:nothing is lost").await;
    let answers = home.answers(first, 2).await;
    assert_eq!(answers, ["while there is room", "nothing is lost"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
