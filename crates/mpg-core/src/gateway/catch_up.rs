//! What was said while nobody listened comes before what is said now.
//!
//! A fresh connection to a platform replays nothing. Each of its channels then has a gap, which is
//! durable until everything in it was read back: until then, what comes in live in the channel waits,
//! because the newest message that was seen in a place says up to where it was read.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::Gateway;
use crate::catch_up::{CatchUpFailure, Missed, MissedRequest};
use crate::event::Effect;
use crate::id::{ChannelKey, MessageId, Place, PlatformId, Position, RootId};
use crate::message::Inbound;
use crate::record::Record;
use crate::wording;

/// How many things may wait for one channel's gap. Beyond that they are read back instead.
const MAX_HELD: usize = 1_000;

/// The channels whose gaps are being read back.
#[derive(Debug, Default)]
pub(super) struct CatchUps {
    channels: BTreeMap<ChannelKey, CatchUp>,
    /// How far each platform was read with what waits.
    positions: BTreeMap<PlatformId, Position>,
}

#[derive(Debug, Default)]
struct CatchUp {
    /// What came in meanwhile, in order.
    held: VecDeque<Inbound>,
    /// Whether more may be missing than the look back that is on its way can find.
    again: bool,
}

impl CatchUps {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Takes what has to wait, and gives back what need not.
    pub(super) fn hold(&mut self, inbound: Inbound) -> Option<Inbound> {
        match &inbound {
            Inbound::Message(_)
            | Inbound::Interaction(_)
            | Inbound::Edited { .. }
            | Inbound::Deleted(_) => {}
            Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::Link(_)
            | Inbound::OwnEcho { .. } => return Some(inbound),
        }
        let channel = inbound.place().map(|place| &place.channel);
        let Some(catch_up) = channel.and_then(|channel| self.channels.get_mut(channel)) else {
            return Some(inbound);
        };
        if catch_up.held.len() >= MAX_HELD {
            // What nobody could read back stays, as long as it leaves room.
            catch_up
                .held
                .retain(|held| matches!(held, Inbound::Interaction(_)));
            catch_up.held.truncate(MAX_HELD / 2);
            catch_up.again = true;
        }
        // What is read back once more need not wait here.
        catch_up.held.push_back(inbound);
        None
    }

    /// Whether something of a platform waits, so that it cannot be told how far it was read.
    fn holds(&self, platform: &PlatformId) -> bool {
        let waits = |catch_up: &CatchUp| catch_up.again || !catch_up.held.is_empty();
        let mut channels = self.channels.iter();
        channels.any(|(channel, catch_up)| channel.platform == *platform && waits(catch_up))
    }

    /// Takes how far a platform was read, and gives it back unless something of it waits.
    pub(super) fn pass(&mut self, platform: &PlatformId, position: Position) -> Option<Position> {
        if self.holds(platform) {
            self.positions.insert(platform.clone(), position);
            return None;
        }
        self.positions.remove(platform);
        Some(position)
    }
}

impl Gateway {
    /// A platform is connected. Unless everything was replayed, what its channels missed has to be
    /// read back; a channel that is new is listened to from now on.
    pub(super) fn connected(&mut self, platform: &PlatformId, replayed: bool) {
        for channel in self.mapped() {
            if channel.platform != *platform {
                continue;
            }
            match self.state.channels.get(&channel) {
                None => self.know(&channel),
                Some(known) if !replayed => {
                    let open = known.gap.is_some();
                    if self.reach(&channel).is_zero() {
                        continue;
                    }
                    if !open {
                        self.record(Record::GapOpened {
                            channel: channel.clone(),
                            at: self.now,
                        });
                    }
                    self.look_back(channel);
                }
                Some(_) => {}
            }
        }
    }

    /// Goes on with the gaps that an earlier gateway left open.
    pub(super) fn take_up_gaps(&mut self) {
        let known = self.state.channels.iter();
        let open: Vec<ChannelKey> = known
            .filter(|(_, known)| known.gap.is_some())
            .map(|(channel, _)| channel.clone())
            .collect();
        for channel in open {
            if self.reach(&channel).is_zero() {
                self.record(Record::GapClosed {
                    channel,
                    given_up: None,
                });
            } else {
                self.look_back(channel);
            }
        }
    }

    /// Listens from now on to channels that are new in the configuration.
    pub(super) fn know_new_channels(&mut self) {
        // Before any was connected, nothing is listened to.
        let platforms = self.state.channels.keys().map(|channel| &channel.platform);
        let platforms: Vec<PlatformId> = platforms.cloned().collect();
        for channel in self.mapped() {
            if platforms.contains(&channel.platform) && !self.state.channels.contains_key(&channel)
            {
                self.know(&channel);
            }
        }
    }

