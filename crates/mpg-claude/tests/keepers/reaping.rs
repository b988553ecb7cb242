use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use mpg_claude::{
    ClaudeRuntime, Fate, KeptSession, KeptState, LeftBecause, Reaping, Secret, inspect, reap,
};
use mpg_core::agent::Persistence;
use mpg_core::id::InstallationId;
use mpg_testkit::conformance::runtime::nothing_left;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{interval, timeout};
use uuid::Uuid;

use crate::keeper;
use crate::stage::{Running, Stage, is_empty, kill, submission};

/// Ends what is idle; unread outcomes are waited for by nobody.
fn reaping() -> Reaping {
    let gateway = keeper::gateway(1);
    Reaping {
        installation: gateway.installation,
        secret: gateway.secret,
        spared: BTreeSet::new(),
        owed: Some(BTreeSet::new()),
        busy: false,
    }
}

async fn look(stage: &Stage) -> KeptSession {
    let mut found = inspect(&stage.path("sessions")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn fate(stage: &Stage, reaping: &Reaping) -> Fate {
    let mut reaped = reap(&stage.path("sessions"), reaping).await;
    assert_eq!(reaped.len(), 1, "{reaped:?}");
    reaped.remove(0).fate
}

/// Waits until a session is so.
async fn until(stage: &Stage, is_so: impl Fn(&KeptSession) -> bool) -> KeptSession {
    let mut looks = interval(Duration::from_millis(5));
    let waiting = async {
        loop {
            looks.tick().await;
            let kept = look(stage).await;
            if is_so(&kept) {
                return kept;
            }
        }
    };
    let limit = Duration::from_mins(1);
    timeout(limit, waiting).await.expect("it is so")
}

#[tokio::test]
async fn what_runs_is_seen_and_only_what_nobody_owns_is_ended() {
    let stage = Stage::new();
    assert_eq!(inspect(&stage.path("sessions")).await, []);
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    let idle = look(&stage).await;
    assert_eq!((idle.state, idle.owned), (KeptState::Idle, true));
    assert!(!idle.unread && !idle.is_orphaned(), "{idle:?}");
    assert_eq!(idle.session, stage.session);
    assert_eq!(idle.installation, Some(reaping().installation));
    assert_eq!(idle.project.as_deref(), Some("demo"));
    assert_eq!(idle.conversation.as_deref(), Some("test:1"));
    assert_eq!(idle.persistence, Some(Persistence::Keeper));
    assert_eq!(
        (idle.keeper_pid, idle.agent_pid),
        (stage.keeper(), stage.agent())
    );
    assert!(idle.keeper_memory > 0 && idle.agent_memory > 0, "{idle:?}");
    assert!(idle.started.is_some());
    let busy = Reaping {
        busy: true,
        ..reaping()
    };
    let owned = Fate::Left(LeftBecause::Owned);
    assert_eq!(fate(&stage, &busy).await, owned);

    let held = stage.held(2);
    running.submit(&held).await.unwrap();
    assert_eq!(look(&stage).await.state, KeptState::Busy);
    running.die().await;
    let orphan = until(&stage, |kept| !kept.owned).await;
    assert_eq!(orphan.state, KeptState::Busy);
    assert!(orphan.is_orphaned());
    assert_eq!(
        fate(&stage, &reaping()).await,
        Fate::Left(LeftBecause::Busy)
    );
    assert!(stage.agent().is_some(), "it was ended");
    let known = Reaping {
        spared: BTreeSet::from([stage.session]),
        ..busy.clone()
    };
    assert_eq!(fate(&stage, &known).await, Fate::Left(LeftBecause::Known));
    stage.let_go();
    until(&stage, |kept| kept.state == KeptState::Idle).await;
    assert_eq!(fate(&stage, &busy).await, Fate::Ended { unread: false });
    nothing_left(stage.session);
    assert!(is_empty(&stage.path("sessions")));
}

#[tokio::test]
async fn a_turn_is_ended_where_that_is_wanted() {
    let stage = Stage::new();
    let mut config = stage.config(1);
    config.grace = Duration::ZERO;
    let gateway = ClaudeRuntime::new(config);
    let running = Running::open(&gateway, stage.spec(None)).await;
    running.submit(&stage.held(1)).await.unwrap();
    running.die().await;
    until(&stage, |kept| !kept.owned).await;
    let busy = Reaping {
        busy: true,
        ..reaping()
    };
    assert_eq!(fate(&stage, &busy).await, Fate::Ended { unread: false });
    nothing_left(stage.session);
    assert!(is_empty(&stage.path("sessions")));
}

#[tokio::test]
async fn an_outcome_that_is_waited_for_stays_when_its_agent_is_ended() {
    let stage = Stage::new();
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    let first = submission(1, "first");
    running.submit(&first).await.unwrap();
    running.die().await;
    until(&stage, |kept| {
        kept.unread && !kept.owned && kept.state == KeptState::Idle
    })
    .await;
    let owed = Reaping {
        owed: Some(BTreeSet::from([stage.session])),
        ..reaping()
    };
    assert_eq!(fate(&stage, &owed).await, Fate::Ended { unread: true });
    nothing_left(stage.session);
    let dead = look(&stage).await;
    assert_eq!((dead.state, dead.unread), (KeptState::Dead, true));
    assert_eq!((dead.keeper_pid, dead.agent_pid), (None, None));
    let unread = Fate::Left(LeftBecause::Unread);
    assert_eq!(fate(&stage, &owed).await, unread);
    let any = Reaping {
        owed: None,
        ..reaping()
    };
    assert_eq!(fate(&stage, &any).await, unread);

    // It is what the next gateway tells.
    let spec = stage.spec(Some(first.id));
    let mut told = Running::open(&stage.gateway(2), spec).await;
    assert!(told.ended().await.1.result.is_ok());
    told.leave().await;
    assert_eq!(fate(&stage, &reaping()).await, Fate::Removed);
    assert!(is_empty(&stage.path("sessions")));
    assert_eq!(stage.runs(&first), 1);
}

#[tokio::test]
async fn what_belongs_to_others_is_not_touched() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    running.die().await;
    until(&stage, |kept| !kept.owned).await;
    let agents = (stage.keeper(), stage.agent());
    let foreign = Reaping {
        installation: InstallationId::from_uuid(Uuid::from_u128(78)),
        ..reaping()
    };
    assert_eq!(
        fate(&stage, &foreign).await,
        Fate::Left(LeftBecause::Foreign)
    );
    let stranger = Reaping {
        secret: Secret::new([8; 32]),
        ..reaping()
    };
    assert_eq!(
        fate(&stage, &stranger).await,
        Fate::Left(LeftBecause::Secret)
    );
    assert_eq!((stage.keeper(), stage.agent()), agents);

    // Neither is what they leave.
    kill(stage.keeper().unwrap());
    stage.until_nobody().await;
    assert_eq!(look(&stage).await.state, KeptState::Dead);
    assert_eq!(
        fate(&stage, &foreign).await,
        Fate::Left(LeftBecause::Foreign)
    );
    assert!(stage.kept().exists());
    assert_eq!(fate(&stage, &reaping()).await, Fate::Removed);
    assert!(is_empty(&stage.path("sessions")));
}

#[tokio::test]
async fn a_folder_that_says_nothing_is_removed_and_one_that_is_held_is_left() {
    let stage = Stage::new();
    fs::create_dir_all(stage.kept()).unwrap();
    fs::write(stage.kept().join("meta"), "no meta").unwrap();
    let lock = fs::File::create(stage.kept().join("lock")).unwrap();
    lock.lock().unwrap();
    let held = look(&stage).await;
    assert_eq!((held.state, held.project), (KeptState::Unkept, None));
    assert_eq!(
        fate(&stage, &reaping()).await,
        Fate::Left(LeftBecause::Held)
    );
    drop(lock);
    // A child that another test is starting may have a copy of the descriptor for a moment.
    until(&stage, |kept| kept.state == KeptState::Dead).await;
    assert_eq!(fate(&stage, &reaping()).await, Fate::Removed);
    assert!(is_empty(&stage.path("sessions")));
}

#[tokio::test]
async fn a_keeper_that_hangs_is_left_and_said() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    running.die().await;
    until(&stage, |kept| !kept.owned).await;
    let keeper = stage.keeper().and_then(Pid::from_raw).unwrap();
    kill_process(keeper, Signal::STOP).unwrap();
    let silent = look(&stage).await;
    assert_eq!(silent.state, KeptState::Silent);
    assert_eq!(silent.keeper_pid, stage.keeper());
    assert_eq!(
        fate(&stage, &reaping()).await,
        Fate::Left(LeftBecause::Silent)
    );
    kill_process(keeper, Signal::CONT).unwrap();
    until(&stage, |kept| kept.state == KeptState::Idle).await;
    assert_eq!(
        fate(&stage, &reaping()).await,
        Fate::Ended { unread: false }
    );
    nothing_left(stage.session);
}

#[tokio::test]
async fn an_agent_whose_keeper_was_killed_is_ended() {
    let mut stage = Stage::new();
    stage.deaf = true;
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let keeper = stage.keeper().unwrap();
    running.die().await;
    kill(keeper);
    let kept = until(&stage, |kept| kept.keeper_pid.is_none()).await;
    assert_eq!(kept.state, KeptState::Unkept);
    assert_eq!(kept.agent_pid, stage.agent());
    assert!(kept.is_orphaned());
    let known = Reaping {
        spared: BTreeSet::from([stage.session]),
        ..reaping()
    };
    assert_eq!(fate(&stage, &known).await, Fate::Left(LeftBecause::Known));
    assert_eq!(
        fate(&stage, &reaping()).await,
        Fate::Ended { unread: false }
    );
    nothing_left(stage.session);
    assert!(is_empty(&stage.path("sessions")));
}
