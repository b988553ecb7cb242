//! What happens in one run: what people do, what fails, and when the gateway dies.

use std::time::Duration;

use mpg_core::capability::{Controls, Reconcile};
use mpg_core::config::{OnInterrupted, WhileBusy};
use mpg_engine::CommitFault;
use mpg_testkit::fake::{Fault, Verb};

use crate::random::Random;
use crate::team::{TOKENS, Team};

/// How much happens in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) actions: u64,
    pub(crate) deaths: u64,
}

/// Everything that a seed decides before the run.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a run has or not"
)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Whether agents outlive their gateway.
    pub(crate) kept: bool,
    /// What becomes of a turn that was cut off, in one of the projects.
    pub(crate) on_interrupted: OnInterrupted,
    /// What becomes of a message that comes during a turn.
    pub(crate) while_busy: WhileBusy,
    /// How the platform finds a post again whose outcome is unknown.
    pub(crate) reconcile: Reconcile,
    /// The agents with names, where projects have some.
    pub(crate) team: Option<Team>,
    /// How many answers the budget of each project allows in a day, where it has one.
    pub(crate) turns_a_day: Option<u64>,
    pub(crate) slots: u32,
    pub(crate) warm: u32,
    pub(crate) live: bool,
    /// Whether the platform's messages can be changed.
    pub(crate) edits: bool,
    /// What people can act on a post with.
    pub(crate) controls: Controls,
    pub(crate) echoes: bool,
    pub(crate) latency: (Duration, Duration),
    /// What people do, each after some time.
    pub(crate) actions: Vec<(Duration, Action)>,
    /// How each gateway but the last one ends, and what happens before the next starts.
    pub(crate) deaths: Vec<(Death, Meanwhile)>,
}

/// What happens while no gateway is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meanwhile {
    /// How much people do.
    pub(crate) actions: usize,
    /// How long it takes.
    pub(crate) time: Duration,
    /// Whether the platform tells nothing of it afterwards.
    pub(crate) lost: bool,
    /// Whether agents die too, and what decides which of them had not written down what they ran.
    pub(crate) machine: Option<u64>,
}

/// What somebody does. Where the thread or message is not there, something like it happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Say,
    SayInThread(usize),
    Edit(usize),
    Delete(usize),
    Kill(usize),
    Restart(usize),
    Stop(usize),
    /// One of the last requests of agents is answered, in one of many ways.
    Answer(usize, u64),
    /// A side question.
    Aside(usize),
    /// A fork, with something to ask at once or without.
    Fork(usize, bool),
    RemoveThread(usize),
    /// What was said is announced once more.
    Repeat(usize),
    /// What happens next is announced behind what happens then.
    Swap,
    Fail(Verb, Fault),
}

/// When and how a gateway dies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// At its nth commit, which is lost or made.
    Commit(u64, CommitFault),
    /// Of its own accord, because its nth commit fails.
    FailedCommit(u64, CommitFault),
    /// When the loop was looked at so often.
    Poll(u64),
    /// At its nth call of the platform.
    Call(u64),
    /// After some time.
    Time(Duration),
    /// Because it is told to after some time, and to be quick about it after some more.
    Stop(Duration, Duration),
}

