//! What is counted of each fact that is stored.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::id::{ChannelKey, ConversationId};
use mpg_core::record::Record;

use super::Metrics;
use super::label::{
    Agent, DeliveryEnd, OfReason, Platform, PlatformDisposition, TokenFlow, TurnEnd,
};
use super::pending::Pending;

impl Metrics {
    pub(super) fn record(&self, at: Timestamp, record: &Record, pending: &mut Pending) {
        if let Record::MessageSeen {
            message,
            disposition,
            ..
        } = record
        {
            let labels = PlatformDisposition::new(&message.place.channel, *disposition);
            self.messages.get_or_create(&labels).inc();
        }
        self.turn(record, pending);
        self.session(record);
        self.delivery(at, record, pending);
    }

    fn turn(&self, record: &Record, pending: &mut Pending) {
        if let Record::TurnQueued { turn, .. } = record {
            pending.queued(turn.id, turn.at);
        } else if let Record::TurnStarted {
            conversation,
            turn,
            at,
            ..
        } = record
        {
            if let Some(waited) = pending.started(*turn, *at) {
                let labels = self.agent(conversation);
                self.waits.get_or_create(&labels).observe(seconds(waited));
            }
        } else if let Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage,
            at,
        } = record
        {
            let labels = self.agent(conversation);
            if let Some(worked) = pending.ended(*turn, *at) {
                self.durations
                    .get_or_create(&labels)
                    .observe(seconds(worked));
            }
            self.spend(&labels, usage);
            self.turns
                .get_or_create(&TurnEnd::new(labels, outcome))
                .inc();
        } else if let Record::QueuedDropped { turn, .. } | Record::TurnAbsorbed { turn, .. } =
            record
        {
            pending.dropped(*turn);
        } else if let Record::TurnSetBack { conversation, .. } = record {
            self.setbacks.get_or_create(&self.agent(conversation)).inc();
        } else if let Record::TurnParked { reason, .. } = record {
            let labels = OfReason::new(reason.name());
            self.parked.get_or_create(&labels).inc();
        }
    }

    fn session(&self, record: &Record) {
        if let Record::SessionBound { conversation, .. } = record {
            let labels = self.agent(conversation);
            self.sessions_begun.get_or_create(&labels).inc();
        } else if let Record::SessionUnbound { reason, .. } = record {
            let labels = OfReason::new(reason.name());
            self.sessions_ended.get_or_create(&labels).inc();
        }
    }

    fn delivery(&self, at: Timestamp, record: &Record, pending: &mut Pending) {
        if let Record::DeliveryPlanned { post, at, .. } = record {
            pending.planned(post, *at);
        } else if let Record::DeliveryConfirmed { root, delivery, .. } = record {
            let (kind, since) = pending.delivered(*delivery);
            if let Some(took) = since.map(|since| at.duration_since(since)) {
                let platform = Platform::of(&root.channel);
                let took = Duration::try_from(took).unwrap_or_default();
                self.delivery_times
                    .get_or_create(&platform)
                    .observe(seconds(took));
            }
            self.delivered(&root.channel, kind, "confirmed");
        } else if let Record::DeliveryDead { root, delivery, .. } = record {
            let (kind, _) = pending.delivered(*delivery);
            self.delivered(&root.channel, kind, "dead");
        } else if let Record::DeliveryDropped { root, delivery } = record {
            let (kind, _) = pending.delivered(*delivery);
            self.delivered(&root.channel, kind, "dropped");
        }
    }

    fn agent(&self, conversation: &ConversationId) -> Agent {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.agent(conversation)
    }

    fn spend(&self, agent: &Agent, usage: &Usage) {
        for (direction, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache-read", usage.cache_read_tokens),
            ("cache-creation", usage.cache_creation_tokens),
        ] {
            let labels = TokenFlow::new(agent, direction);
            self.tokens.get_or_create(&labels).inc_by(tokens);
        }
        let dollars = dollars(usage.cost_microdollars);
        self.cost.get_or_create(agent).inc_by(dollars);
    }

    fn delivered(&self, channel: &ChannelKey, kind: &'static str, end: &'static str) {
        let labels = DeliveryEnd::new(channel, kind, end);
        self.deliveries.get_or_create(&labels).inc();
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 9 billion dollars a cent may be missing"
)]
fn dollars(microdollars: u64) -> f64 {
    microdollars as f64 / 1_000_000.0
}
