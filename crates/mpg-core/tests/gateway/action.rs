//! What may happen to a gateway, in any order.

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Say {
        channel: bool,
        thread: u8,
        text: u8,
    },
    Repeat {
        back: usize,
    },
    Edit {
        back: usize,
    },
    Delete {
        back: usize,
    },
    Command {
        channel: bool,
        thread: u8,
        command: u8,
    },
    /// Somebody uses a control of the platform, which may tell it twice.
    Use {
        channel: bool,
        thread: u8,
        control: u8,
    },
    Succeed {
        index: usize,
    },
    Fail {
        index: usize,
        how: u8,
    },
    AgentDies {
        index: usize,
    },
    ThreadGone {
        channel: bool,
        thread: u8,
    },
    Pass {
        seconds: i64,
    },
    /// The connection is lost: what is said now is heard of by looking back alone.
    Leave,
    Return,
    Crash,
    /// The gateway dies, and its agents go on.
    CrashAlone,
    /// The gateway hears of agents that go on.
    FindAgents,
    /// A run shows no sign of life.
    Stall {
        index: usize,
    },
    /// A run has gone on for long enough to be shown.
    Show {
        index: usize,
    },
    /// The step is decided, but its commit is lost in a crash; the platform sends it again.
    CrashBeforeCommit {
        channel: bool,
        thread: u8,
        text: u8,
    },
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    let index = 0..16_usize;
    prop_oneof![
        6 => (any::<bool>(), 0..4_u8, 0..4_u8)
            .prop_map(|(channel, thread, text)| Action::Say { channel, thread, text }),
        1 => (0..4_usize).prop_map(|back| Action::Repeat { back }),
        1 => (0..4_usize).prop_map(|back| Action::Edit { back }),
        1 => (0..4_usize).prop_map(|back| Action::Delete { back }),
        1 => (any::<bool>(), 0..4_u8, 0..12_u8)
            .prop_map(|(channel, thread, command)| Action::Command { channel, thread, command }),
        1 => (any::<bool>(), 0..4_u8, 0..5_u8)
            .prop_map(|(channel, thread, control)| Action::Use { channel, thread, control }),
        12 => index.clone().prop_map(|index| Action::Succeed { index }),
        3 => (index.clone(), 0..10_u8).prop_map(|(index, how)| Action::Fail { index, how }),
        1 => index.clone().prop_map(|index| Action::AgentDies { index }),
        1 => index.clone().prop_map(|index| Action::Stall { index }),
        3 => index.prop_map(|index| Action::Show { index }),
        1 => (any::<bool>(), 0..4_u8)
            .prop_map(|(channel, thread)| Action::ThreadGone { channel, thread }),
        2 => (1..4_000_i64).prop_map(|seconds| Action::Pass { seconds }),
        1 => Just(Action::Leave),
        2 => Just(Action::Return),
        1 => Just(Action::Crash),
        1 => Just(Action::CrashAlone),
        1 => Just(Action::FindAgents),
        1 => (any::<bool>(), 0..4_u8, 0..4_u8)
            .prop_map(|(channel, thread, text)| Action::CrashBeforeCommit { channel, thread, text }),
    ]
}
