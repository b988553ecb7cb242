//! Everything at once for as long as wanted: people who write, allow and change the configuration,
//! agents that stream, fail, end themselves, ask and hand over, a platform that fails, programs that
//! look on, and a gateway that is killed. At the end nothing is lost, doubled or left behind, and
//! the gateway holds no more than it did when it began.

mod people;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::time::{interval, sleep, timeout};

use self::people::People;
use crate::campaign::{finish, number, trouble};
use crate::home::{Home, PATIENCE};
use crate::random::Random;
use crate::resources::{Resources, open_files};
use crate::viewers::Viewers;

pub(crate) const NAME: &str = "a_soak_leaves_nothing_behind";

/// How long it goes on, unless `MPG_SOAK` says otherwise, in seconds.
const LENGTH: u64 = 12;

/// The projects, with how many channels each has.
const PROJECTS: [(&str, usize); 5] = [
    ("one", 2),
    ("two", 1),
    ("three", 1),
    ("four", 2),
    ("five", 1),
];

/// How many programs look on.
const VIEWERS: usize = 20;

/// How long a gateway lives at the most until it is killed.
const LIFE: Duration = Duration::from_mins(3);

/// How many parts the run has whose memory is compared.
const PARTS: usize = 10;

/// How long a run is in which people have to be able to write in each part.
const LONG: Duration = Duration::from_mins(1);

/// What a gateway at rest may hold beyond what it held at its beginning: a few connections to the
/// state, with a thread each, and those to the platform that are kept for the next call. Here there
/// are as many of them as there were calls at once, as a server on loopback speaks HTTP/1.
const MORE_FILES: usize = 64;
const MORE_THREADS: usize = 16;

/// How much memory may grow between the second part and the last one, in KiB.
const MORE_MEMORY: u64 = 48 << 10;

