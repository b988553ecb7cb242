//! The words for things in configuration, stores and logs: whoever reads an old state or a file of
//! configuration needs each of them to stay what it is.

use std::fmt::Write as _;

use mpg_core::agent::tool::{TaskState, ToolKind};
use mpg_core::agent::{
    Effort, Exit, FailureKind, Network, PermissionMode, Persistence, Sandbox, TurnFailure,
};
use mpg_core::audit::{Act, Actor};
use mpg_core::config::{OnInterrupted, Verbosity, WhileBusy, WorktreePer};
use mpg_core::control::ButtonStyle;
use mpg_core::handoff::HandoffMode;
use mpg_core::id::{DeliveryId, InstallationId, PlatformId, UserId};
use mpg_core::interaction::ActionId;
use mpg_core::message::Link;
use mpg_core::native::{Parameter, ParameterKind};
use mpg_core::record::{Disposition, ParkReason, TurnOutcome, UnboundReason};
use mpg_core::request::Scope;
use mpg_core::token;
use mpg_core::view::TurnState;
use uuid::Uuid;

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
fn a_word_names_what_it_is_of() {
    for scope in token::Scope::ALL {
        assert_eq!(token::Scope::named(scope.name()), Some(scope));
    }
    for verbosity in Verbosity::ALL {
        assert_eq!(Verbosity::named(verbosity.name()), Some(verbosity));
    }
    assert_eq!(token::Scope::named("owner"), None);
    assert_eq!(Verbosity::named("loud"), None);
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
    let failed = TurnFailure::new(FailureKind::Agent, "no");
    assert_eq!(TurnOutcome::Failed(failed.clone()).failure(), Some(&failed));
    assert_eq!(TurnOutcome::Stopped.failure(), None);

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

#[test]
fn ids_and_links_say_what_they_are() {
    let installation = InstallationId::from_uuid(Uuid::nil());
    let id = DeliveryId::of_prompt(installation, "key", "said");
    assert_eq!(id.to_string(), id.as_str());
    assert_eq!(format!("{id:?}"), format!("DeliveryId({})", id.as_str()));
    let beginning = DeliveryId::beginning(installation, "key");
    assert!(!beginning.is_empty() && id.as_str().starts_with(&beginning));
    let other = DeliveryId::beginning(installation, "another");
    assert!(!id.as_str().starts_with(&other));

    let action = ActionId::parse("stop:1").unwrap();
    assert_eq!(action.to_string(), "stop:1");
    assert_eq!(format!("{action:?}"), "ActionId(stop:1)");

    let reason = || "no network".to_owned();
    for (link, words) in [
        (Link::Connected, "connected"),
        (Link::Resumed, "resumed"),
        (Link::Degraded { reason: reason() }, "degraded: no network"),
        (Link::Failed { reason: reason() }, "failed: no network"),
    ] {
        assert_eq!(link.to_string(), words);
    }

    for (code, stderr, words) in [
        (Some(1), " broken \n", "exit 1: broken"),
        (Some(0), " ", "exit 0"),
        (None, "", "exit unknown"),
    ] {
        let stderr = stderr.to_owned();
        assert_eq!(Exit { code, stderr }.to_string(), words);
    }
}

#[test]
fn each_parameter_has_its_help() {
    let help = |kind, required| {
        let name = "name".to_owned();
        Parameter {
            name,
            kind,
            required,
        }
        .help()
    };
    let all = [
        help(ParameterKind::Project, true),
        help(ParameterKind::Agent, true),
        help(ParameterKind::Agent, false),
        help(ParameterKind::Choice(Vec::new()), true),
        help(ParameterKind::Text, true),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
