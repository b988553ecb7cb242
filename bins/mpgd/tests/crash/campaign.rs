//! A series of kills, and what is left of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mpg_testkit::discord::{Fault, GatewayFault, Scope};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::home::{Home, PATIENCE};
use crate::load::Load;
use crate::random::Random;
use crate::verdict::{Agents, Verdict, check};

/// How often the gateway is killed in the first campaign, unless `MPG_KILLS` says otherwise.
const KILLS: u64 = 40;

/// How long all open questions together may take at the end.
const LAST_LIFE: Duration = Duration::from_mins(1);

/// Something that is killed over and over.
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    victims: Victims,
    /// The part of the kills that this campaign does, in hundredths.
    share: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    /// The daemon alone.
    Gateway,
    /// The daemon, and the next one is another file.
    Upgrade,
    /// The daemon with all that runs for it.
    Machine,
    /// One of the processes below the daemon, or the daemon.
    Any,
    /// The daemon, while the platform fails too.
    Platform,
}

/// All campaigns.
pub(crate) const CAMPAIGNS: [Campaign; 5] = [
    Campaign {
        name: "the_gateway_is_killed",
        victims: Victims::Gateway,
        share: 100,
    },
    Campaign {
        name: "the_gateway_is_killed_and_replaced_by_another_binary",
        victims: Victims::Upgrade,
        share: 20,
    },
    Campaign {
        name: "the_machine_dies",
        victims: Victims::Machine,
        share: 20,
    },
    Campaign {
        name: "any_process_is_killed",
        victims: Victims::Any,
        share: 40,
    },
    Campaign {
        name: "the_platform_fails_too",
        victims: Victims::Platform,
        share: 20,
    },
];

impl Campaign {
    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// Panics where something was lost, doubled, left out or left behind.
    pub(crate) fn run(&self) {
        let kills = number("MPG_KILLS").unwrap_or(KILLS) * self.share / 100;
        let seed = number("MPG_SEED").unwrap_or(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let begin = Instant::now();
        let (verdict, connected) = runtime.block_on(self.kill(kills, seed));
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{}: seed {seed}, {kills} kills ({connected} of connected gateways), {} messages: {} \
             answers ({} resumed), {} failures, 0 lost, 0 doubled, {} run again unseen; {seconds:.1} s, \
             {:.1} kills/s",
            self.name,
            verdict.messages,
            verdict.answers,
            verdict.resumed,
            verdict.failures,
            verdict.forgotten,
            lossy(kills) / seconds,
        );
    }

    async fn kill(&self, kills: u64, seed: u64) -> (Verdict, usize) {
        let home = Home::new().await;
        let programs = self.programs(&home);
        let mut random = Random::new(seed);
        let mut load = Load::new(&home, Random::new(seed.wrapping_add(1)));
        let (stop, stopped) = watch::channel(false);
        let connections = || {
            home.discord
                .look(|world| world.identify_count() + world.resume_count())
        };
        // What is written before there ever was a gateway is nobody's to answer.
        let first = home.start(&programs[0]);
        home.discord
            .wait_for(|world| world.identify_count() > 0)
            .await;
        let killing = async {
            sleep(Duration::from_millis(500)).await;
            end(&home, first, self.victims).await;
            let mut done = 1;
            while done < kills {
                if random.chance(25) {
                    sleep(Duration::from_millis(random.below(300))).await;
                }
                let program = &programs[usize::try_from(done).unwrap() % programs.len()];
                let daemon = home.start(program);
                // Some do not live to be connected.
                let life = if random.chance(20) { 80 } else { 900 };
                if self.victims == Victims::Platform {
                    trouble(&home, &mut random);
                }
                sleep(Duration::from_millis(random.below(life))).await;
                while self.victims == Victims::Any && done + 1 < kills && random.chance(60) {
                    done += u64::from(end_one(&home, &daemon, &mut random));
                    sleep(Duration::from_millis(random.below(life))).await;
                }
                end(&home, daemon, self.victims).await;
                done += 1;
            }
            home.discord.clear_faults();
            stop.send_replace(true);
        };
        let ((), ()) = tokio::join!(killing, load.write(stopped));
        let connected = connections();
        let last = home.start(&programs[0]);
        drain(&home, &load).await;
        finish(&home, last).await;
        let agents = match self.victims {
            Victims::Gateway | Victims::Upgrade | Victims::Platform => Agents::Survive,
            Victims::Machine | Victims::Any => Agents::Die,
        };
        let verdict = check(&home, &load, agents);
        home.assert_nothing_left().await;
        (verdict, connected)
    }

