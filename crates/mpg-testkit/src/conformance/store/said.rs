//! What was said in a thread can be read back.

use jiff::{SignedDuration, Timestamp};
use mpg_core::history::{KEPT, Log, Said, Speaker};
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place,
    PlatformId, RootId, TurnId, UserId,
};
use mpg_core::out_file::OutFile;
use mpg_core::port::Store as _;
use mpg_core::post::{Post, PostKind};
use mpg_core::record::Record;
use mpg_core::snapshot::{Origin, QueuedTurn};

use super::{StoreFactory, Subject};

/// A thread while somebody writes it.
pub(super) struct Conversation {
    pub(super) root: RootId,
    clock: Timestamp,
    number: u32,
}

impl Conversation {
    pub(super) fn new(message: &str) -> Self {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        Self {
            root: RootId::of_message(channel, MessageId::new(message)),
            clock: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_770_000_000),
            number: 0,
        }
    }

    pub(super) fn later(&mut self) -> Timestamp {
        self.clock += SignedDuration::from_millis(1);
        self.clock
    }

    fn cause(&self) -> MessageRef {
        MessageRef {
            place: Place::channel(self.root.channel.clone()),
            message: MessageId::new(self.number.to_string()),
        }
    }

    pub(super) fn of(&self, agent: Option<&str>) -> ConversationId {
        ConversationId {
            root: self.root.clone(),
            agent: agent.map(AgentName::new),
        }
    }

    pub(super) fn turn(&self, agent: Option<&str>) -> TurnId {
        let installation = mpg_core::id::InstallationId::from_uuid(uuid::Uuid::from_u128(1));
        TurnId::of_message(installation, &self.cause(), self.of(agent).agent.as_ref())
    }

    /// A person's message to some agents.
    pub(super) fn ask(&mut self, agents: &[Option<&str>], origin: &Origin) -> Vec<Record> {
        self.number += 1;
        let at = self.later();
        let queued = agents.iter().map(|&agent| Record::TurnQueued {
            conversation: self.of(agent),
            turn: QueuedTurn {
                id: self.turn(agent),
                cause: self.cause(),
                author: UserId::new("ann"),
                prompt: format!("message {}", self.number),
                attachments: Vec::new(),
                at,
                origin: origin.clone(),
            },
        });
        queued.collect()
    }

    /// The answer of one of them, in some posts.
    fn answer(&mut self, agent: Option<&str>, posts: u32) -> Vec<Record> {
        let turn = self.turn(agent);
        let at = self.later();
        let post = |index| Post {
            // One whose text goes on in a file.
            files: (index == 2)
                .then(|| OutFile::text("answer.md", "part 2, whole"))
                .into_iter()
                .collect(),
            ..Post::new(
                DeliveryId::of_turn(turn, index),
                PostKind::Answer {
                    turn,
                    agent: agent.map(AgentName::new),
                },
                format!("part {index}"),
            )
        };
        let planned = (0..posts).map(|index| Record::DeliveryPlanned {
            root: self.root.clone(),
            post: post(index),
            at,
        });
        planned.collect()
    }
}

/// Checks that a store gives back what was said in a thread: who asked whom, what was answered, in
/// order, and the newest of it where that is much.
pub(super) async fn what_was_said_reads_back<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    let mut log = Log::default();
    let mut thread = Conversation::new("7");
    let mut other = Conversation::new("8");
    let handed = Origin::Handoff {
        from: None,
        parent: thread.turn(None),
    };
    let mut batches = vec![
        thread.ask(&[None], &Origin::Person),
        other.ask(&[None], &Origin::Person),
        thread.answer(None, 3),
        thread.ask(&[Some("qa"), Some("pm")], &Origin::Person),
        thread.answer(Some("pm"), 1),
        thread.answer(Some("qa"), 2),
        thread.ask(&[Some("qa")], &handed),
        thread.ask(&[Some("pm")], &Origin::Person),
    ];
    let (conversation, turn) = (thread.of(Some("pm")), thread.turn(Some("pm")));
    batches.push(vec![Record::QueuedEdited {
        conversation,
        turn,
        prompt: "changed".to_owned(),
    }]);
    batches.push(thread.ask(&[None], &Origin::Person));
    let (conversation, turn) = (thread.of(None), thread.turn(None));
    batches.push(vec![Record::QueuedDropped { conversation, turn }]);
    for batch in batches {
        subject.commit(&batch).await;
        for record in &batch {
            log.apply(record);
        }
        let said = subject.store().said(&thread.root).await;
        assert_eq!(said.expect("it reads"), log.said(&thread.root));
    }
    let said = log.said(&thread.root);
    let texts: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "message 1",
            "part 0\npart 1\npart 2, whole",
            "message 2",
            "part 0",
            "part 0\npart 1",
            "changed"
        ]
    );
    assert!(
        matches!(&said[2], Said { speaker: Speaker::Person { to, .. }, .. } if to.len() == 2),
        "one message to two agents is one message"
    );

    for _ in 0..KEPT {
        let mut batch = thread.ask(&[None], &Origin::Person);
        batch.extend(thread.answer(None, 2));
        subject.commit(&batch).await;
        for record in &batch {
            log.apply(record);
        }
    }
    subject.reopen().await;
    let said = subject.store().said(&thread.root).await;
    let said = said.expect("it reads");
    assert_eq!(said.len(), KEPT, "the newest are kept");
    let root = thread.root.clone();
    subject.commit(&[Record::ThreadForgotten { root }]).await;
    let gone = subject.store().said(&thread.root).await;
    assert_eq!(gone.expect("it reads"), []);
    let left = subject.store().said(&other.root).await;
    assert_eq!(left.expect("it reads").len(), 1);
    subject.close().await;
}