impl Plan {
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let mut random = Random::new(seed);
        let slow = random.chance(50);
        let mut latency = || {
            if slow {
                Duration::from_millis(random.below(40))
            } else {
                Duration::ZERO
            }
        };
        let latency = (latency(), latency());
        let in_team = seed.is_multiple_of(3);
        // A message to agents that hand over leads to more than one turn.
        let most = if in_team {
            size.actions * 2 / 3
        } else {
            size.actions
        };
        let actions = 1 + random.below(most);
        // Posts whose outcome is unknown too often are given up, which is not what is tried here.
        let mut unknown = 5;
        let actions: Vec<(Duration, Action)> = (0..actions)
            .map(|_| {
                let action = action(&mut random, &mut unknown);
                (pause(&mut random), action)
            })
            .collect();
        let deaths = random.below(size.deaths + 1);
        let mut deaths: Vec<(Death, Meanwhile)> = (0..deaths)
            .map(|_| (death(&mut random), meanwhile(&mut random)))
            .collect();
        // Behind a cursor nothing is looked for, so what is told too late must not be lost as well.
        let swaps = |(_, action): &(Duration, Action)| matches!(action, Action::Swap);
        if actions.iter().any(swaps) {
            for (_, meanwhile) in &mut deaths {
                meanwhile.lost = false;
            }
        }
        let reconcile = [Reconcile::Nonce, Reconcile::Nonce, Reconcile::History];
        Self {
            seed,
            kept: random.chance(60),
            on_interrupted: if random.chance(30) {
                OnInterrupted::Report
            } else {
                OnInterrupted::Resume
            },
            while_busy: match seed % 4 {
                1 => WhileBusy::Steer,
                2 => WhileBusy::Interrupt,
                _ => WhileBusy::Queue,
            },
            reconcile: reconcile[random.index(3)],
            slots: 1 + u32::from(random.chance(60)) + u32::from(random.chance(30)),
            warm: u32::from(random.chance(60)) * 2,
            live: random.chance(30),
            echoes: random.chance(30),
            latency,
            actions,
            deaths,
            team: in_team.then(|| Team {
                tokens: random.chance(40).then_some(TOKENS + 1),
            }),
            turns_a_day: seed.is_multiple_of(5).then(|| 8 + seed % 16),
            edits: random.chance(70),
            controls: match random.below(4) {
                0 => Controls::None,
                1 => Controls::Buttons,
                _ => Controls::Forms,
            },
        }
    }
}

/// A moment or a while.
pub(crate) fn pause(random: &mut Random) -> Duration {
    let longest = [1, 50, 1_000, 10_000][random.index(4)];
    Duration::from_millis(random.below(longest))
}

fn action(random: &mut Random, unknown: &mut u32) -> Action {
    let back = random.index(8);
    match random.below(100) {
        0..26 => Action::Say,
        26..47 => Action::SayInThread(back),
        47..50 => Action::Aside(back),
        50..53 => Action::Fork(back, random.chance(70)),
        53..65 => Action::Answer(back / 2, random.next()),
        65..69 => Action::Edit(back),
        69..73 => Action::Delete(back),
        73..75 => Action::Kill(back),
        75..77 => Action::Restart(back),
        77..79 => Action::RemoveThread(back),
        79..82 => Action::Repeat(back),
        82..85 => Action::Swap,
        85..88 => Action::Stop(back),
        _ => fault(random, unknown),
    }
}

fn fault(random: &mut Random, unknown: &mut u32) -> Action {
    let retry_after = random.chance(30).then_some(Duration::from_secs(3));
    let transient = Fault::Transient { retry_after };
    let delay = Fault::Delay(Duration::from_millis(random.below(2_000)));
    let mut outcome_unknown = |fault| match unknown.checked_sub(1) {
        Some(left) => {
            *unknown = left;
            fault
        }
        None => transient,
    };
    let fault = match random.below(4) {
        0 => transient,
        1 => delay,
        2 => outcome_unknown(Fault::Lost),
        _ => outcome_unknown(Fault::ReplyLost),
    };
    match random.below(10) {
        0..5 => Action::Fail(Verb::Post, fault),
        5..7 => Action::Fail(Verb::OpenThread, fault),
        7 => Action::Fail(Verb::OpenThread, Fault::Unsupported),
        8 => Action::Fail(
            Verb::SetStatus,
            [Fault::Hang, Fault::Panic][random.index(2)],
        ),
        _ => Action::Fail(
            Verb::Typing,
            [Fault::Hang, Fault::Rejected][random.index(2)],
        ),
    }
}

fn meanwhile(random: &mut Random) -> Meanwhile {
    Meanwhile {
        actions: random.index(3),
        time: pause(random),
        lost: random.chance(30),
        machine: random.chance(25).then(|| random.next()),
    }
}

fn death(random: &mut Random) -> Death {
    let fault = [CommitFault::Lost, CommitFault::ReplyLost][random.index(2)];
    match random.below(6) {
        0 => Death::Commit(1 + random.below(25), fault),
        1 => Death::FailedCommit(1 + random.below(25), fault),
        2 => Death::Poll(random.below(120)),
        3 => Death::Call(1 + random.below(30)),
        4 => Death::Stop(pause(random), pause(random)),
        _ => Death::Time(pause(random)),
    }
}
