//! Records by seed: over few names, so that they meet, and in any order, so that many of them name
//! what is not there.

mod asking;
mod spending;

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::{
    Choices, ContextUse, Effort, FailureKind, PermissionMode, TurnFailure, Usage,
};
use mpg_core::audit::{Act, Actor, Deed};
use mpg_core::config::Verbosity;
use mpg_core::control::{Button, ButtonStyle, Choice, ChoiceOption, Control, Field, Form};
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, ConversationId, DeliveryId, FileId, MessageId, MessageRef,
    Place, PlatformId, Position, RootId, SessionId, ThreadId, TurnId, UserId,
};
use mpg_core::interaction::ActionId;
use mpg_core::message::Attachment;
use mpg_core::out_file::{Content, OutFile};
use mpg_core::persona::Persona;
use mpg_core::post::{Fork, Post, PostKind};
use mpg_core::record::{Disposition, ParkReason, Record, TurnOutcome, UnboundReason};
use mpg_core::snapshot::{Branch, FanOut, Origin, QueuedTurn, Session};
use uuid::Uuid;

/// An endless source of records.
#[derive(Debug)]
pub(super) struct Records {
    random: u64,
    clock: i64,
}

impl Records {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: seed,
            clock: 0,
        }
    }

    /// The records of one commit.
    pub(super) fn batch(&mut self) -> Vec<Record> {
        if self.one_in(30) {
            return self.crowd();
        }
        let count = 1 + self.below(5);
        (0..count).map(|_| self.record()).collect()
    }

    /// More messages of one place than are kept one by one, oldest first or not.
    fn crowd(&mut self) -> Vec<Record> {
        let place = self.place();
        let first = self.below(900);
        (0..150)
            .map(|_| {
                let message = MessageId::new((first + self.below(400)).to_string());
                self.seen(place.clone(), message)
            })
            .collect()
    }

    fn record(&mut self) -> Record {
        match self.below(30) {
            0 if self.one_in(2) => self.catching_up(),
            0 => Record::PositionMoved {
                platform: self.platform(),
                position: Position::new(self.text()),
            },
            1 | 2 => {
                let (place, message) = (self.place(), self.message());
                self.seen(place, message)
            }
            3 | 4 => Record::ThreadBound {
                root: self.root(),
                place: self.place(),
                at: self.now(),
            },
            5..=7 => Record::TurnQueued {
                conversation: self.conversation(),
                turn: self.queued_turn(),
            },
            8 => Record::QueuedEdited {
                conversation: self.conversation(),
                turn: self.turn(),
                prompt: self.text(),
            },
            9 => Record::QueuedDropped {
                conversation: self.conversation(),
                turn: self.turn(),
            },
            10 => Record::SessionBound {
                conversation: self.conversation(),
                session: self.session(),
            },
            11 => Record::SessionUnbound {
                conversation: self.conversation(),
                reason: self.pick(UnboundReason::ALL),
            },
            12 | 13 => Record::TurnStarted {
                conversation: self.conversation(),
                turn: self.turn(),
                attempt: self.small() + 1,
                continues: self.one_in(2),
                at: self.now(),
            },
            14 | 15 => Record::TurnEnded {
                conversation: self.conversation(),
                turn: self.turn(),
                outcome: self.outcome(),
                usage: self.usage(),
                at: self.now(),
            },
            16 | 17 => Record::DeliveryPlanned {
                root: self.root(),
                post: self.post(),
                at: self.now(),
            },
            18 if self.one_in(4) => Record::FloorRaised {
                root: self.root(),
                after: self.message(),
            },
            18 if self.one_in(3) => Record::DeliveryDropped {
                root: self.root(),
                delivery: self.delivery(),
            },
            18 if self.one_in(2) => Record::DeliveryConfirmed {
                root: self.root(),
                delivery: self.delivery(),
                message: self.message(),
            },
            18 => Record::DeliveryDead {
                root: self.root(),
                delivery: self.delivery(),
                reason: self.text(),
                at: self.now(),
            },
            19 => Record::TurnSetBack {
                conversation: self.conversation(),
                turn: self.turn(),
            },
            20 | 21 => Record::TurnParked {
                conversation: self.conversation(),
                turn: self.turn(),
                reason: self.pick(ParkReason::ALL),
                until: self.one_in(2).then(|| self.now()),
                at: self.now(),
            },
            22 | 23 => self.handing_over(),
            24 => self.spending(),
            25..=28 => self.asking(),
            _ => self.rare(),
        }
    }

    fn catching_up(&mut self) -> Record {
        match self.below(5) {
            0 => Record::ChannelKnown {
                channel: self.channel(),
                at: self.now(),
            },
            1 => Record::GapOpened {
                channel: self.channel(),
                at: self.now(),
            },
            2 => Record::GapClosed {
                channel: self.channel(),
                given_up: self.one_in(3).then(|| self.now()),
            },
            _ => Record::PlaceRead {
                place: self.place(),
                upto: self.message(),
            },
        }
    }

    /// Forgetting often would leave little to meet.
    fn rare(&mut self) -> Record {
        if self.one_in(6) {
            Record::ThreadRenamed { root: self.root() }
        } else if self.one_in(10) {
            Record::ConversationForked {
                conversation: self.conversation(),
                from: SessionId::of_turn(self.turn(), self.small()),
                at: self.now(),
            }
        } else if self.one_in(8) {
            let one = usize::try_from(self.below(4)).unwrap_or(0);
            let known = Verbosity::ALL.get(one).copied();
            Record::VerbositySet {
                root: self.root(),
                verbosity: known,
            }
        } else if self.one_in(9) {
            Record::KeptLost {
                root: self.root(),
                delivery: self.delivery(),
            }
        } else if self.one_in(4) {
            Record::ThreadForgotten { root: self.root() }
        } else if self.one_in(12) {
            let model = self.one_in(2).then(|| self.text());
            Record::ChoicesMade {
                conversation: self.conversation(),
                choices: Choices {
                    model,
                    mode: self.one_in(2).then(|| self.pick(PermissionMode::ALL)),
                    effort: self.one_in(2).then(|| self.pick(Effort::ALL)),
                },
            }
        } else if self.one_in(11) {
            let deed = Deed::new(self.now(), Actor::Gateway, Act::Asked, self.text());
            Record::Audited {
                deed: Box::new(deed),
            }
        } else if self.one_in(5) {
            Record::TurnSteered {
                conversation: self.conversation(),
                turn: self.turn(),
            }
        } else if self.one_in(7) {
            Record::TurnAbsorbed {
                conversation: self.conversation(),
                turn: self.turn(),
                by: self.turn(),
                at: self.now(),
            }
        } else if self.one_in(3) {
            Record::WaitTold {
                conversation: self.conversation(),
                turn: self.turn(),
            }
        } else {
            Record::DeliveryPlanned {
                root: self.root(),
                post: self.post(),
                at: self.now(),
            }
        }
    }

    fn seen(&mut self, place: Place, message: MessageId) -> Record {
        Record::MessageSeen {
            message: MessageRef { place, message },
            author: UserId::new(self.text()),
            disposition: self.pick(Disposition::ALL),
            at: self.now(),
        }
    }

    fn handing_over(&mut self) -> Record {
        match self.below(4) {
            0 | 1 => Record::FanOutOpened {
                root: self.root(),
                parent: self.turn(),
                fan_out: FanOut {
                    by: self.agent(),
                    cause: MessageRef {
                        place: self.place(),
                        message: self.message(),
                    },
                    author: UserId::new(self.text()),
                    branches: (0..self.below(4)).map(|_| self.branch()).collect(),
                },
            },
            2 => Record::FanOutJoined {
                root: self.root(),
                parent: self.turn(),
                turn: self.turn(),
                answer: self.text(),
            },
            _ => Record::FanOutClosed {
                root: self.root(),
                parent: self.turn(),
            },
        }
    }

    fn branch(&mut self) -> Branch {
        Branch {
            turn: self.turn(),
            agent: AgentName::new(self.pick(["pm", "qa"])),
            answer: None,
        }
    }

    fn origin(&mut self) -> Origin {
        match self.below(6) {
            0 | 1 => Origin::Handoff {
                from: self.agent(),
                parent: self.turn(),
            },
            2 => Origin::Joined {
                parent: self.turn(),
            },
            _ => Origin::Person,
        }
    }

    fn queued_turn(&mut self) -> QueuedTurn {
        QueuedTurn {
            id: self.turn(),
            cause: MessageRef {
                place: self.place(),
                message: self.message(),
            },
            author: UserId::new(self.text()),
            prompt: self.text(),
            attachments: self.attachments(),
            at: self.now(),
            origin: self.origin(),
        }
    }

    fn attachments(&mut self) -> Vec<Attachment> {
        let count = if self.one_in(2) { 0 } else { self.below(3) };
        (0..count)
            .map(|_| Attachment {
                name: self.text(),
                size: self.next() >> self.below(64),
                media_type: self.one_in(2).then(|| self.text()),
                url: self.text(),
            })
            .collect()
    }

    fn session(&mut self) -> Session {
        Session {
            id: SessionId::of_turn(self.turn(), self.small()),
            directory: self.text(),
            answered: self.one_in(2),
            allowed: self.texts(),
            forked_from: self.forked_from(),
        }
    }

    fn forked_from(&mut self) -> Option<SessionId> {
        let from = SessionId::of_turn(self.turn(), self.small());
        self.one_in(3).then_some(from)
    }

    fn fork(&mut self) -> Fork {
        Fork {
            agent: self.agent(),
            session: SessionId::of_turn(self.turn(), self.small()),
            from: self.place(),
            author: UserId::new(self.text()),
            prompt: self.one_in(2).then(|| self.text()),
        }
    }

    fn outcome(&mut self) -> TurnOutcome {
        match self.below(5) {
            0 => TurnOutcome::Failed(TurnFailure::new(self.pick(FailureKind::ALL), self.text())),
            1 => TurnOutcome::Stopped,
            2 => TurnOutcome::Abandoned,
            _ => TurnOutcome::Answered,
        }
    }

    fn usage(&mut self) -> Usage {
        Usage {
            input_tokens: self.next(),
            output_tokens: self.below(1000),
            cost_microdollars: self.next() >> self.below(64),
            duration: Duration::from_millis(self.below(100_000)),
            steps: self.below(500),
            context: self.one_in(2).then(|| ContextUse {
                used: self.next() >> self.below(64),
                window: 200_000,
            }),
            ..Usage::default()
        }
    }

    fn post(&mut self) -> Post {
        let kind = match self.below(12) {
            0 => PostKind::Answer {
                turn: self.turn(),
                agent: self.agent(),
            },
            1 => PostKind::Failure { turn: self.turn() },
            2 => PostKind::Notice,
            3 => PostKind::Progress { turn: self.turn() },
            4 => PostKind::Private,
            5 => PostKind::Live { turn: self.turn() },
            6 => PostKind::Request { turn: self.turn() },
            7 => PostKind::Prompt {
                agent: self.agent(),
            },
            8 => PostKind::Board,
            9 => PostKind::Fork(Box::new(self.fork())),
            10 => PostKind::Told,
            _ => PostKind::Reply,
        };
        Post {
            id: self.delivery(),
            kind,
            text: self.text(),
            reply_to: self.one_in(2).then(|| self.message()),
            persona: self.one_in(2).then(|| self.persona()),
            footer: self.one_in(4).then(|| self.text()),
            controls: self.controls(),
            mentions: self.one_in(4).then(|| UserId::new(self.text())),
            replaces: self.one_in(3).then(|| self.delivery()),
            files: self.files(),
        }
    }

    fn files(&mut self) -> Vec<OutFile> {
        match self.below(6) {
            0 => vec![OutFile::text("answer.md", self.text())],
            1 => vec![
                OutFile {
                    name: self.text(),
                    size: u64::from(u32::MAX) * 4,
                    content: Content::Kept(FileId::from_uuid(self.turn().as_uuid())),
                },
                OutFile::text(self.text(), self.text()),
            ],
            _ => Vec::new(),
        }
    }

    fn controls(&mut self) -> Vec<Control> {
        match self.below(6) {
            0 => vec![Control::Button(Button {
                opens: self.one_in(2).then(|| self.form()),
                ..Button::new(self.action(), self.text(), self.pick(ButtonStyle::ALL))
            })],
            1 => vec![Control::Choice(Choice {
                id: self.action(),
                prompt: self.text(),
                options: vec![ChoiceOption {
                    value: self.text(),
                    label: self.text(),
                    description: self.one_in(2).then(|| self.text()),
                }],
                most: 2,
            })],
            _ => Vec::new(),
        }
    }

    fn form(&mut self) -> Form {
        Form {
            id: self.action(),
            title: self.text(),
            fields: vec![Field {
                name: self.text(),
                label: self.text(),
                long: self.one_in(2),
                required: self.one_in(2),
            }],
        }
    }

    fn action(&mut self) -> ActionId {
        ActionId::parse(&format!("stop:{}", self.below(9))).expect("it is short and not empty")
    }

    fn persona(&mut self) -> Persona {
        let color = self
            .one_in(2)
            .then(|| u32::try_from(self.below(1 << 24)).unwrap_or_default());
        Persona::new(&self.text(), color)
    }

    fn platform(&mut self) -> PlatformId {
        PlatformId::new(self.pick(["chat", "other"]))
    }

    fn channel(&mut self) -> ChannelKey {
        let platform = match self.below(8) {
            0 => PlatformId::new("other"),
            _ => PlatformId::new("chat"),
        };
        ChannelKey::new(platform, ChannelId::new(self.pick(["1", "12"])))
    }

    fn place(&mut self) -> Place {
        let channel = self.channel();
        match self.pick([None, Some("7"), Some("12"), Some("")]) {
            None => Place::channel(channel),
            Some(thread) => Place::thread(channel, ThreadId::new(thread)),
        }
    }

    fn root(&mut self) -> RootId {
        let channel = self.channel();
        match self.pick([None, None, Some("7"), Some("12"), Some("")]) {
            None => RootId::of_place(&Place::channel(channel)),
            Some(message) if self.one_in(4) => RootId::of_aside(channel, MessageId::new(message)),
            Some(message) => RootId::of_message(channel, MessageId::new(message)),
        }
    }

    fn conversation(&mut self) -> ConversationId {
        ConversationId {
            root: self.root(),
            agent: self.agent(),
        }
    }

    fn agent(&mut self) -> Option<AgentName> {
        self.pick([None, None, None, Some("pm"), Some("")])
            .map(AgentName::new)
    }

    fn message(&mut self) -> MessageId {
        MessageId::new(match self.below(12) {
            0 => self.text(),
            _ => self.below(1200).to_string(),
        })
    }

    fn turn(&mut self) -> TurnId {
        TurnId::from_uuid(Uuid::from_u128(u128::from(self.below(4))))
    }

    fn delivery(&mut self) -> DeliveryId {
        DeliveryId::of_turn(self.turn(), self.small())
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 9] = [
            "",
            "x",
            "hello",
            "'; --",
            "a\0b",
            "\u{0}",
            "größer 🦀",
            "[\"json\"]",
            "two\nlines",
        ];
        self.pick(TEXTS).to_owned()
    }

    /// A time that mostly goes on, to the nanosecond.
    fn now(&mut self) -> Timestamp {
        self.clock += i64::from(self.small()) * 1_000_000_007 - 500_000_001;
        Timestamp::from_nanosecond(i128::from(1_770_000_000_000_000_000 + self.clock))
            .expect("a few seconds beside a time of this century")
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.below(3)).expect("it is below 3")
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        let index = self.next() % N as u64;
        from[usize::try_from(index).expect("it is below an array's length")]
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
