//! A state that is looked at and copied while a gateway uses it, or while none does.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mpg_core::id::{PlatformId, Position};
use mpg_core::port::{Store as _, StoreErrorKind};
use mpg_core::record::Record;
use mpg_store::{SqliteStore, StateOwner, StateReader, owner};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

#[tokio::test]
async fn a_copy_of_a_state_in_use_opens_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&[moved(1)]).await.unwrap();
    let copied = store.load().await.unwrap();
    let reader = open(home.path()).await;
    assert_eq!(reader.load().await.unwrap(), copied);
    reader.check().await.unwrap();

    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("state.db");
    let length = reader.back_up(&copy).await.unwrap();
    assert_eq!(names(other.path()), ["state.db"]);
    let metadata = fs::metadata(&copy).unwrap();
    assert_eq!(metadata.len(), length);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

    // The gateway goes on meanwhile, and its keepers know its epochs.
    store.commit(&[moved(2)]).await.unwrap();
    assert_ne!(store.load().await.unwrap(), copied);
    let restored = SqliteStore::open(other.path()).await.unwrap();
    assert_eq!(restored.load().await.unwrap(), copied);
    assert!(restored.epoch() > store.epoch() + 1_000_000);
    assert_eq!(restored.secret(), store.secret());
    let next = restored.epoch() + 1;
    restored.close().await.unwrap();
    let restored = SqliteStore::open(other.path()).await.unwrap();
    assert_eq!(restored.epoch(), next);
}

#[tokio::test]
async fn a_state_that_nobody_uses_is_copied_and_stays_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    assert!(StateReader::open(home.path()).await.unwrap().is_none());
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.commit(&[moved(1)]).await.unwrap();
    let epoch = store.epoch();
    let secret = store.secret().clone();
    store.close().await.unwrap();
    let before = fs::read(home.path().join("state.db")).unwrap();

    let reader = open(home.path()).await;
    assert_eq!(reader.identity().await.unwrap(), (epoch, secret));
    let copy = home.path().join("copy");
    reader.back_up(&copy).await.unwrap();
    reader.close().await;
    assert!(before == fs::read(home.path().join("state.db")).unwrap());
    let store = SqliteStore::open(home.path()).await.unwrap();
    assert_eq!(store.epoch(), epoch + 1);
}

#[tokio::test]
async fn a_file_that_is_there_is_never_written_over() {
    let home = tempfile::tempdir().unwrap();
    SqliteStore::open(home.path())
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let reader = open(home.path()).await;
    let taken = home.path().join("taken");
    fs::write(&taken, "").unwrap();
    let error = reader.back_up(&taken).await.unwrap_err();
    assert!(error.message.contains("taken exists already"), "{error}");
    assert_eq!(fs::read(&taken).unwrap(), b"");

    let nowhere = home.path().join("no/such/copy");
    let error = reader.back_up(&nowhere).await.unwrap_err();
    assert!(error.message.contains("could not be made"), "{error}");
    reader.close().await;
    let left: Vec<_> = names(home.path());
    assert!(
        !left.iter().any(|name| name.contains("partial")),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_damaged_state_is_not_copied() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store.close().await.unwrap();
    let file = home.path().join("state.db");
    let page = page_of(&file, "delivery").await * 4_096;
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let error = StateReader::open(home.path()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreadable);

    // Without the seal, what SQLite finds by itself.
    fs::remove_file(home.path().join("state.db-seal")).unwrap();
    bytes[middle] ^= 1;
    bytes[page - 4_096..page].fill(0xff);
    fs::write(&file, &bytes).unwrap();
    let reader = open(home.path()).await;
    let copy = home.path().join("copy");
    let error = reader.back_up(&copy).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreadable, "{error}");
    let error = reader.check().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreadable, "{error}");
    assert!(!copy.exists());
}

#[tokio::test]
async fn the_owner_of_a_directory_is_told_by_its_lock() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(owner(home.path()).unwrap(), StateOwner::Nobody);
    let store = SqliteStore::open(home.path()).await.unwrap();
    let here = StateOwner::Gateway(Some(std::process::id()));
    assert_eq!(owner(home.path()).unwrap(), here);
    store.close().await.unwrap();
    assert_eq!(owner(home.path()).unwrap(), StateOwner::Nobody);
}

/// The number of the page that a table begins on.
async fn page_of(file: &Path, table: &'static str) -> usize {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut direct = options.connect().await.unwrap();
    let page: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name = $1")
        .bind(table)
        .fetch_one(&mut direct)
        .await
        .unwrap();
    usize::try_from(page).unwrap()
}

async fn open(directory: &Path) -> StateReader {
    StateReader::open(directory).await.unwrap().unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn moved(number: u32) -> Record {
    Record::PositionMoved {
        platform: PlatformId::new("chat"),
        position: Position::new(number.to_string()),
    }
}
