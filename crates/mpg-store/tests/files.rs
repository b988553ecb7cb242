//! What a state directory may hold, and what happens to it when it holds something else.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs::{self, File};
use std::future::poll_fn;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::task::Poll;

use jiff::Timestamp;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, MessageId, MessageRef, Place, PlatformId, RootId,
    TurnId, UserId,
};
use mpg_core::port::{Store as _, StoreError, StoreErrorKind};
use mpg_core::record::Record;
use mpg_core::snapshot::{Origin, QueuedTurn};
use mpg_store::{Limits, SqliteStore};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use uuid::Uuid;

#[tokio::test]
async fn a_new_state_is_private() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    let store = SqliteStore::open(&directory).await.unwrap();
    store.commit(&[queued(1, "x")]).await.unwrap();
    store.load().await.unwrap();

    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        ["state.db", "state.db-shm", "state.db-wal", "state.lock"]
    );
}

#[tokio::test]
async fn a_second_store_is_refused_until_the_first_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(home.path()).await.unwrap();

    let error = refused(home.path()).await;
    assert_eq!(error.kind, StoreErrorKind::InUse);
    assert_says(&error, &home.path().display().to_string());
    assert_says(&error, &format!("process {}", std::process::id()));

    first.commit(&[queued(1, "still works")]).await.unwrap();
    drop(first);
    let second = SqliteStore::open(home.path()).await.unwrap();
    assert_eq!(second.load().await.unwrap().threads.len(), 1);
    second.close().await.unwrap();
    assert!(home.path().join("state.lock").exists());
}

#[tokio::test]
async fn a_lock_whose_owner_is_unknown_is_respected() {
    let home = tempfile::tempdir().unwrap();
    let lock = File::create(home.path().join("state.lock")).unwrap();
    lock.lock().unwrap();
    let error = refused(home.path()).await;
    assert_eq!(error.kind, StoreErrorKind::InUse);
    assert_says(&error, "another gateway;");
}

#[tokio::test]
async fn what_was_committed_is_there_without_closing() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&[queued(1, "kept")]).await.unwrap();
    let expected = store.load().await.unwrap();
    // What a process that is killed leaves: the files as they are while the store is open.
    let copy = tempfile::tempdir().unwrap();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(home.path().join(name), copy.path().join(name)).unwrap();
    }
    let store = SqliteStore::open(copy.path()).await.unwrap();
    assert_eq!(store.load().await.unwrap(), expected);
}

#[tokio::test]
async fn the_epoch_rises_with_each_opening_and_the_secret_stays() {
    let home = tempfile::tempdir().unwrap();
    let mut secrets = Vec::new();
    for epoch in 1..=3 {
        let store = SqliteStore::open(home.path()).await.unwrap();
        assert_eq!(store.epoch(), epoch);
        secrets.push(store.secret().clone());
        // A store that is dropped has had its epoch as well as one that is closed.
        if epoch == 2 {
            drop(store);
        } else {
            store.close().await.unwrap();
        }
    }
    assert_eq!(secrets[0], secrets[2]);
    assert_eq!(secrets[0], secrets[1]);

    let other = tempfile::tempdir().unwrap();
    let other = SqliteStore::open(other.path()).await.unwrap();
    assert_ne!(&secrets[0], other.secret());
    assert!(!format!("{other:?}").contains("secret"), "{other:?}");
}

#[tokio::test]
async fn a_state_from_before_there_were_epochs_gets_its_first() {
    let home = tempfile::tempdir().unwrap();
    let change = "ALTER TABLE installation DROP COLUMN epoch;
         ALTER TABLE installation DROP COLUMN secret;
         DELETE FROM _sqlx_migrations WHERE version = 4";
    fs::write(home.path().join("state.db"), a_state_with(change).await).unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    assert_eq!(store.epoch(), 1);
    assert_eq!(store.load().await.unwrap().threads.len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_kept() {
    let garbage = "no database, but worth something to somebody\n".repeat(200);
    assert_kept(garbage.as_bytes(), "is damaged or no database").await;
}

#[tokio::test]
async fn a_database_that_was_cut_off_is_kept() {
    let whole = a_state().await;
    for length in [100, 4096, 5000, whole.len() / 2, whole.len() - 4096] {
        assert_kept(&whole[..length], "is damaged or no database").await;
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("state.db");
    let mut other = connect(&file, true).await;
    sqlx::query("CREATE TABLE recipe (name TEXT)")
        .execute(&mut other)
        .await
        .unwrap();
    drop(other);
    let bytes = fs::read(&file).unwrap();
    assert_kept(&bytes, "is the database of another program").await;
}

#[tokio::test]
async fn a_state_of_a_newer_version_is_kept() {
    let newer = "INSERT INTO _sqlx_migrations
         (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 1)";
    assert_kept(
        &a_state_with(newer).await,
        "by a newer gateway (schema 9999",
    )
    .await;
}

#[tokio::test]
async fn a_state_with_another_schema_is_kept() {
    let other = "UPDATE _sqlx_migrations SET checksum = x'00'";
    assert_kept(&a_state_with(other).await, "by another program (schema 1").await;
}

#[tokio::test]
async fn a_value_from_elsewhere_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let changed = a_state_with("UPDATE conversation SET unbound = 'bored'").await;
    fs::write(home.path().join("state.db"), changed).unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let error = store.load().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreadable);
    assert_says(&error, "state.db");
    let cause = error.source.unwrap().to_string();
    assert_eq!(cause, r#"conversation.unbound holds "bored""#);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("state")).await;
    assert_eq!(error.kind, StoreErrorKind::Io);
    assert_says(&error, "could not be made");
}

#[tokio::test]
async fn a_directory_without_the_right_to_write_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // The superuser may write everywhere, so there is nothing to refuse.
    let may_write = File::create(home.path().join("probe")).is_ok();
    match SqliteStore::open(home.path()).await {
        Ok(_) => assert!(may_write),
        Err(error) => {
            assert!(!may_write);
            assert_eq!(error.kind, StoreErrorKind::Io);
            assert_says(&error, "state.lock could not be opened");
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("state.db")).unwrap();
    let error = refused(home.path()).await;
    assert_eq!(error.kind, StoreErrorKind::Unreadable);
    assert_says(&error, "state.db is no file");
}

#[tokio::test]
async fn a_full_disk_fails_the_commit_and_keeps_the_rest() {
    let home = tempfile::tempdir().unwrap();
    let limits = Limits {
        max_pages: Some(100),
        ..Limits::default()
    };
    let store = SqliteStore::open_with(home.path(), limits).await.unwrap();
    store.commit(&[queued(1, "fits")]).await.unwrap();
    let before = store.load().await.unwrap();

    let large = "x".repeat(1_000_000);
    let error = store
        .commit(&[queued(2, "fits too"), queued(3, &large)])
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Io);
    assert_says(&error, "writing to");
    assert_says(&error, "state.db");
    assert_eq!(store.load().await.unwrap(), before);

    store.commit(&[queued(2, "fits")]).await.unwrap();
    store.close().await.unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&[queued(3, &large)]).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_is_dropped_is_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let records: Vec<Record> = (0..50).map(|turn| queued(turn, "x")).collect();
    // Stopped before each step in turn, until one is not stopped any more.
    for steps in 0.. {
        let mut commit = store.commit(&records);
        let mut waits = 0;
        let ended = poll_fn(|context| match commit.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if waits == steps => Poll::Ready(None),
            Poll::Pending => {
                waits += 1;
                Poll::Pending
            }
        });
        if let Some(ended) = ended.await {
            ended.unwrap();
            break;
        }
    }
    store.commit(&[queued(99, "after")]).await.unwrap();
    let threads = store.load().await.unwrap().threads;
    let queue = &threads[&root()].conversations.get(None).unwrap().queue;
    assert_eq!(queue.len() % records.len(), 1);
    assert_eq!(queue.back().map(|turn| turn.id), Some(turn_id(99)));
}

