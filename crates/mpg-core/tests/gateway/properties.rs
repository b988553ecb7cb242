//! What must hold whatever happens, in whatever order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use mpg_core::agent::FailureKind;
use mpg_core::capability::Capabilities;
use mpg_core::catch_up::CatchUpFailure;
use mpg_core::config::Config;
use mpg_core::event::{Effect, Event, RunEnd, ThreadRefusal, TurnNotice, Undelivered};
use mpg_core::id::{MessageId, MessageRef, Place, SessionId, TurnId};
use mpg_core::message::{Inbound, Link};
use mpg_core::post::Status;
use mpg_core::record::Record;
use proptest::prelude::*;

use crate::action::{Action, action};
use crate::interactions::{native, press};
use crate::owed::check_recovered;
use crate::world::{
    Pending, World, channel, config, exited, failed, limited, team, thread, threaded,
};

/// What people say.
const TEXTS: [&str; 4] = [
    "say",
    "@pm plan",
    "@pm and @qa: look",
    "!ask engineer build",
];

/// A run of the gateway with the messages that were posted.
struct Run {
    world: World,
    posted: Vec<MessageRef>,
    next: u32,
    away: bool,
}

impl Run {
    fn new(slots: u32, capabilities: Capabilities) -> Self {
        Self::of(config(slots), capabilities)
    }

    /// With agents that hand over to one another.
    fn team(slots: u32, capabilities: Capabilities) -> Self {
        let mut run = Self::of(team(slots), capabilities);
        run.world.reply = |run| {
            let replies = [
                "done",
                "@qa please test it",
                "@engineer build it\n@qa test it",
                "That is all. Over to @pm.",
                "HANDOFF @engineer: build it",
                "as @qa said",
            ];
            let chosen = run.turn.as_uuid().as_bytes()[0] as usize;
            replies[chosen % replies.len()].to_owned()
        };
        run
    }

    fn of(config: Config, capabilities: Capabilities) -> Self {
        let (world, _) = World::new(config, capabilities);
        let mut run = Self {
            world,
            posted: Vec::new(),
            next: 100,
            away: false,
        };
        run.come_back();
        run
    }

    fn come_back(&mut self) {
        self.away = false;
        drop(self.world.receive(Inbound::Link(Link::Connected)));
    }

    /// Tells what somebody did, if anybody listens.
    fn tell(&mut self, inbound: Inbound) {
        if !self.away {
            drop(self.world.receive(inbound));
        }
    }

    fn place(&self, second: bool, at: u8) -> Place {
        let name = if second { "two" } else { "one" };
        // A thread is one that a message opened; 0 is the channel itself.
        let opened = self.posted.iter().filter(|message| {
            message.place.thread.is_none() && message.place.channel == channel(name)
        });
        match opened.skip(at as usize).step_by(3).last() {
            Some(message) if at > 0 => thread(name, message.message.as_str()),
            _ => Place::channel(channel(name)),
        }
    }

    fn compose(&mut self, place: Place, text: &str) -> Inbound {
        self.next += 1;
        let mut message = crate::world::message(place, self.next, "ann", text);
        if self.next.is_multiple_of(3) {
            message.attachments.push(crate::world::file("a.png", 10));
        }
        self.posted.push(message.reference());
        self.world.said.push((self.world.now, message.clone()));
        Inbound::Message(message)
    }