    /// The binaries that take turns.
    fn programs(&self, home: &Home) -> Vec<PathBuf> {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_mpgd"));
        match self.victims {
            Victims::Gateway | Victims::Machine | Victims::Any | Victims::Platform => {
                vec![program]
            }
            Victims::Upgrade => {
                let other = home.path("mpgd-of-tomorrow");
                fs::copy(&program, &other).unwrap();
                vec![program, other]
            }
        }
    }
}

/// Kills, and waits for the daemon's end.
async fn end(home: &Home, mut daemon: Child, victims: Victims) {
    let ended = daemon.try_wait().unwrap();
    assert!(
        ended.is_none(),
        "ended by itself: {ended:?}:\n{}",
        home.log()
    );
    daemon.start_kill().unwrap();
    if victims == Victims::Machine {
        while home.kill(|_| true) > 0 {}
    }
    daemon.wait().await.unwrap();
}

/// Kills one of the processes that are not the daemon; whether there was one.
fn end_one(home: &Home, daemon: &Child, random: &mut Random) -> bool {
    let mut others: Vec<u32> = home.processes().into_iter().map(|(pid, _)| pid).collect();
    others.retain(|pid| Some(*pid) != daemon.id());
    if others.is_empty() {
        return false;
    }
    let pid = others[random.index(others.len())];
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// Lets the platform fail a few times.
pub(crate) fn trouble(home: &Home, random: &mut Random) {
    let discord = &home.discord;
    // What nobody met is over: a gateway that waits to connect again would find more of it in its way
    // each time, and never come back.
    discord.clear_faults();
    let posts = "/channels/*/messages";
    match random.below(11) {
        0 => discord.fault("POST", posts, Fault::CutAfterHandling, 1),
        1 => discord.fault("POST", posts, Fault::CutBeforeHandling, 1),
        2 => discord.fault("POST", posts, Fault::Status(502), 2),
        3 => {
            let fault = Fault::RateLimited {
                retry_after: Duration::from_millis(200),
                scope: Some(Scope::User),
                html: false,
            };
            discord.fault("POST", posts, fault, 3);
        }
        4 => discord.fault(
            "POST",
            "/channels/*/messages/*/threads",
            Fault::CutAfterHandling,
            1,
        ),
        5 => discord.fault(
            "*",
            "/channels/**",
            Fault::Delay(Duration::from_millis(300)),
            5,
        ),
        6 => discord.disconnect(),
        7 => discord.request_reconnect(),
        8 => discord.duplicate_dispatch(),
        9 => discord.invalidate_sessions(),
        _ => discord.gateway_fault(GatewayFault::RefuseConnection, 2),
    }
}

/// Waits until everything has its outcome.
async fn drain(home: &Home, load: &Load<'_>) {
    let mut changes = home.discord.changes();
    let answered = async {
        loop {
            changes.borrow_and_update();
            if load.open() == 0 {
                return;
            }
            changes.changed().await.unwrap();
        }
    };
    let in_time = timeout(LAST_LIFE, answered).await.is_ok();
    assert!(
        in_time,
        "messages are not answered:\n{}\nthe log ends:\n{}",
        load.report(),
        home.log()
    );
}

/// Stops the last daemon as an operator does.
pub(crate) async fn finish(home: &Home, mut daemon: Child) {
    let pid = daemon.id().and_then(|pid| i32::try_from(pid).ok());
    let pid = pid.and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, Signal::TERM).unwrap();
    let status = timeout(PATIENCE, daemon.wait()).await;
    let status = status.expect("it ends in time").unwrap();
    assert_eq!(status.code(), Some(0), "{}", home.log());
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {value}")),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of kills is far below what a float holds exactly"
)]
fn lossy(count: u64) -> f64 {
    count as f64
}
