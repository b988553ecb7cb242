//! One run: gateways live and die on the same disk, platform and agents, until the last one has
//! done everything.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::capability::{Capabilities, EditPace, LivePace, Threads};
use mpg_core::config::Config;
use mpg_core::id::AgentName;
use mpg_core::message::Link;
use mpg_core::port::{AgentRuntime, Store as _};
use mpg_core::snapshot::Snapshot;
use mpg_engine::{Clock, CommitFault, Ended, Engine, EngineError, Prompt, StopHandle, stop};
use mpg_testkit::fake::FakePlatform;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use crate::disk::{Disk, Made, Mortal};
use crate::kept::Keepers;
use crate::oracle;
use crate::people::People;
use crate::plan::{Death, Meanwhile, Plan, Size};
use crate::random::Random;
use crate::script::{is_repeat, knows_nothing, script};
use crate::seen::Seen;
use crate::settings::config;
use crate::team::Cast;

/// How long a gateway is left alone that does not come to the moment of its death.
const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// How long the last gateway may take for all that is left, by its own clock.
const LAST_LIFE: Duration = Duration::from_hours(48);

/// How often it is looked whether everything is done.
const SETTLING: Duration = Duration::from_secs(20);

/// How often others get their turn until a dead gateway is gone.
const TASKS: u32 = 1_000;

struct World<D> {
    plan: Plan,
    next: usize,
    chat: FakePlatform,
    people: People,
    config: Arc<Config>,
    agents: Arc<dyn AgentRuntime>,
    /// The same, where they outlive their gateway.
    keepers: Option<Keepers>,
    disk: D,
    made: Made,
    /// What agents were asked although they had been asked before, or knew nothing of it.
    asked_again: Arc<Mutex<Vec<String>>>,
    /// What the disk must hold.
    expected: Option<Snapshot>,
    now: Timestamp,
    moments: Moments,
}

/// How many moments the first life had at which a gateway can die.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) commits: u64,
    pub(crate) calls: u64,
    pub(crate) polls: u64,
}

impl Moments {
    /// Every commit, lost and made, every call of the platform, and every step of the loop.
    pub(crate) fn deaths(self) -> Vec<Death> {
        let mut deaths = Vec::new();
        for number in 1..=self.commits {
            for fault in [CommitFault::Lost, CommitFault::ReplyLost] {
                deaths.push(Death::Commit(number, fault));
                deaths.push(Death::FailedCommit(number, fault));
            }
        }
        deaths.extend((1..=self.calls).map(Death::Call));
        deaths.extend((1..self.polls).map(Death::Poll));
        deaths
    }
}

/// Runs a seed without a death, and then once with a death at each of its moments.
pub(crate) fn run_all<D: Disk>(seed: u64, size: Size, disk: impl Fn() -> D) -> Seen {
    let undisturbed = play(Plan::new(seed, size), disk());
    let mut all = undisturbed.seen;
    for death in undisturbed.moments.deaths() {
        let mut plan = Plan::new(seed, size);
        plan.deaths = vec![(
            death,
            Meanwhile {
                actions: 1,
                ..Meanwhile::default()
            },
        )];
        all.add(play(plan, disk()).seen);
    }
    all
}

/// What came out of a run.
pub(crate) struct Played {
    pub(crate) seen: Seen,
    /// What happened, one line each.
    pub(crate) transcript: String,
    pub(crate) moments: Moments,
}

/// Runs what `seed` stands for, and says what was seen.
///
/// # Panics
///
/// Panics where a message has no outcome, or more than one.
pub(crate) fn run(seed: u64, size: Size, disk: impl Disk) -> Seen {
    play(Plan::new(seed, size), disk).seen
}

/// The platform of a plan.
fn platform(plan: &Plan) -> FakePlatform {
    let chat = FakePlatform::with(Capabilities {
        threads: Threads::FromMessage,
        typing: true,
        status: true,
        live: plan.live.then_some(LivePace {
            interval: Duration::from_secs(1),
        }),
        edits: plan.edits.then_some(EditPace {
            edits: 5,
            per: Duration::from_secs(5),
            passing: 25,
        }),
        controls: plan.controls,
        reconcile: plan.reconcile,
        ..Capabilities::default()
    });
    chat.set_latency(plan.latency.0, plan.latency.1);
    chat.set_echoes(plan.echoes);
    chat
}