    fn posted(&self, back: usize) -> Option<MessageRef> {
        let index = self.posted.len().checked_sub(back + 1)?;
        self.posted.get(index).cloned()
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Say {
                channel,
                thread,
                text,
            } => {
                let inbound = self.compose(self.place(channel, thread), TEXTS[text as usize]);
                self.tell(inbound);
            }
            Action::Repeat { back } => self.repeat(back),
            Action::Edit { back } => self.edit(back),
            Action::Delete { back } => {
                if let Some(message) = self.posted(back) {
                    let said = &mut self.world.said;
                    said.retain(|(_, said)| said.reference() != message);
                    self.tell(Inbound::Deleted(message));
                }
            }
            Action::Command {
                channel,
                thread,
                command,
            } => {
                let commands = [
                    "!kill",
                    "!restart",
                    "!sessions",
                    "!session",
                    "!kill two",
                    "!btw why?",
                    "!fork",
                    "!fork and on",
                    "!x",
                    "!resume",
                    "!resume one",
                    "!stop",
                ];
                let text = commands[command as usize];
                let inbound = self.compose(self.place(channel, thread), text);
                self.tell(inbound);
            }
            Action::Use {
                channel,
                thread,
                control,
            } => self.use_control(self.place(channel, thread), control),
            Action::Succeed { index } => {
                if let Some(index) = self.pick(index) {
                    drop(self.world.succeed(index));
                }
            }
            Action::Fail { index, how } => self.fail(index, how),
            Action::AgentDies { index } => {
                let agents: Vec<_> = self.world.agents.keys().copied().collect();
                if let Some(session) = agents.get(index % agents.len().max(1)) {
                    drop(self.world.closed(*session));
                }
            }
            Action::ThreadGone { channel, thread } => {
                let place = self.place(channel, thread);
                drop(self.world.receive(Inbound::PlaceGone(place)));
            }
            Action::Pass { seconds } => {
                self.world.pass(seconds);
                drop(self.world.handle(Event::Tick));
            }
            Action::Leave => self.away = true,
            Action::Return => self.come_back(),
            Action::Crash => drop(self.world.crash()),
            Action::CrashAlone => drop(self.world.crash_alone()),
            Action::FindAgents => drop(self.world.find_agents()),
            Action::Stall { index } => {
                self.notice(index, TurnNotice::Stalled(Duration::from_mins(5)));
            }
            Action::Show { index } => {
                self.notice(index, TurnNotice::Live("working".to_owned()));
                self.notice(index, TurnNotice::Doing(Status::Reading));
            }
            Action::CrashBeforeCommit {
                channel,
                thread,
                text,
            } => {
                let inbound = self.compose(self.place(channel, thread), TEXTS[text as usize]);
                if !self.away {
                    let event = self.world.received(inbound.clone());
                    drop(self.world.gateway.handle(self.world.now, event));
                }
                drop(self.world.crash());
                self.tell(inbound);
            }
        }
    }

    fn repeat(&mut self, back: usize) {
        let seen = self.posted(back);
        let Some(reference) = seen.filter(|seen| self.world.disk.has_seen(seen)) else {
            return;
        };
        let id = reference
            .message
            .as_str()
            .parse()
            .expect("ids are numbers here");
        let again = crate::world::message(reference.place, id, "ann", "again");
        let step = self.world.receive(Inbound::Message(again));
        assert!(
            step.records
                .iter()
                .all(|record| matches!(record, Record::ThreadForgotten { .. })),
            "a repeated message changed something: {step:?}"
        );
    }

    fn use_control(&mut self, place: Place, control: u8) {
        self.next += 1;
        let task: &[_] = &[("agent", "engineer"), ("task", "build")];
        let used = match control {
            0 => native(place, self.next, "ann", "ask", task),
            1 => native(place, self.next, "ann", "kill", &[]),
            2 => native(place, self.next, "ann", "sessions", &[]),
            3 => native(place, self.next, "ann", "no-such-command", &[]),
            _ => press(place, self.next, "ann"),
        };
        let reference = used.reference();
        for _ in 0..2 {
            self.tell(Inbound::Interaction(used.clone()));
        }
        if self.world.disk.has_seen(&reference) {
            self.posted.push(reference);
        }
    }

    fn edit(&mut self, back: usize) {
        let Some(message) = self.posted(back) else {
            return;
        };
        let text = "edited".to_owned();
        for (_, said) in &mut self.world.said {
            if said.reference() == message {
                said.text.clone_from(&text);
            }
        }
        self.tell(Inbound::Edited { message, text });
    }

    fn pick(&self, index: usize) -> Option<usize> {
        let pending = self.world.pending.len();
        (pending > 0).then(|| index % pending)
    }

    fn notice(&mut self, index: usize, notice: TurnNotice) {
        let Some(Pending::Run(run)) = self.pick(index).map(|index| &self.world.pending[index])
        else {
            return;
        };
        let (conversation, run) = (run.session.conversation.clone(), run.run);
        drop(self.world.handle(Event::TurnNoticed {
            conversation,
            run,
            notice,
        }));
    }

    fn fail(&mut self, index: usize, how: u8) {
        let Some(index) = self.pick(index) else {
            return;
        };
        let event = match self.world.pending[index].clone() {
            Pending::Run(_) => {
                let end = match how {
                    0 => exited(),
                    1 => failed(FailureKind::Agent),
                    2 => RunEnd::SessionLost,
                    3 => RunEnd::NotSubmitted,
                    6 => limited(None),
                    7 => {
                        let wait = SignedDuration::from_mins(90);
                        limited(self.world.now.checked_add(wait).ok())
                    }
                    8 => failed(FailureKind::Interrupted),
                    9 => RunEnd::InterruptedBefore,
                    4 => RunEnd::Unavailable("no such program".to_owned()),
                    _ => RunEnd::DirectoryMissing,
                };
                drop(self.world.end_run(index, end));
                return;
            }
            Pending::Close(_) => {
                drop(self.world.succeed(index));
                return;
            }
            Pending::Effect(Effect::OpenThread { root, .. }) => Event::ThreadOpened {
                root,
                result: Err(if how.is_multiple_of(2) {
                    ThreadRefusal::Refused
                } else {
                    ThreadRefusal::Failed("gone".to_owned())
                }),
            },
            Pending::Effect(Effect::PrepareWorkspace {
                conversation, turn, ..
            }) => Event::WorkspaceReady {
                conversation,
                turn,
                result: Err("no disk".to_owned()),
            },
            Pending::Effect(Effect::Deliver(delivery)) => Event::Delivered {
                root: delivery.root,
                delivery: delivery.post.id,
                result: Err(if how.is_multiple_of(2) {
                    Undelivered::Gone("deleted".to_owned())
                } else {
                    Undelivered::Dead("refused".to_owned())
                }),
            },
            Pending::Effect(Effect::Job(job)) => Event::JobDone {
                job: job.id,
                result: Err("it failed".to_owned()),
            },
            Pending::Effect(Effect::EndStray { session }) => Event::StrayEnded { session },
            Pending::Effect(Effect::CatchUp(request)) => {
                // It may be given up, and whatever is missing then is lost.
                let said = self.world.said.iter();
                let said = said.filter(|(_, said)| said.place.channel == request.channel);
                let lost = said.map(|(_, said)| said.id.clone());
                self.world.left_out.extend(lost);
                self.world.pass(1);
                Event::CaughtUp {
                    channel: request.channel,
                    result: Err(CatchUpFailure::Failed("down".to_owned())),
                }
            }
            Pending::Effect(other) => panic!("{other:?} has no end"),
        };
        self.world.pending.remove(index);
        drop(self.world.handle(event));
    }

    /// Whether a turn has still to be run in a session.
    fn awaits(&self, session: SessionId) -> bool {
        let threads = self.world.disk.threads.values();
        threads
            .flat_map(|thread| thread.conversations.values())
            .any(|conversation| {
                conversation.running.is_some()
                    && conversation.session.as_ref().map(|bound| bound.id) == Some(session)
            })
    }

    fn check(&self) {
        let world = &self.world;
        assert_eq!(*world.gateway.state(), world.disk, "memory and disk differ");
        assert!(
            world.runs() <= world.config.limits.max_concurrent_turns as usize,
            "more turns than slots"
        );
        assert!(
            world.idle_agents() <= world.config.limits.max_warm_sessions as usize,
            "more agents are kept ready than may be"
        );
        let mut running = BTreeSet::new();
        for pending in &world.pending {
            if let Pending::Run(run) = pending {
                let conversation = &run.session.conversation;
                assert!(
                    running.insert(conversation),
                    "two turns at once in {conversation}"
                );
            }
        }
        assert!(
            world.outcomes.values().all(|count| *count == 1),
            "an outcome twice"
        );
        for thread in world.disk.threads.values() {
            let handoffs = thread
                .chain
                .as_ref()
                .map_or(0, |chain| chain.handoffs.len());
            assert!(handoffs <= 3, "more handoffs than there may be");
        }
    }

    fn check_end(&mut self) {
        self.come_back();
        drop(self.world.find_agents());
        assert!(
            self.world.left.keys().all(|session| self.awaits(*session)),
            "an agent that nobody owns: {:?}",
            self.world.left
        );
        // Nobody says what becomes of a turn that waits for it, and limits end.
        for _ in 0..8 {
            self.world.finish();
            for (number, name) in [(1, "one"), (2, "two")] {
                let resume = crate::world::message(
                    Place::channel(channel(name)),
                    self.next + number,
                    "ann",
                    "!resume",
                );
                drop(self.world.receive(Inbound::Message(resume)));
            }
            self.next += 2;
        }
        self.world.finish();
        assert!(self.world.left.is_empty(), "{:?}", self.world.left);
        self.check();
        let world = &self.world;
        for (_, said) in &world.said {
            let seen = world.disk.has_seen(&said.reference());
            let left_out = world.left_out.contains(&said.id);
            assert!(seen || left_out, "never seen: {said:?}");
        }
        let mut last: BTreeMap<_, &MessageId> = BTreeMap::new();
        let turns: BTreeMap<TurnId, &MessageId> = world
            .said
            .iter()
            .map(|(_, said)| {
                let cause = said.reference();
                let turn = TurnId::of_message(world.disk.installation, &cause, None);
                (turn, &said.id)
            })
            .collect();
        for (conversation, turn) in &world.accepted {
            if let Some(message) = turns.get(turn) {
                let before = last.insert(conversation, message);
                assert!(
                    before < Some(message),
                    "{message} was taken after {before:?}"
                );
            }
        }
        let gaps = world.disk.channels.values().filter(|c| c.gap.is_some());
        assert_eq!(gaps.count(), 0, "a gap was left open");
        for (_, turn) in &world.accepted {
            assert_eq!(
                world.outcomes.get(turn),
                Some(&1),
                "an accepted message without an end"
            );
        }
        let mut order: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (conversation, turn) in &world.accepted {
            if !world.dropped.contains(turn) {
                order.entry(conversation).or_default().push(turn);
            }
        }
        let mut started: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (conversation, turn) in &world.started {
            let turns = started.entry(conversation).or_default();
            if !turns.contains(&turn) {
                turns.push(turn);
            }
        }
        assert_eq!(order, started, "the turns of a conversation changed places");
        for (root, thread) in &world.disk.threads {
            let mut fan_outs = thread.chain.iter().map(|chain| chain.fan_outs.len());
            assert!(
                fan_outs.all(|waiting| waiting == 0),
                "{root} waits for an answer"
            );
            assert!(
                thread.deliveries.is_empty(),
                "{root} is still owed something"
            );
        }
        // What nothing happens in any more is forgotten, whatever became of it.
        for _ in 0..4 {
            self.world.pass(8 * 24 * 60 * 60);
            drop(self.world.handle(Event::Tick));
            self.world.finish();
        }
        let left: Vec<_> = self.world.disk.threads.keys().collect();
        assert!(left.is_empty(), "never forgotten: {left:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_accepted_message_ends_once_and_in_order(
        slots in 1..4_u32,
        threads in any::<bool>(),
        agents in any::<bool>(),
        actions in prop::collection::vec(action(), 1..120),
    ) {
        let mut capabilities = threaded();
        if !threads {
            capabilities.threads = mpg_core::capability::Threads::None;
        }
        let mut run = if agents { Run::team } else { Run::new }(slots, capabilities);
        for action in &actions {
            run.act(action);
            run.check();
        }
        run.check_end();
    }

    #[test]
    fn the_same_events_give_the_same_state(
        agents in any::<bool>(),
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let run = || {
            let mut run = if agents { Run::team } else { Run::new }(2, threaded());
            for action in &actions {
                run.act(action);
            }
            run.world.disk
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn a_draining_gateway_comes_to_an_end(
        slots in 1..4_u32,
        agents in any::<bool>(),
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let mut run = if agents { Run::team } else { Run::new }(slots, threaded());
        for action in &actions {
            run.act(action);
        }
        drop(run.world.handle(Event::Draining));
        drop(run.world.find_agents());
        run.world.finish();
        prop_assert!(run.world.gateway.is_drained());
        prop_assert_eq!(run.world.gateway.turns_in_progress(), 0);
    }

    #[test]
    fn a_recovered_gateway_owes_what_the_one_before_it_owed(
        slots in 1..4_u32,
        agents in any::<bool>(),
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let mut run = if agents { Run::team } else { Run::new }(slots, threaded());
        for action in &actions {
            run.act(action);
            let (_, step) = run.world.recovered();
            check_recovered(&run.world, &step.effects);
        }
    }
}

#[test]
fn message_ids_of_other_places_do_not_count_as_seen() {
    let (mut world, _) = World::new(config(2), threaded());
    drop(world.say(Place::channel(channel("one")), 7, "here"));
    let step = world.say(Place::channel(channel("two")), 7, "there");
    assert_eq!(world.accepted.len(), 2, "{step:?}");
    assert!(world.disk.has_seen(&MessageRef {
        place: Place::channel(channel("one")),
        message: MessageId::new("7"),
    }));
}