/// Runs it to its end.
///
/// # Panics
///
/// Panics where something was lost, doubled or left, or where something piles up.
pub(crate) fn run() {
    let length = Duration::from_secs(number("MPG_SOAK").unwrap_or(LENGTH));
    let seed = number("MPG_SEED").unwrap_or(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let told = runtime.block_on(soak(length, seed));
    println!("{NAME}: seed {seed}, {} s: {told}", length.as_secs());
}

async fn soak(length: Duration, seed: u64) -> String {
    let address = free_address();
    let settings = settings(address, "normal");
    let home = Home::with(&PROJECTS, &settings, |project| {
        ["dev", "qa"]
            .map(|agent| {
                let name = format!("{project}.agents.{agent}");
                format!("[projects.{name}]\nrole = \"works\"\nprompt = \"You are {agent}.\"\n")
            })
            .concat()
    })
    .await;
    let program = Path::new(env!("CARGO_BIN_EXE_mpgd"));
    let mut daemon = home.start(program);
    tokio::select! {
        () = home.discord.wait_for(|world| world.identify_count() > 0) => {}
        ended = daemon.wait() => panic!("it did not start: {ended:?}\n{}", home.log()),
    }
    let before = at_rest(&home, &daemon, None).await;
    let token = token(&home, program).await;
    let viewers = Viewers::start(address, &token, VIEWERS);
    let mut people = People::new(&home, Random::new(seed.wrapping_add(1)));
    let mut random = Random::new(seed);
    let mut memory = [0; PARTS];
    let mut asked = [0; PARTS];
    let mut kills = 0;
    let life = LIFE.min(length / 4);
    let begin = Instant::now();
    let mut born = begin;
    let mut moment = interval(Duration::from_millis(40));
    let mut turn: u32 = 0;
    while begin.elapsed() < length {
        moment.tick().await;
        turn = turn.wrapping_add(1);
        people.ask();
        if turn.is_multiple_of(25) {
            people.allow();
            let pid = daemon.id().unwrap_or_default();
            let part = part(begin.elapsed(), length);
            memory[part] = Resources::of(pid).memory.max(memory[part]);
            asked[part] = people.asked();
        }
        if turn.is_multiple_of(50) {
            trouble(&home, &mut random);
        }
        if turn.is_multiple_of(75) {
            let verbosity = ["normal", "full", "quiet"][random.index(3)];
            change(&home, address, verbosity);
        }
        if born.elapsed() > life {
            end(&home, daemon).await;
            kills += 1;
            daemon = home.start(program);
            born = Instant::now();
        }
    }
    home.discord.clear_faults();
    people.finish(length).await;
    let sent = viewers.sent();
    drop(viewers);
    let after = at_rest(&home, &daemon, Some(before)).await;
    finish(&home, daemon).await;
    let told = people.verdict();
    home.assert_nothing_left().await;
    assert!(sent > 0, "the viewers saw nothing");
    // A part in which nobody looked while a gateway ran says nothing.
    let mut looked = memory[1..].iter().filter(|most| **most > 0);
    let early = *looked.next().expect("somebody looked");
    let late = *looked.next_back().unwrap_or(&early);
    assert!(late <= early + MORE_MEMORY, "memory grows: {memory:?} KiB");
    let is_silent = asked.windows(2).any(|parts| parts[0] == parts[1]);
    assert!(
        !is_silent || length < LONG,
        "nobody could write for long, messages after each tenth: {asked:?}"
    );
    let state = fs::metadata(home.path("state/state.db")).map_or(0, |file| file.len());
    format!(
        "{told}, {kills} kills, 0 lost, 0 doubled; at rest {before} at first, {after} at last; \
         messages after each tenth: {asked:?}, most memory in it: {memory:?} KiB; state of {} KiB; viewers were sent {} KiB",
        state >> 10,
        sent >> 10,
    )
}

/// Which of the parts this moment is in.
fn part(elapsed: Duration, length: Duration) -> usize {
    let parts = u32::try_from(PARTS).unwrap_or(1);
    let part = elapsed.as_millis() / (length / parts).as_millis().max(1);
    usize::try_from(part).map_or(PARTS - 1, |part| part.min(PARTS - 1))
}

fn settings(address: SocketAddr, verbosity: &str) -> String {
    format!(
        "[http]\nlisten = \"{address}\"\n[defaults]\nsandbox = \"off\"\nidle-timeout = \"5s\"\n\
         verbosity = \"{verbosity}\"\n"
    )
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Another configuration in the place of the one that there is, at once and whole.
fn change(home: &Home, address: SocketAddr, verbosity: &str) {
    let file = home.path("mpg.toml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = ["normal", "full", "quiet"].iter().fold(text, |text, old| {
        text.replace(&settings(address, old), &settings(address, verbosity))
    });
    fs::write(home.path("mpg.toml.new"), changed).unwrap();
    fs::rename(home.path("mpg.toml.new"), file).unwrap();
}

async fn token(home: &Home, program: &Path) -> String {
    let mut create = home.command(program, &["token", "create", "--scope", "read"]);
    let created = create.output().await.unwrap();
    assert!(created.status.success(), "{created:?}");
    let said = String::from_utf8(created.stdout).unwrap();
    said.lines().last().unwrap().to_owned()
}

/// Kills, and waits for the daemon's end.
async fn end(home: &Home, mut daemon: Child) {
    let ended = daemon.try_wait().unwrap();
    assert!(
        ended.is_none(),
        "ended by itself: {ended:?}:\n{}",
        home.log()
    );
    daemon.kill().await.unwrap();
}

/// What the daemon holds once it is alone, and once that is no more than `before` allows.
async fn at_rest(home: &Home, daemon: &Child, before: Option<Resources>) -> Resources {
    let pid = daemon.id().expect("it runs");
    let resting = async {
        loop {
            let held = Resources::of(pid);
            let settled = before.is_none_or(|before| {
                held.files <= before.files + MORE_FILES
                    && held.threads <= before.threads + MORE_THREADS
            });
            if settled && home.processes().len() == 1 && home.sessions().is_empty() {
                return held;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let rested = timeout(PATIENCE, resting).await;
    rested.unwrap_or_else(|_| {
        panic!(
            "it does not come to rest: {} where {before:?} was at first, {:?}, {:?}, {:#?}",
            Resources::of(pid),
            home.processes(),
            home.sessions(),
            open_files(pid),
        )
    })
}
