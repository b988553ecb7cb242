//! A process that commits is killed at any moment, over and over; what it was told to be stored is.
//!
//! Called with a directory, this program is the process that is killed.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, MessageId, MessageRef, Place, PlatformId, Position,
    RootId, TurnId, UserId,
};
use mpg_core::port::Store as _;
use mpg_core::record::{Disposition, Record};
use mpg_core::snapshot::{Origin, QueuedTurn, Snapshot};
use mpg_store::SqliteStore;
use tokio::runtime::Builder;
use uuid::Uuid;

/// How often the process is killed.
const KILLS: u64 = 40;

/// The most commits that it makes before it is killed.
const MOST_COMMITS: u64 = 25;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    match env::args_os().nth(1) {
        Some(directory) if Path::new(&directory).is_dir() => {
            runtime.block_on(commit_until_killed(Path::new(&directory)));
        }
        // The test runner's own arguments mean nothing here.
        Some(_) | None => runtime.block_on(what_was_committed_is_there_whenever_it_was_killed()),
    }
}

async fn commit_until_killed(directory: &Path) {
    let store = SqliteStore::open(directory).await.unwrap();
    let done = commits_in(&store.load().await.unwrap());
    for number in done + 1.. {
        store.commit(&commit(number)).await.unwrap();
        let mut out = io::stdout();
        writeln!(out, "{number}").unwrap();
        out.flush().unwrap();
    }
}

async fn what_was_committed_is_there_whenever_it_was_killed() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path()).await.unwrap();
    let mut expected = store.load().await.unwrap();
    store.close().await.unwrap();
    let mut applied = 0;
    for kill in 0..KILLS {
        let told = run_and_kill(home.path(), kill * 7 % MOST_COMMITS);
        let store = SqliteStore::open(home.path()).await.unwrap();
        let state = store.load().await.unwrap();
        let made = commits_in(&state);
        assert!(
            made >= told.max(applied),
            "kill {kill}: {told} told, {made} there"
        );
        for number in applied + 1..=made {
            for record in commit(number) {
                expected.apply(&record);
            }
        }
        applied = made;
        assert_eq!(state, expected, "kill {kill}, after commit {made}");
        // Sometimes the next process finds the state closed, mostly as the killed one left it.
        if kill % 4 == 0 {
            store.close().await.unwrap();
        }
    }
    assert!(
        applied > KILLS,
        "{applied} commits were too few to be killed between"
    );
    let mut out = io::stdout();
    writeln!(out, "{KILLS} kills, {applied} commits, none lost or torn").unwrap();
}

/// Kills the process once it has said that it made so many commits; it goes on meanwhile. Returns
/// the last commit that it said was made.
fn run_and_kill(directory: &Path, after: u64) -> u64 {
    let mut process = Command::new(env::current_exe().unwrap())
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut told = 0;
    for _ in 0..=after {
        told = lines.next().unwrap().unwrap().parse().unwrap();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    // What it still said before it was killed; a line may be cut short.
    for line in lines.map_while(Result::ok) {
        told = line.parse::<u64>().map_or(told, |number| told.max(number));
    }
    told
}

/// How many commits a state holds: each moves the position.
fn commits_in(state: &Snapshot) -> u64 {
    let position = state.positions.get(&PlatformId::new("chat"));
    position.map_or(0, |position| position.as_str().parse().unwrap())
}

/// The records of a commit, which belong together.
fn commit(number: u64) -> Vec<Record> {
    let platform = PlatformId::new("chat");
    let place = Place::channel(ChannelKey::new(platform.clone(), ChannelId::new("1")));
    let message = MessageRef {
        place: place.clone(),
        message: MessageId::new(number.to_string()),
    };
    vec![
        Record::MessageSeen {
            message: message.clone(),
            author: UserId::new("ann"),
            disposition: Disposition::Accepted,
            at: Timestamp::UNIX_EPOCH,
        },
        Record::TurnQueued {
            conversation: ConversationId {
                root: RootId::of_place(&place),
                agent: None,
            },
            turn: QueuedTurn {
                id: TurnId::from_uuid(Uuid::from_u128(number.into())),
                cause: message,
                author: UserId::new("ann"),
                prompt: "x".repeat(usize::try_from(number * 97 % 9_000).unwrap()),
                attachments: Vec::new(),
                at: Timestamp::UNIX_EPOCH,
                origin: Origin::Person,
            },
        },
        Record::PositionMoved {
            platform,
            position: Position::new(number.to_string()),
        },
    ]
}
