//! The audit log: what is written to it, and that whatever is done to it is found.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::audit::{Act, Actor, AuditLog as _, Deed};
use mpg_core::port::Store as _;
use mpg_core::record::Record;
use mpg_core::token::{Scope, Token, Tokens as _};
use mpg_store::{AuditCheck, Broken, Fault, Limits, Mark, SqliteStore, StateReader};
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::runtime::Builder;

/// What never grows old: it says that it is of the year 2100.
fn record(second: i64) -> Record {
    record_at(4_102_444_800 + second, second)
}

fn record_at(at: i64, second: i64) -> Record {
    let at = Timestamp::from_second(at).unwrap();
    let deed = Box::new(Deed::new(
        at,
        Actor::Gateway,
        Act::Asked,
        format!("turn {second}"),
    ));
    Record::Audited { deed }
}

/// A state with so many entries.
async fn written(entries: i64) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    for second in 1..=entries {
        store.commit(&[record(second)]).await.unwrap();
    }
    store.close().await.unwrap();
    home
}

/// Does something to the state that no gateway would.
async fn tamper(home: &Path, statement: &str) {
    let options = SqliteConnectOptions::new().filename(home.join("state.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    // Only what the log itself shows counts here.
    std::fs::remove_file(home.join("state.db-seal")).ok();
}

async fn check(home: &Path, known: Option<&Mark>) -> AuditCheck {
    let reader = StateReader::open(home).await.unwrap().unwrap();
    let check = reader.check_audit(known).await.unwrap();
    reader.close().await;
    check
}

async fn broken(home: &Path) -> Option<Broken> {
    check(home, None).await.broken
}

fn at(number: u64, fault: Fault) -> Broken {
    Broken { number, fault }
}

#[tokio::test]
async fn what_was_written_is_found_to_be_so() {
    let home = written(0).await;
    assert_eq!(check(home.path(), None).await.entries, 0);
    let home = written(5).await;
    let found = check(home.path(), None).await;
    assert_eq!((found.entries, found.pruned, found.broken), (5, 0, None));
    assert_eq!(found.last.number, 5);

    let store = SqliteStore::open(home.path()).await.unwrap();
    let both = [record(6), record(7)];
    store.commit(&both).await.unwrap();
    let newest = store.audited(None, 2).await.unwrap();
    let numbers: Vec<u64> = newest.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [7, 6]);
    let before = store.audited(Some(6), 100).await.unwrap();
    assert_eq!(before.len(), 5);
    assert!(before[0].body.contains("turn 5"), "{}", before[0].body);
    store.close().await.unwrap();
    let known = found.last;
    assert_eq!(check(home.path(), Some(&known)).await.broken, None);
}

#[tokio::test]
async fn whatever_is_done_to_it_is_found_where_it_begins() {
    for (statement, expected) in [
        (
            "UPDATE audit SET body = replace(body, 'asked', 'denied') WHERE number = 3",
            at(3, Fault::Changed),
        ),
        (
            "UPDATE audit SET at = at + 1 WHERE number = 4",
            at(4, Fault::Changed),
        ),
        (
            "UPDATE audit SET hash = zeroblob(32) WHERE number = 2",
            at(2, Fault::Changed),
        ),
        (
            "UPDATE audit SET hash = 'short' WHERE number = 2",
            at(2, Fault::Changed),
        ),
        ("DELETE FROM audit WHERE number = 3", at(3, Fault::Missing)),
        ("DELETE FROM audit WHERE number = 1", at(1, Fault::Missing)),
        ("DELETE FROM audit WHERE number >= 5", at(5, Fault::Missing)),
        ("DELETE FROM audit", at(1, Fault::Missing)),
        (
            "UPDATE audit SET number = -1 WHERE number = 2;
             UPDATE audit SET number = 2 WHERE number = 3;
             UPDATE audit SET number = 3 WHERE number = -1",
            at(2, Fault::Changed),
        ),
        (
            "INSERT INTO audit SELECT 7, at, body, hash FROM audit WHERE number = 6",
            at(7, Fault::Changed),
        ),
        (
            "UPDATE audit_chain SET last_hash = zeroblob(32)",
            at(6, Fault::Changed),
        ),
        (
            "UPDATE audit_chain SET pruned_hash = x'01' || zeroblob(31)",
            at(1, Fault::Changed),
        ),
    ] {
        let home = written(6).await;
        assert_eq!(broken(home.path()).await, None);
        tamper(home.path(), statement).await;
        assert_eq!(broken(home.path()).await, Some(expected), "{statement}");
    }
}

#[tokio::test]
async fn a_log_that_was_written_anew_does_not_hold_what_is_known() {
    let home = written(5).await;
    let known = check(home.path(), None).await.last;
    // Another one, as whole as the first.
    let other = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(other.path()).await.unwrap();
    for second in 11..=18 {
        store.commit(&[record(second)]).await.unwrap();
    }
    store.close().await.unwrap();
    assert_eq!(broken(other.path()).await, None);
    let found = check(other.path(), Some(&known)).await;
    assert_eq!(found.broken, Some(at(5, Fault::Unknown)));
    let shorter = written(3).await;
    let found = check(shorter.path(), Some(&known)).await;
    assert_eq!(found.broken, Some(at(5, Fault::Missing)));
}

#[tokio::test]
async fn what_is_old_goes_and_the_rest_can_still_be_checked() {
    let home = tempfile::tempdir().unwrap();
    let limits = Limits {
        audit_keep: Duration::from_hours(24),
        ..Limits::default()
    };
    // Its first commit after an opening looks for what is old.
    let store = SqliteStore::open_with(home.path(), limits).await.unwrap();
    let now = Timestamp::now().as_second();
    store.commit(&[record_at(1, 1)]).await.unwrap();
    store
        .commit(&[record_at(2, 2), record_at(3, 3)])
        .await
        .unwrap();
    store.commit(&[record_at(now, 4)]).await.unwrap();
    store.commit(&[record_at(4, 4)]).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(check(home.path(), None).await.entries, 5);

    let store = SqliteStore::open_with(home.path(), limits).await.unwrap();
    store.commit(&[record_at(now, 4)]).await.unwrap();
    store.close().await.unwrap();
    let found = check(home.path(), None).await;
    // What stands behind something that is kept is kept, whatever time it says.
    assert_eq!((found.entries, found.pruned, found.broken), (3, 3, None));
    tamper(home.path(), "DELETE FROM audit WHERE number = 4").await;
    assert_eq!(broken(home.path()).await, Some(at(4, Fault::Missing)));
}

#[tokio::test]
async fn nothing_but_what_is_old_leaves_its_last_entry() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    store
        .commit(&[1, 2, 3].map(|at| record_at(at, at)))
        .await
        .unwrap();
    store.close().await.unwrap();
    let limits = Limits {
        audit_keep: Duration::from_hours(24),
        ..Limits::default()
    };
    let store = SqliteStore::open_with(home.path(), limits).await.unwrap();
    store.commit(&[record_at(4, 4)]).await.unwrap();
    store.close().await.unwrap();
    let found = check(home.path(), None).await;
    assert_eq!((found.entries, found.pruned, found.broken), (1, 3, None));
}

