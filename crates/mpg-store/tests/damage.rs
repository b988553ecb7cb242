//! Files that were damaged on the disk: refused and left as they are, or read as they were.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, MessageId, MessageRef, Place, PlatformId, RootId,
    TurnId, UserId,
};
use mpg_core::port::{Store as _, StoreError, StoreErrorKind};
use mpg_core::record::Record;
use mpg_core::snapshot::{Origin, QueuedTurn, Snapshot};
use mpg_store::SqliteStore;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// A state that was closed, and one whose process was killed.
static CLOSED: LazyLock<Image> = LazyLock::new(|| Image::make(true));
static KILLED: LazyLock<Image> = LazyLock::new(|| Image::make(false));

/// Where the definitions of tables and indexes are in the state whose process was killed.
static DEFINITIONS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let bytes = &KILLED.files[0].1;
    let begins = |at: &usize| bytes[*at..].starts_with(b"CREATE ");
    let definitions = (0..bytes.len()).filter(begins).flat_map(|begin| {
        let length = bytes[begin..]
            .iter()
            .take_while(|byte| **byte >= b'\n')
            .count();
        begin..begin + length
    });
    definitions.collect()
});

/// How many commits an image holds.
const COMMITS: u128 = 12;

/// The files of a state, and the state after each of its commits.
struct Image {
    files: Vec<(&'static str, Vec<u8>)>,
    states: Vec<Snapshot>,
}

impl Image {
    fn make(close: bool) -> Self {
        runtime().block_on(async {
            let home = tempfile::tempdir().unwrap();
            // The state is old: what matters is not all in the log.
            let store = SqliteStore::open(home.path()).await.unwrap();
            let mut states = vec![store.load().await.unwrap()];
            for number in 1..=COMMITS {
                let record = queued(number);
                let mut next = states[states.len() - 1].clone();
                next.apply(&record);
                states.push(next);
            }
            let half = COMMITS / 2;
            for number in 1..=half {
                store.commit(&[queued(number)]).await.unwrap();
            }
            store.close().await.unwrap();
            let store = SqliteStore::open(home.path()).await.unwrap();
            for number in half + 1..=COMMITS {
                store.commit(&[queued(number)]).await.unwrap();
            }
            let (names, store): (&[&str], _) = if close {
                store.close().await.unwrap();
                (&["state.db", "state.db-seal"], None)
            } else {
                (&["state.db", "state.db-wal"], Some(store))
            };
            let files = names
                .iter()
                .map(|name| (*name, fs::read(home.path().join(name)).unwrap()))
                .collect();
            drop(store);
            Self { files, states }
        })
    }

    fn lay_out(&self) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.files {
            fs::write(home.path().join(name), bytes).unwrap();
        }
        home
    }
}

/// What happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Zero { at: usize, length: usize },
    Cut { at: usize },
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match *self {
            Self::Flip { at, bit } => {
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
            }
            Self::Zero { at, length } => {
                let at = at % bytes.len();
                let end = at.saturating_add(length).min(bytes.len());
                bytes[at..end].fill(0);
            }
            Self::Cut { at } => bytes.truncate(at % bytes.len()),
        }
    }
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    // Most of a file is in the middle of it; its beginning says what it is.
    let at = || prop_oneof![0..100_usize, any::<usize>()];
    let damage = prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (at(), 1..5_000_usize).prop_map(|(at, length)| Damage::Zero { at, length }),
        at().prop_map(|at| Damage::Cut { at }),
    ];
    prop::collection::vec(damage, 1..4)
}

/// Damages one file, opens the state, and gives what came of it. A refusal has left every byte.
fn open_damaged(
    image: &Image,
    name: &str,
    damages: &[Damage],
) -> (bool, Result<Snapshot, StoreError>) {
    let home = image.lay_out();
    let file = home.path().join(name);
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    for damage in damages {
        if !bytes.is_empty() {
            damage.apply(&mut bytes);
        }
    }
    fs::write(&file, &bytes).unwrap();
    let before = image_of(home.path(), image);
    let opened = runtime().block_on(async {
        let store = SqliteStore::open(home.path()).await?;
        let state = store.load().await;
        // Nothing is left that still closes the file when the next one is laid out.
        drop(store.close().await);
        Ok(state)
    });
    let state = match opened {
        Ok(state) => state,
        Err(error) => {
            assert!(before == image_of(home.path(), image), "changed: {error}");
            Err(error)
        }
    };
    if let Err(error) = &state {
        assert!(error.message.contains("state.db"), "{error}");
        assert!(error.message.contains("it was left as it is"), "{error}");
        assert_eq!(error.kind, StoreErrorKind::Unreadable, "{error}");
    }
    (bytes != whole, state)
}

