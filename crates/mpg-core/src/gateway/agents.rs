//! Agents between turns: ready, unused for too long, one too many, or to go.

use jiff::Timestamp;

use super::lane::{Lane, Phase, Run, Slot, StopReason};
use super::{Gateway, after};
use crate::event::Effect;
use crate::id::ConversationId;

impl Gateway {
    /// Changes what a conversation does, with the indexes that follow from it.
    pub(super) fn set_phase(&mut self, id: &ConversationId, phase: Phase) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        if let Some(at) = alarm(lane) {
            self.alarms.remove(&(at, id.clone()));
        }
        if let Phase::Warm { since, .. } = &lane.phase {
            self.idle.remove(&(*since, id.clone()));
        }
        lane.phase = phase;
        if let Some(at) = alarm(lane) {
            self.alarms.insert((at, id.clone()));
        }
        if let Phase::Warm { since, .. } = &lane.phase {
            self.idle.insert((*since, id.clone()));
        }
    }

    /// What comes after something ended: the next turn, or nothing to keep.
    pub(super) fn settle_lane(&mut self, id: &ConversationId) {
        self.want_slot(id);
        let waits = self
            .lanes
            .get(id)
            .is_some_and(|lane| lane.slot != Slot::None);
        if !waits && (self.draining || self.is_done_aside(id)) {
            self.close(id);
        } else if !waits {
            self.close_if_outdated(id);
        }
        self.drop_idle_lane(id);
    }

    /// Stops whatever a conversation's agent does, and the agent.
    pub(super) fn close(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        match &lane.phase {
            Phase::Cold | Phase::Closing { .. } => {}
            Phase::Preparing { .. } => {
                self.set_phase(id, Phase::Cold);
                self.release_slot(id);
                self.settle_lane(id);
            }
            Phase::Warm { session, .. } => {
                let session = *session;
                // What waits gets back in line when the agent is gone.
                self.release_slot(id);
                self.set_phase(id, Phase::Closing { session });
                self.effect(Effect::CloseSession { session });
            }
            Phase::Running(run) | Phase::Stopping(run, _) => {
                let session = run.session;
                self.set_phase(id, Phase::Closing { session });
                self.effect(Effect::CloseSession { session });
            }
        }
    }

    /// Closes a ready agent that was started with a configuration that is no longer in force.
    pub(super) fn close_if_outdated(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        if self.project_of(&id.root.channel) != Some(&lane.project) || !self.fits(id) {
            self.close(id);
        }
    }

    /// Whether the agent of a conversation was started with the limits that are in force there now,
    /// and may have another turn.
    pub(super) fn fits(&self, id: &ConversationId) -> bool {
        let lane = self.lanes.get(id);
        lane.is_none_or(|lane| {
            let chosen = self.conversation(id).map(|c| &c.choices);
            lane.started == self.starts_with(&id.root)
                && chosen.is_none_or(|chosen| lane.chosen == *chosen)
                && lane.granted.is_subset(&self.allowed(id, &lane.project))
        })
    }

    /// Closes the agents that were unused for longest, above the cap.
    pub(super) fn keep_warm_cap(&mut self) {
        let limit = self.config.limits.max_warm_sessions as usize;
        while self.idle.len() > limit
            && let Some((_, id)) = self.idle.first().cloned()
        {
            self.close(&id);
        }
    }

    /// Does what is due by now.
    pub(super) fn ring_alarms(&mut self) {
        self.wake_parked();
        self.expire_asks();
        while let Some((at, id)) = self.alarms.first().cloned()
            && at <= self.now
        {
            match self.lanes.get(&id).map(|lane| lane.phase.clone()) {
                Some(Phase::Running(run)) => {
                    self.stop(&id, run, StopReason::TimedOut);
                }
                Some(Phase::Warm { .. }) => self.close(&id),
                Some(
                    Phase::Cold
                    | Phase::Preparing { .. }
                    | Phase::Stopping(..)
                    | Phase::Closing { .. },
                )
                | None => {
                    self.alarms.remove(&(at, id));
                }
            }
        }
    }

    /// Stops a running turn.
    pub(super) fn stop(&mut self, id: &ConversationId, run: Run, reason: StopReason) {
        let stop = Effect::StopTurn {
            session: run.session,
            run: run.id,
        };
        self.set_phase(id, Phase::Stopping(run, reason));
        self.effect(stop);
    }

    /// Gives a slot back, or leaves the line for one.
    pub(super) fn release_slot(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        match lane.slot {
            Slot::Held => self.slots.release(&lane.project.name),
            Slot::Waiting => self.slots.leave(&lane.project.name, id),
            Slot::None => {}
        }
        lane.slot = Slot::None;
    }

    /// Forgets the lane of a conversation that does nothing.
    fn drop_idle_lane(&mut self, id: &ConversationId) {
        let idle = self
            .lanes
            .get(id)
            .is_some_and(|lane| lane.phase == Phase::Cold && lane.slot == Slot::None);
        if idle {
            self.lanes.remove(id);
        }
    }
}

/// When something has to be done about what a conversation does.
fn alarm(lane: &Lane) -> Option<Timestamp> {
    match &lane.phase {
        Phase::Running(run) if run.held.is_some() => None,
        Phase::Running(run) => Some(run.deadline),
        Phase::Warm { since, .. } => Some(after(*since, lane.project.idle_timeout)),
        Phase::Cold | Phase::Preparing { .. } | Phase::Stopping(..) | Phase::Closing { .. } => None,
    }
}
