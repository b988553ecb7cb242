//! What a gateway owes the world, before a restart and after it.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::event::{Deliver, Effect, RunTurn};
use mpg_core::id::{
    ChannelKey, ConversationId, DeliveryId, MessageRef, Place, RootId, SessionId, SubmitId,
};
use mpg_core::snapshot::Snapshot;

use crate::world::{Pending, World};

/// What a gateway owes by what it wants done. An effect that is no longer wanted, as a post to a
/// thread that is gone meanwhile, is left to end and owed by nobody.
#[derive(Debug, Default, PartialEq)]
struct Owed {
    posts: BTreeMap<RootId, (Place, DeliveryId)>,
    /// The shared places that a post is on its way to. Of the threads that share one, any may be first.
    shared: BTreeSet<Place>,
    openings: BTreeMap<RootId, MessageRef>,
    /// The channels that are read back.
    looks: BTreeSet<ChannelKey>,
    /// The turns that were started, with the session, the submission and what is asked.
    runs: BTreeMap<ConversationId, (SessionId, SubmitId, String)>,
}

impl Owed {
    fn add_effect(&mut self, disk: &Snapshot, effect: &Effect) {
        match effect {
            Effect::Deliver(delivery) => {
                let Deliver {
                    root, place, post, ..
                } = &**delivery;
                let thread = disk.threads.get(root);
                if !thread.is_some_and(|thread| thread.deliveries.contains(post)) {
                    return;
                }
                if is_shared(disk, place) {
                    assert!(self.shared.insert(place.clone()), "two at once: {place}");
                } else {
                    self.posts.insert(root.clone(), (place.clone(), post.id));
                }
            }
            Effect::OpenThread { root, from, .. } => {
                let thread = disk.threads.get(root);
                if thread.is_some_and(|thread| thread.place.is_none()) {
                    self.openings.insert(root.clone(), from.clone());
                }
            }
            Effect::CatchUp(request) => {
                self.looks.insert(request.channel.clone());
            }
            Effect::RunTurn(run) => self.add_run(disk, run),
            Effect::PrepareWorkspace { .. }
            | Effect::StopTurn { .. }
            | Effect::Steer(_)
            | Effect::Withdraw { .. }
            | Effect::Respond { .. }
            | Effect::AttachSession { .. }
            | Effect::EndStray { .. }
            | Effect::CloseSession { .. }
            | Effect::Acknowledge { .. }
            | Effect::RenameThread { .. }
            | Effect::DropFiles { .. }
            | Effect::Files(_)
            | Effect::Job(_)
            | Effect::LimitsChanged { .. }
            | Effect::ShowLive { .. }
            | Effect::ShowBoard(_)
            | Effect::SetVerbosity { .. }
            | Effect::SetStatus { .. } => {}
        }
    }

    fn add_run(&mut self, disk: &Snapshot, run: &RunTurn) {
        let id = &run.session.conversation;
        let conversation = disk.conversation(id);
        let running = conversation.and_then(|conversation| conversation.running.as_deref());
        // One that waits for people is owed nothing but what they say.
        if running.is_some_and(|running| running.turn.id == run.turn && !running.asks_people()) {
            // What people answered meanwhile is added to what an attempt that goes on is asked.
            let submission = &run.submission;
            let prompt = submission.prompt.split("\n\nBefore it").next();
            let asked = (
                run.session.session,
                submission.id,
                prompt.unwrap_or_default().to_owned(),
            );
            self.runs.insert(id.clone(), asked);
        }
    }
}

/// Whether several threads may post to a place.
fn is_shared(disk: &Snapshot, place: &Place) -> bool {
    let mut asides = disk.threads.iter().filter(|(root, _)| root.is_aside());
    place.thread.is_none() || asides.any(|(_, aside)| aside.place.as_ref() == Some(place))
}

/// Whether a run is the next attempt of a turn that waited for it.
fn is_parked(disk: &Snapshot, run: &RunTurn) -> bool {
    let conversation = disk.conversation(&run.session.conversation);
    let running = conversation.and_then(|conversation| conversation.running.as_deref());
    running.is_some_and(|running| running.parked.is_some())
}

/// Compares what the gateway of a world owes with what one does first that recovers from its disk.
pub(crate) fn check_recovered(world: &World, effects: &[Effect]) {
    let mut before = Owed::default();
    for pending in &world.pending {
        match pending {
            Pending::Effect(effect) => before.add_effect(&world.disk, effect),
            Pending::Run(run) => before.add_run(&world.disk, run),
            Pending::Close(_) => {}
        }
    }
    let mut after = Owed::default();
    for effect in effects {
        if let Effect::RunTurn(run) = effect
            && is_parked(&world.disk, run)
        {
            assert!(!run.submission.repeat, "not another attempt: {run:?}");
            continue;
        }
        after.add_effect(&world.disk, effect);
        if let Effect::RunTurn(run) = effect {
            let known = after.runs.contains_key(&run.session.conversation);
            assert_eq!(
                run.submission.repeat, known,
                "not said to be a repeat: {run:?}"
            );
        }
    }
    // While an agent goes, its turn is owed and not asked; and a post that is owed to a thread may
    // wait for the end of one that no longer is.
    let goes = |id: &ConversationId| {
        let conversation = world.disk.conversation(id);
        let running = conversation.and_then(|conversation| conversation.running.as_deref());
        running.is_some() && !before.runs.contains_key(id)
    };
    after.runs.retain(|id, _| !goes(id));
    let waits = |root: &RootId| {
        let mut pending = world.pending.iter();
        !before.posts.contains_key(root)
            && pending.any(|pending| {
                matches!(pending, Pending::Effect(Effect::Deliver(delivery)) if delivery.root == *root)
            })
    };
    after.posts.retain(|root, _| !waits(root));
    let taken = |place: &Place| {
        let mut pending = world.pending.iter();
        !before.shared.contains(place)
            && pending.any(|pending| {
                matches!(pending, Pending::Effect(Effect::Deliver(delivery)) if delivery.place == *place)
            })
    };
    after.shared.retain(|place| !taken(place));
    assert_eq!(after, before);
}