#[tokio::test]
async fn the_table_has_no_place_for_a_second_running_turn() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store
        .commit(&[queued(1, "x"), queued(2, "x")])
        .await
        .unwrap();
    store.close().await.unwrap();
    let mut direct = connect(&home.path().join("state.db"), false).await;
    let error = sqlx::query("UPDATE turn SET state = 'running'")
        .execute(&mut direct)
        .await
        .unwrap_err();
    let violated = error.as_database_error().unwrap().is_unique_violation();
    assert!(violated, "{error}");
}

#[tokio::test]
async fn messages_of_a_place_do_not_pile_up() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    for first in [0, 500, 250] {
        let seen: Vec<Record> = (first..first + 400).map(seen).collect();
        store.commit(&seen).await.unwrap();
    }
    store.close().await.unwrap();
    let mut direct = connect(&home.path().join("state.db"), false).await;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM message")
        .fetch_one(&mut direct)
        .await
        .unwrap();
    assert_eq!(kept, 257);
}

/// The bytes of a state that was used and closed.
async fn a_state() -> Vec<u8> {
    a_state_with("SELECT 1").await
}

/// The bytes of a state that was used and closed and then changed by somebody else.
async fn a_state_with(change: &'static str) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store
        .commit(&[queued(1, &"x".repeat(20_000))])
        .await
        .unwrap();
    store.close().await.unwrap();
    let file = home.path().join("state.db");
    let mut direct = connect(&file, false).await;
    sqlx::raw_sql(change).execute(&mut direct).await.unwrap();
    sqlx::Connection::close(direct).await.unwrap();
    fs::read(&file).unwrap()
}

/// Asserts that a directory with this state is refused, and that the file stays as it is.
async fn assert_kept(bytes: &[u8], says: &str) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("state.db");
    fs::write(&file, bytes).unwrap();
    let error = refused(home.path()).await;
    assert_eq!(error.kind, StoreErrorKind::Unreadable, "{error}");
    assert_says(&error, says);
    assert_says(&error, &file.display().to_string());
    assert_says(&error, "it was left as it is");
    assert!(fs::read(&file).unwrap() == bytes, "the file was changed");

    // The lock was given back: the next try fails for the same reason.
    assert_eq!(refused(home.path()).await.kind, StoreErrorKind::Unreadable);
}

async fn refused(directory: &Path) -> StoreError {
    SqliteStore::open(directory).await.unwrap_err()
}

async fn connect(file: &Path, create: bool) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(create)
        .connect()
        .await
        .unwrap()
}

#[track_caller]
fn assert_says(error: &StoreError, what: &str) {
    assert!(error.message.contains(what), "{what:?} in {error}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn channel() -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new("chat"),
        ChannelId::new("1"),
    ))
}

fn root() -> RootId {
    RootId::of_place(&channel())
}

fn turn_id(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

fn message(number: u128) -> MessageRef {
    MessageRef {
        place: channel(),
        message: MessageId::new(number.to_string()),
    }
}

fn queued(turn: u128, prompt: &str) -> Record {
    Record::TurnQueued {
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        turn: QueuedTurn {
            id: turn_id(turn),
            cause: message(turn),
            author: UserId::new("ann"),
            prompt: prompt.to_owned(),
            attachments: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            origin: Origin::Person,
        },
    }
}

fn seen(number: u128) -> Record {
    Record::MessageSeen {
        message: message(number),
        author: UserId::new("ann"),
        disposition: mpg_core::record::Disposition::Accepted,
        at: Timestamp::UNIX_EPOCH,
    }
}
