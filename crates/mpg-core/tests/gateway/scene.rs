//! What happens in a world, as a transcript.

use std::sync::Arc;

use mpg_core::capability::Capabilities;
use mpg_core::config::Config;
use mpg_core::event::{Effect, Event, RunEnd, RunId, RunTurn, Step, TurnNotice};
use mpg_core::id::{ConversationId, MessageId, Place};
use mpg_core::message::Inbound;
use mpg_core::transcript::Transcript;

use crate::world::{Pending, World, channel, config, threaded};

/// A world whose steps are written down.
pub(crate) struct Scene {
    pub(crate) world: World,
    transcript: Transcript,
    pub(crate) text: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with_slots(2)
    }

    pub(crate) fn with_slots(slots: u32) -> Self {
        Self::of(config(slots))
    }

    pub(crate) fn of(config: Config) -> Self {
        Self::on(config, threaded())
    }

    /// A scene on a platform that can do something.
    pub(crate) fn on(config: Config, can: Capabilities) -> Self {
        let (world, _) = World::new(config, can);
        let transcript = Transcript::new(world.now);
        Self {
            world,
            transcript,
            text: String::new(),
        }
    }

    pub(crate) fn note(&mut self, what: &str, step: &Step) {
        self.text.push_str("-- ");
        self.text.push_str(what);
        self.text.push('\n');
        let lines = self.transcript.step(self.world.now, step);
        self.text.push_str(&lines);
    }

    pub(crate) fn say(&mut self, place: Place, id: u32, text: &str) {
        let step = self.world.say(place, id, text);
        self.note(&format!("ann: {text}"), &step);
    }

    pub(crate) fn event(&mut self, what: &str, event: Event) {
        let step = self.world.handle(event);
        self.note(what, &step);
    }

    pub(crate) fn inbound(&mut self, what: &str, inbound: Inbound) {
        let step = self.world.receive(inbound);
        self.note(what, &step);
    }

    pub(crate) fn reconfigure(&mut self, config: Config) {
        let config = Arc::new(config);
        self.world.config = Arc::clone(&config);
        self.event("another configuration", Event::Reconfigured(config));
    }

    /// The process dies and is started again with another configuration.
    pub(crate) fn restart_with(&mut self, config: Config) {
        self.world.config = Arc::new(config);
        let step = self.world.crash();
        self.note("restart", &step);
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.world.pass(seconds);
        self.event("time passes", Event::Tick);
    }

    /// Ends everything that is not a run well.
    pub(crate) fn settle(&mut self) {
        while let Some(index) = self
            .world
            .pending
            .iter()
            .position(|p| !matches!(p, Pending::Run(_)))
        {
            let what = match &self.world.pending[index] {
                Pending::Effect(effect) => effect_name(effect),
                Pending::Close(_) => "the agent is gone",
                Pending::Run(_) => unreachable!("filtered above"),
            };
            let step = self.world.succeed(index);
            self.note(what, &step);
        }
    }

    pub(crate) fn answer(&mut self) {
        let index = self.run_index();
        let step = self.world.succeed(index);
        self.note("the agent answers", &step);
    }

    pub(crate) fn end(&mut self, what: &str, end: RunEnd) {
        let index = self.run_index();
        let step = self.world.end_run(index, end);
        self.note(what, &step);
    }

    pub(crate) fn run_index(&self) -> usize {
        let mut pending = self.world.pending.iter();
        pending
            .position(|p| matches!(p, Pending::Run(_)))
            .expect("a turn runs")
    }

    pub(crate) fn pending_position(&self, is_it: impl Fn(&Pending) -> bool) -> usize {
        let mut pending = self.world.pending.iter();
        pending.position(is_it).expect("it is pending")
    }

    /// The message of the channel behind which is looked for what was missed in it.
    pub(crate) fn looks_behind(&self) -> Option<&str> {
        let mut pending = self.world.pending.iter();
        pending.find_map(|pending| match pending {
            Pending::Effect(Effect::CatchUp(request)) if request.channel == one().channel => {
                request.read.get(&one()).map(MessageId::as_str)
            }
            Pending::Effect(_) | Pending::Run(_) | Pending::Close(_) => None,
        })
    }

    pub(crate) fn run(&self) -> (ConversationId, RunId) {
        let run = self.running();
        (run.session.conversation.clone(), run.run)
    }

    /// All that run, in the order in which they began.
    pub(crate) fn runs(&self) -> Vec<(ConversationId, RunId)> {
        let pending = self.world.pending.iter();
        let runs = pending.filter_map(|pending| match pending {
            Pending::Run(run) => Some((run.session.conversation.clone(), run.run)),
            Pending::Effect(_) | Pending::Close(_) => None,
        });
        runs.collect()
    }

    pub(crate) fn running(&self) -> &RunTurn {
        match &self.world.pending[self.run_index()] {
            Pending::Run(run) => run,
            other @ (Pending::Effect(_) | Pending::Close(_)) => panic!("{other:?} is no run"),
        }
    }

    pub(crate) fn notice(&mut self, notice: TurnNotice) {
        let (conversation, run) = self.run();
        self.event(
            "the agent reports",
            Event::TurnNoticed {
                conversation,
                run,
                notice,
            },
        );
    }
}

fn effect_name(effect: &Effect) -> &'static str {
    match effect {
        Effect::OpenThread { .. } => "the thread is open",
        Effect::PrepareWorkspace { .. } => "the directory is ready",
        Effect::CatchUp(_) => "nothing was missed",
        Effect::Deliver(_) => "the post is made",
        Effect::EndStray { .. } => "the stray is gone",
        Effect::Job(_) => "the job is done",
        Effect::RunTurn(_)
        | Effect::StopTurn { .. }
        | Effect::Steer(_)
        | Effect::Withdraw { .. }
        | Effect::Respond { .. }
        | Effect::AttachSession { .. }
        | Effect::CloseSession { .. }
        | Effect::Acknowledge { .. }
        | Effect::RenameThread { .. }
        | Effect::DropFiles { .. }
        | Effect::Files(_)
        | Effect::LimitsChanged { .. }
        | Effect::ShowLive { .. }
        | Effect::ShowBoard(_)
        | Effect::SetVerbosity { .. }
        | Effect::SetStatus { .. } => "done",
    }
}

pub(crate) fn one() -> Place {
    Place::channel(channel("one"))
}