fn image_of(directory: &Path, image: &Image) -> Vec<Vec<u8>> {
    let names = image.files.iter().map(|(name, _)| directory.join(name));
    names.map(|file| fs::read(file).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_closed_state_with_any_change_is_refused(damages in damages()) {
        let (changed, state) = open_damaged(&CLOSED, "state.db", &damages);
        prop_assert_eq!(changed, state.is_err());
    }

    #[test]
    fn a_seal_with_any_change_is_refused(damages in damages()) {
        let (changed, state) = open_damaged(&CLOSED, "state.db-seal", &damages);
        prop_assert_eq!(changed, state.is_err());
    }

    #[test]
    fn a_damaged_log_is_read_up_to_the_damage(damages in damages()) {
        let (_, state) = open_damaged(&KILLED, "state.db-wal", &damages);
        let state = state.expect("what is before the damage is whole");
        prop_assert!(KILLED.states.contains(&state), "no state that there was");
    }

    #[test]
    fn a_damaged_state_whose_gateway_was_killed_is_refused_or_read(damages in damages()) {
        // SQLite has no checksums here: a letter that became another one is read as that.
        let (_, state) = open_damaged(&KILLED, "state.db", &damages);
        drop(state);
    }

    #[test]
    fn a_damaged_definition_of_a_table_is_refused_or_read(
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let at = *at.get(&DEFINITIONS);
        let (_, state) = open_damaged(&KILLED, "state.db", &[Damage::Flip { at, bit }]);
        drop(state);
    }
}

#[test]
fn a_type_that_is_no_text_is_refused() {
    let bytes = &KILLED.files[0].1;
    let types = DEFINITIONS
        .iter()
        .filter(|at| bytes[**at..].starts_with(b"BIGINT"));
    let damages: Vec<_> = types.map(|at| Damage::Flip { at: *at, bit: 7 }).collect();
    let (changed, state) = open_damaged(&KILLED, "state.db", &damages);
    assert!(changed && state.is_err());
}

#[test]
fn a_state_whose_gateway_was_killed_and_most_of_which_is_gone_is_refused() {
    for cut in [0, 1, 4_096, 3 * 4_096] {
        let (_, state) = open_damaged(&KILLED, "state.db", &[Damage::Cut { at: cut }]);
        assert!(state.is_err(), "cut at {cut}");
    }
}

#[test]
fn a_log_whose_state_is_gone_is_kept() {
    let home = KILLED.lay_out();
    fs::remove_file(home.path().join("state.db")).unwrap();
    let log = fs::read(home.path().join("state.db-wal")).unwrap();
    let error = runtime()
        .block_on(SqliteStore::open(home.path()))
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreadable);
    assert!(error.message.contains("state.db is gone, and"), "{error}");
    assert!(fs::read(home.path().join("state.db-wal")).unwrap() == log);
    assert!(!home.path().join("state.db").exists());
}

#[test]
fn a_state_that_was_closed_is_sealed_until_it_is_opened() {
    let home = CLOSED.lay_out();
    let seal = home.path().join("state.db-seal");
    runtime().block_on(async {
        let store = SqliteStore::open(home.path()).await.unwrap();
        assert!(!seal.exists());
        assert_eq!(store.load().await.unwrap(), CLOSED.states[COMMITS as usize]);
        store.close().await.unwrap();
        assert!(seal.exists());
    });
}

#[test]
fn a_state_that_was_not_finished_when_it_was_made_is_made_anew() {
    let home = tempfile::tempdir().unwrap();
    for left in ["state.db.new", "state.db.new-wal", "state.db.new-shm"] {
        fs::write(home.path().join(left), b"half of something").unwrap();
    }
    runtime().block_on(async {
        let store = SqliteStore::open(home.path()).await.unwrap();
        store.commit(&[queued(1)]).await.unwrap();
        store.close().await.unwrap();
    });
    let mut names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["state.db", "state.db-seal", "state.lock"]);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn queued(number: u128) -> Record {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
    let place = Place::channel(channel);
    Record::TurnQueued {
        conversation: ConversationId {
            root: RootId::of_place(&place),
            agent: None,
        },
        turn: QueuedTurn {
            id: TurnId::from_uuid(Uuid::from_u128(number)),
            cause: MessageRef {
                place,
                message: MessageId::new(number.to_string()),
            },
            author: UserId::new("ann"),
            prompt: "x".repeat(3_000),
            attachments: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            origin: Origin::Person,
        },
    }
}