/// Runs a plan, and says what was seen and what happened.
pub(crate) fn play(plan: Plan, disk: impl Disk) -> Played {
    let seed = plan.seed;
    let chat = platform(&plan);
    let people = People::new(&chat, plan.team.map(|_| seed));
    // What a channel was before it was known is nobody's to answer.
    chat.link(Link::Connected);
    let asked_again: Arc<Mutex<Vec<String>>> = Arc::default();
    let script = {
        let asked_again = Arc::clone(&asked_again);
        let in_team = plan.team.is_some();
        move |own: Option<&AgentName>, prompt: Prompt<'_>| {
            if is_repeat(prompt) || knows_nothing(prompt) {
                let mut asked_again = asked_again.lock().unwrap_or_else(PoisonError::into_inner);
                asked_again.push(prompt.text.to_owned());
            }
            script(seed, (in_team, own), prompt)
        }
    };
    let keepers = plan.kept.then(|| Keepers::new(script.clone()));
    let agents: Arc<dyn AgentRuntime> = match &keepers {
        Some(keepers) => Arc::new(keepers.clone()),
        None => Arc::new(Cast::new(script)),
    };
    let mut world = World {
        config: Arc::new(config(&plan, &chat)),
        agents,
        keepers,
        asked_again,
        next: 0,
        people,
        chat,
        disk,
        made: Made::default(),
        expected: None,
        now: Timestamp::from_second(1_000_000).expect("a second of 1970 is a time"),
        moments: Moments::default(),
        plan,
    };
    for (death, meanwhile) in world.plan.deaths.clone() {
        world.live(Some(death));
        world.now = world.now.checked_add(meanwhile.time).expect("it is 1970");
        if let (Some(keepers), Some(seed)) = (&world.keepers, meanwhile.machine) {
            keepers.kill_all(&mut Random::new(seed));
        }
        for _ in 0..meanwhile.actions {
            if let Some((_, action)) = world.plan.actions.get(world.next) {
                world.people.act(*action);
                world.next += 1;
            }
        }
        if meanwhile.lost {
            world.chat.lose();
        }
    }
    world.live(None);
    let asked_again = world.asked_again.lock();
    let asked_again = asked_again.unwrap_or_else(PoisonError::into_inner);
    assert!(
        asked_again.is_empty(),
        "asked twice, or in a fork that knows nothing: {asked_again:?}:\n{}",
        world.chat.transcript()
    );
    let mut adopted = 0;
    if let Some(keepers) = &world.keepers {
        let left = keepers.running();
        assert!(
            left.is_empty(),
            "left behind: {left:?}:\n{}",
            world.chat.transcript()
        );
        adopted = keepers.adopted();
    }
    let made = world.made.lock().unwrap_or_else(PoisonError::into_inner);
    let last = world.expected.as_ref().expect("a gateway lived");
    let mut checked = oracle::check(&world.chat, &world.people, &world.plan, &made, last);
    checked.adopted = adopted;
    let transcript = world.chat.look(|chat| {
        let happenings = chat.entries().iter().map(|entry| &entry.happening);
        let lines = happenings.map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    });
    Played {
        seen: checked,
        transcript,
        moments: world.moments,
    }
}

impl<D: Disk> World<D> {
    /// One life, in a runtime of its own: what ran in it is gone with it.
    fn live(&mut self, death: Option<Death>) {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime is built from nothing that can be missing");
        runtime.block_on(self.life(death));
    }