#[tokio::test]
async fn tokens_that_come_and_go_are_written_down() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let token = Token {
        id: "0011".to_owned(),
        hash: [7; 32],
        scope: Scope::Write,
        name: "ci".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    };
    let ann = Actor::Local {
        user: "ann".to_owned(),
    };
    store.add_token(&token, &ann).await.unwrap();
    assert!(store.add_token(&token, &ann).await.is_err());
    assert!(!store.remove_token("x", &ann).await.unwrap());
    assert!(store.remove_token("0011", &ann).await.unwrap());
    let entries = store.audited(None, 10).await.unwrap();
    let bodies: Vec<&str> = entries
        .iter()
        .rev()
        .map(|entry| entry.body.as_str())
        .collect();
    assert_eq!(
        bodies,
        [
            r#"{"about":"0011 write ci","act":"token-made","actor":{"kind":"local","name":"ann"}}"#,
            r#"{"about":"0011 write ci","act":"token-revoked","actor":{"kind":"local","name":"ann"}}"#,
        ],
        "what failed and what was not there is not in it"
    );
    store.close().await.unwrap();
    assert_eq!(broken(home.path()).await, None);
}

#[tokio::test]
async fn what_is_not_committed_is_not_in_it() {
    let home = tempfile::tempdir().unwrap();
    let limits = Limits {
        max_pages: Some(80),
        ..Limits::default()
    };
    let store = SqliteStore::open_with(home.path(), limits).await.unwrap();
    let mut stored = 0;
    for _ in 0..100 {
        let batch: Vec<Record> = (1..=50).map(record).collect();
        if store.commit(&batch).await.is_err() {
            break;
        }
        stored += 50;
    }
    assert!(
        (1..5_000).contains(&stored),
        "the disk is full in between: {stored}"
    );
    store.close().await.unwrap();
    let found = check(home.path(), None).await;
    assert_eq!((found.entries, found.broken), (stored, None));
}

/// One thing that somebody does to the log behind the gateway's back.
fn change() -> impl Strategy<Value = String> {
    let number = 1..=8_i64;
    prop_oneof![
        (number.clone(), any::<u8>()).prop_map(|(number, byte)| format!(
            "UPDATE audit SET body = body || char({}) WHERE number = {number}",
            u32::from(byte) + 32
        )),
        number
            .clone()
            .prop_map(|number| format!("DELETE FROM audit WHERE number = {number}")),
        number
            .clone()
            .prop_map(|number| format!("DELETE FROM audit WHERE number >= {number}")),
        (number.clone(), 1..=1_000_000_i64).prop_map(|(number, by)| format!(
            "UPDATE audit SET at = at - {by} WHERE number = {number}"
        )),
        (number.clone(), 9..=20_i64).prop_map(|(number, to)| format!(
            "UPDATE audit SET number = {to} WHERE number = {number}"
        )),
        (number, 1..=7_i64).prop_map(|(number, by)| {
            let other = (number - 1 + by) % 8 + 1;
            format!(
                "UPDATE audit SET body = (SELECT body FROM audit WHERE number = {other})
                 WHERE number = {number}"
            )
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_change_goes_unseen(statement in change()) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(async {
            let home = written(8).await;
            tamper(home.path(), &statement).await;
            broken(home.path()).await
        });
        prop_assert!(found.is_some(), "{statement}");
    }
}
