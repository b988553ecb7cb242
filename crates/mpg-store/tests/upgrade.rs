//! A state that an earlier version wrote is taken up by this one, whichever it was.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use mpg_core::agent::Usage;
use mpg_core::id::{ChannelId, ChannelKey, MessageId, PlatformId, RootId};
use mpg_core::port::Store as _;
use mpg_core::post::PostKind;
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::Snapshot;
use mpg_store::{SqliteStore, StateReader};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// What the first version wrote: a thread that two turns ran in and one waits in, with a session and
/// a post that is owed; and a message that was seen.
const WRITTEN: &str = "
INSERT INTO installation VALUES (1, '00000000-0000-0000-0000-0000000000aa', 5);
INSERT INTO position VALUES ('chat', 'p:7');
INSERT INTO message VALUES ('chat', 'general', '', 1, '1', 'ann', 'accepted', 5);
INSERT INTO thread (id, platform, channel, root, place_platform, place_channel, place_thread,
                    last_agent, active_at)
VALUES (1, 'chat', 'general', '#1', 'chat', 'general', '/1', '', 9);
INSERT INTO conversation (id, thread, agent) VALUES (1, 1, '');
INSERT INTO session VALUES (1, '00000000-0000-0000-0000-0000000000bb', '/srv/one', TRUE);
INSERT INTO turn (conversation, id, state, cause_platform, cause_channel, cause_thread,
                  cause_message, author, prompt, queued_at, attempt, continues, started_at)
VALUES
    (1, '00000000-0000-0000-0000-0000000000c1', 'running', 'chat', 'general', '', '1', 'ann',
     'first', 5, 1, FALSE, 6),
    (1, '00000000-0000-0000-0000-0000000000c2', 'queued', 'chat', 'general', '/1', '2', 'bob',
     'second', 7, NULL, NULL, NULL);
INSERT INTO delivery (thread, id, state, kind, turn, agent, body, reply_to, planned_at)
VALUES (1, 'aaaaaaaaaaaaaaaaaaaa', 'planned', 'notice', NULL, NULL, 'owed', '1', 8);
";

/// The changes of the schema, in order.
fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Writes the state as a gateway of a version had it that was there from the first one on.
async fn write(directory: &Path, changes: &[PathBuf]) {
    let options = SqliteConnectOptions::new()
        .filename(directory.join("state.db"))
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    for known in [1, changes.len()] {
        let folder = tempfile::tempdir().unwrap();
        for change in &changes[..known] {
            fs::copy(change, folder.path().join(change.file_name().unwrap())).unwrap();
        }
        let migrator = Migrator::new(folder.path()).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        if known == 1 {
            let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM thread")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if rows == 0 {
                sqlx::raw_sql(WRITTEN)
                    .execute(&mut connection)
                    .await
                    .unwrap();
            }
        }
    }
    connection.close().await.unwrap();
}

fn assert_written(state: &Snapshot, version: usize) {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
    let root = RootId::of_message(channel, MessageId::new("1"));
    let thread = &state.threads[&root];
    let conversation = &thread.conversations.get(None).unwrap();
    let running = conversation.running.as_deref().unwrap();
    assert_eq!(running.turn.prompt, "first", "version {version}");
    assert_eq!(running.attempt, 1);
    assert_eq!(conversation.queue[0].prompt, "second");
    assert_eq!(conversation.queue[0].author.as_str(), "bob");
    let session = conversation.session.as_ref().unwrap();
    assert_eq!(session.directory, "/srv/one");
    assert!(session.answered);
    assert_eq!(thread.deliveries[0].text, "owed");
    assert_eq!(thread.deliveries[0].kind, PostKind::Notice);
}

#[tokio::test]
async fn a_state_of_each_earlier_version_is_taken_up_with_all_that_is_in_it() {
    let changes = migrations();
    let mut first: Option<Snapshot> = None;
    for version in 1..=changes.len() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &changes[..version]).await;
        let reader = StateReader::open(home.path()).await.unwrap().unwrap();
        assert_eq!(reader.is_outdated(), version < changes.len());
        reader.close().await;

        let store = SqliteStore::open(home.path()).await.unwrap();
        let state = store.load().await.unwrap();
        assert_written(&state, version);
        assert_eq!(*first.get_or_insert_with(|| state.clone()), state);

        // It is not only read: what was begun then ends now.
        let (root, thread) = state.threads.iter().next().unwrap();
        let id = mpg_core::id::ConversationId {
            root: root.clone(),
            agent: None,
        };
        let running = thread
            .conversations
            .get(None)
            .unwrap()
            .running
            .as_deref()
            .unwrap();
        let ended = Record::TurnEnded {
            conversation: id,
            turn: running.turn.id,
            outcome: TurnOutcome::Answered,
            usage: Usage::default(),
            at: jiff::Timestamp::from_second(100).unwrap(),
        };
        store.commit(std::slice::from_ref(&ended)).await.unwrap();
        let mut expected = state;
        expected.apply(&ended);
        assert_eq!(store.load().await.unwrap(), expected);
        store.close().await.unwrap();

        let reader = StateReader::open(home.path()).await.unwrap().unwrap();
        assert!(!reader.is_outdated());
        reader.check().await.unwrap();
        reader.close().await;
    }
}
