use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mpg_core::agent::{TurnReport, Usage};
use mpg_core::id::SessionId;
use mpg_core::port::AgentControl as _;
use tokio::net::UnixStream;
use uuid::Uuid;

use super::*;
use crate::ownership::Ownership;
use crate::spool::Spool;
use crate::wire::Welcome;

/// A process that stands for a keeper that goes on; ended when this is dropped.
struct Idle(Child);

impl Idle {
    fn start() -> Self {
        let mut command = Command::new("cat");
        Self(command.stdin(Stdio::piped()).spawn().unwrap())
    }

    fn identity(&self) -> Identity {
        Identity::of(self.0.id().try_into().unwrap()).unwrap()
    }
}

async fn kept(root: &Path, keeper: Identity) -> Kept {
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    Kept {
        _claim: Ownership::new().claim(session).await.unwrap(),
        folder: Folder::of(root, session),
        keeper,
        persistence: Persistence::Keeper,
        transcript: Transcript::of(session, &BTreeMap::new()),
    }
}

#[tokio::test]
async fn what_a_keeper_does_not_live_to_hear_is_taken_note_of() {
    let root = tempfile::tempdir().unwrap();
    let idle = Idle::start();
    let keeper = idle.identity();
    drop(idle);
    let kept = kept(root.path(), keeper).await;
    let folder = kept.folder.clone();
    folder.create().unwrap();
    let mut spool = Spool::create(&folder.spool(), 0, 1 << 20).unwrap();
    let report = TurnReport {
        submits: Vec::new(),
        result: Ok("fine".to_owned()),
        usage: Usage::default(),
        partial: None,
    };
    spool.keep(&AgentEvent::Ended(report)).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let welcome = Welcome {
        protocol: 1,
        last: 1,
        acknowledged: 0,
        submits: Vec::new(),
        asking: Vec::new(),
        unread: true,
        closing: false,
        fingerprint: String::new(),
    };
    let stream = ours;
    let link = Link::new(Entrance { welcome, stream }, kept);
    link.control.acknowledge(Seq(1)).await;
    drop(theirs);
    let mut ended = link.control.ended.clone();
    ended.wait_for(|ended| *ended).await.unwrap();
    // Its claim is given back behind that.
    let mut events = link.events;
    while events.next().await.is_some() {}
    assert!(!folder.path().exists(), "its outcome counts as unread");
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Both ends are seen at once here, as on a busy machine; which of them is looked at first is
/// left to chance.
#[tokio::test(start_paused = true)]
async fn a_keeper_that_falls_silent_because_its_gateway_left_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut idle = Idle::start();
    for _ in 0..32 {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        ours.readable().await.unwrap();
        let (halves, dropped) = oneshot::channel();
        drop(halves);
        let (end, _ended) = watch::channel(false);
        let reading = Reading {
            reader: ours.into_split().0,
            events: mpsc::channel(1).0,
            pending: Pending::default(),
            ready: None,
            asking: BTreeSet::new(),
            replay_until: 0,
            last: 0,
            exited: false,
            leaving: Arc::default(),
            acknowledged: Arc::default(),
        };
        let kept = kept(folder.path(), idle.identity()).await;
        reading.run(dropped, kept, end).await;
        assert!(idle.0.try_wait().unwrap().is_none(), "it was killed");
    }
}