    async fn life(&mut self, death: Option<Death>) {
        let store = self.disk.open().await;
        let store = Arc::new(Mortal::new(store, Arc::clone(&self.made), death));
        let loaded = self.load(&store).await;
        let born = Instant::now();
        if let Some(keepers) = &self.keepers {
            keepers.begin_life(self.now);
        }
        let shared: Arc<dyn mpg_core::port::Store> = store.clone();
        let engine = Engine::builder(Arc::clone(&self.config), Arc::clone(&self.agents))
            .store(shared, loaded)
            .connection(self.chat.connect())
            .clock(Clock::runtime(self.now))
            .build();
        let (stop, signal) = stop();
        let mut engine = Box::pin(engine.run(signal));
        let calls = self.chat.look(mpg_testkit::fake::World::calls);
        let first = self.expected.is_none() && calls == 0;
        let mut looked = 0;
        let mut polls = match death {
            Some(Death::Poll(polls)) => Some(polls),
            Some(_) | None => None,
        };
        let running = poll_fn(|context| {
            looked += 1;
            match &mut polls {
                Some(0) => return Poll::Ready(None),
                Some(left) => *left -= 1,
                None => {}
            }
            engine.as_mut().poll(context).map(Some)
        });
        let chat = self.chat.clone();
        let ended = tokio::select! {
            biased;
            () = store.died() => None,
            () = called(&chat, death) => None,
            () = too_old(death) => None,
            () = told(&stop, death) => None,
            () = self.act(death.is_none().then_some(&store)) => None,
            ended = running => ended,
        };
        check_end(death, ended.as_ref(), &self.chat);
        drop(engine);
        if first {
            self.moments = Moments {
                commits: store.commits(),
                calls: self.chat.look(mpg_testkit::fake::World::calls),
                polls: looked,
            };
        }
        // What read the store when the gateway died is dropped once its task comes up.
        for _ in 0..TASKS {
            if Arc::strong_count(&store) == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let store = Arc::into_inner(store).expect("the gateway is gone");
        let store = store.into_store().await;
        if death.is_none() {
            let left = store.load().await.expect("the store loads");
            self.expected = Some(left);
        }
        self.disk.close(store).await;
        let lived = born.elapsed() + Duration::from_secs(1);
        self.now = self.now.checked_add(lived).expect("it is 1970");
    }

    /// Loads the state, which is what the records that were ever committed make of nothing.
    async fn load(&mut self, store: &Mortal) -> Snapshot {
        let loaded = store.load().await.expect("the store loads");
        let mut expected = Snapshot::new(loaded.installation);
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for record in made.iter() {
            expected.apply(record);
        }
        assert_eq!(loaded, expected, "the store forgot something");
        loaded
    }

    /// Lets people do what they do; they never come to an end, but what they say does.
    async fn act(&mut self, last: Option<&Arc<Mortal>>) {
        while let Some((pause, action)) = self.plan.actions.get(self.next) {
            sleep(*pause).await;
            self.people.act(*action);
            self.next += 1;
        }
        if let Some(store) = last {
            // A turn that waits for a usage limit to end would be left to the next gateway.
            self.chat.release();
            self.chat
                .until(mpg_testkit::fake::World::is_acknowledged)
                .await;
            while !is_settled(&store.load().await.expect("the store loads")) {
                sleep(SETTLING).await;
            }
            self.chat.end();
        }
        std::future::pending::<()>().await;
    }
}

/// Whether every turn has ended, and nothing is looked back over any more.
fn is_settled(snapshot: &Snapshot) -> bool {
    let mut channels = snapshot.channels.values();
    let mut threads = snapshot.threads.values();
    let read = channels.all(|channel| channel.gap.is_none());
    read && threads.all(|thread| {
        let mut conversations = thread.conversations.values();
        conversations.all(|one| one.queue.is_empty() && one.running.is_none())
    })
}

async fn called(chat: &FakePlatform, death: Option<Death>) {
    let Some(Death::Call(calls)) = death else {
        return std::future::pending().await;
    };
    let before = chat.look(mpg_testkit::fake::World::calls);
    chat.until(|world| world.calls() >= before + calls).await;
}

async fn told(stop: &StopHandle, death: Option<Death>) {
    if let Some(Death::Stop(drain, cut)) = death {
        sleep(drain).await;
        stop.next();
        sleep(cut).await;
        stop.next();
    }
    std::future::pending::<()>().await;
}

async fn too_old(death: Option<Death>) {
    match death {
        Some(Death::Time(time)) => sleep(time).await,
        Some(_) => sleep(LONGEST_LIFE).await,
        None => sleep(LAST_LIFE).await,
    }
}

fn check_end(
    death: Option<Death>,
    ended: Option<&Result<Ended, EngineError>>,
    chat: &FakePlatform,
) {
    let as_planned = match (death, ended) {
        (Some(Death::FailedCommit(..)), Some(Err(EngineError::Store(_))))
        | (Some(Death::Stop(..)), Some(Ok(_)))
        | (Some(_), None)
        | (None, Some(Ok(Ended::Drained))) => true,
        (Some(_) | None, Some(_)) | (None, None) => false,
    };
    assert!(
        as_planned,
        "meant to end by {death:?}, ended by {ended:?}:\n{}",
        chat.transcript()
    );
}
