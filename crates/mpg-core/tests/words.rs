//! The words for things in configuration, stores and logs: whoever reads an old state or a file of
//! configuration needs each of them to stay what it is.

use std::fmt::Write as _;

use mpg_core::agent::tool::{TaskState, ToolKind};
use mpg_core::agent::{
    Effort, FailureKind, Network, PermissionMode, Persistence, Sandbox, TurnFailure,
};
use mpg_core::audit::{Act, Actor};
use mpg_core::config::{OnInterrupted, Verbosity, WhileBusy, WorktreePer};
use mpg_core::control::ButtonStyle;
use mpg_core::handoff::HandoffMode;
use mpg_core::id::{PlatformId, UserId};
use mpg_core::record::{Disposition, ParkReason, TurnOutcome, UnboundReason};
use mpg_core::request::Scope;
use mpg_core::token;
use mpg_core::view::TurnState;

macro_rules! table {
    ($($all:ty),+ $(,)?) => {{
        let mut table = String::new();
        $({
            let words = <$all>::ALL.map(|one| one.name()).join(", ");
            writeln!(table, "{}: {words}", stringify!($all)).unwrap();
        })+
        table
    }};
}

#[test]
fn what_has_a_word_keeps_it() {
    insta::assert_snapshot!(table![
        Act,
        ButtonStyle,
        Effort,
        FailureKind,
        HandoffMode,
        Disposition,
        Network,
        OnInterrupted,
        ParkReason,
        PermissionMode,
        Persistence,
        token::Scope,
        Sandbox,
        Scope,
        TaskState,
        ToolKind,
        TurnState,
        UnboundReason,
        Verbosity,
        WhileBusy,
        WorktreePer,
    ]);
}

#[test]
fn actors_and_outcomes_have_words() {
    let failed = TurnFailure::new(FailureKind::Agent, "no");
    let outcomes = [
        TurnOutcome::Answered,
        TurnOutcome::Failed(failed),
        TurnOutcome::Stopped,
        TurnOutcome::Abandoned,
    ];
    let words = outcomes.map(|outcome| outcome.name());
    assert_eq!(words, ["answered", "failed", "stopped", "abandoned"]);

    let actors = [
        Actor::Person {
            platform: PlatformId::new("chat"),
            id: UserId::new("1"),
            name: "ann".to_owned(),
        },
        Actor::Token {
            id: "1".to_owned(),
            name: "ci".to_owned(),
        },
        Actor::Local {
            user: "ann".to_owned(),
        },
        Actor::Platform(PlatformId::new("chat")),
        Actor::Gateway,
    ];
    let words = actors.map(|actor| actor.kind());
    assert_eq!(words, ["person", "token", "local", "platform", "gateway"]);
}