    fn know(&mut self, channel: &ChannelKey) {
        self.record(Record::ChannelKnown {
            channel: channel.clone(),
            at: self.now,
        });
    }

    fn mapped(&self) -> Vec<ChannelKey> {
        let channels = self.config.routing.channels();
        channels.map(|(channel, _)| channel.clone()).collect()
    }

    /// How far back a channel is read. Beyond the time for which threads are remembered, it is not
    /// known any more what was answered in them.
    fn reach(&self, channel: &ChannelKey) -> Duration {
        let project = self.project_of(channel);
        let reach = project.map_or(Duration::ZERO, |project| project.catch_up);
        reach.min(self.config.limits.session_ttl)
    }

    fn look_back(&mut self, channel: ChannelKey) {
        if let Some(catch_up) = self.catching_up.channels.get_mut(&channel) {
            catch_up.again = true;
            return;
        }
        let request = self.missed_request(&channel);
        self.catching_up
            .channels
            .insert(channel, CatchUp::default());
        self.effect(Effect::CatchUp(Box::new(request)));
    }

    fn missed_request(&self, channel: &ChannelKey) -> MissedRequest {
        let reach = self.reach(channel);
        let oldest = self.now.checked_sub(reach).unwrap_or(Timestamp::MIN);
        let known = self.state.channels.get(channel).map(|known| known.since);
        let limit = self.project_of(channel).map(|p| p.catch_up_limit);
        MissedRequest {
            channel: channel.clone(),
            read: self.newest_seen(channel),
            since: known.map_or(oldest, |since| since.max(oldest)),
            limit: limit.unwrap_or_default(),
        }
    }

    /// The newest message that was seen in each place of a channel.
    fn newest_seen(&self, channel: &ChannelKey) -> BTreeMap<Place, MessageId> {
        self.state
            .seen
            .range(Place::channel(channel.clone())..)
            .take_while(|(place, _)| place.channel == *channel)
            .filter_map(|(place, seen)| Some((place.clone(), seen.newest()?.clone())))
            .collect()
    }

    pub(super) fn caught_up(
        &mut self,
        channel: &ChannelKey,
        result: Result<Missed, CatchUpFailure>,
    ) {
        // A gateway that ends takes nothing in: the next one finds the gap open.
        if self.draining {
            return;
        }
        let Some(mut catch_up) = self.catching_up.channels.remove(channel) else {
            return;
        };
        let mut given_up = None;
        match result {
            Ok(missed) => self.take_in(channel, missed),
            Err(CatchUpFailure::Unsupported) => catch_up.again = false,
            // As long as nobody waits for it, it may take its time.
            Err(CatchUpFailure::Failed(_)) if catch_up.held.is_empty() => catch_up.again = true,
            Err(CatchUpFailure::Failed(_)) => {
                catch_up.again = false;
                given_up = Some(self.now);
                self.announce(channel, "catch-up failed", wording::catch_up_failed());
            }
        }
        if catch_up.again {
            let held = catch_up.held;
            let next = CatchUp { held, again: false };
            let request = self.missed_request(channel);
            self.catching_up.channels.insert(channel.clone(), next);
            self.effect(Effect::CatchUp(Box::new(request)));
            return;
        }
        for inbound in catch_up.held {
            self.take(inbound, false);
        }
        self.record(Record::GapClosed {
            channel: channel.clone(),
            given_up,
        });
        let platform = &channel.platform;
        if let Some(position) = self.catching_up.positions.remove(platform)
            && let Some(position) = self.catching_up.pass(platform, position)
        {
            self.has_read(platform.clone(), position, true);
        }
    }

    /// Treats what was missed as if it came in now.
    fn take_in(&mut self, channel: &ChannelKey, missed: Missed) {
        for message in missed.messages {
            if message.place.channel == *channel {
                self.take(Inbound::Message(message), true);
            }
        }
        for (place, upto) in missed.read {
            // Places that nothing is known of are not remembered for what others said in them.
            let known = self.state.seen.contains_key(&place)
                || self.bound_root(&place).is_some()
                || place == Place::channel(channel.clone());
            let newest = self.state.seen.get(&place).and_then(|seen| seen.newest());
            if known && place.channel == *channel && newest.is_none_or(|newest| *newest < upto) {
                self.record(Record::PlaceRead { place, upto });
            }
        }
        if missed.skipped > 0 {
            let text = wording::skipped(missed.skipped);
            self.announce(channel, "skipped", &text);
        }
    }

    /// Says something in a channel, outside of its threads.
    fn announce(&mut self, channel: &ChannelKey, topic: &str, text: &str) {
        let place = Place::channel(channel.clone());
        let root = RootId::of_place(&place);
        if self
            .thread(&root)
            .is_none_or(|thread| thread.place.is_none())
        {
            self.bind(&root, place);
        }
        self.notify(&root, topic, text);
    }
}
