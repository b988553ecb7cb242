//! Under which name each metric is known.

use prometheus_client::registry::Unit;

use super::Metrics;

impl Metrics {
    #[expect(clippy::too_many_lines, reason = "one name for each metric")]
    pub(super) fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("build", "The daemon's version", self.build.clone());
        registry.register(
            "messages",
            "Messages of people that were seen, by what was decided",
            self.messages.clone(),
        );
        registry.register("turns", "Turns that ended, by how", self.turns.clone());
        registry.register(
            "turn_setbacks",
            "Attempts at turns whose agent was cut off",
            self.setbacks.clone(),
        );
        registry.register(
            "turns_parked",
            "Turns that had to wait for something that no slot gives",
            self.parked.clone(),
        );
        registry.register(
            "deliveries",
            "Posts that are over with, by how",
            self.deliveries.clone(),
        );
        registry.register(
            "delivery_retries",
            "Attempts at posts that did not succeed and are repeated",
            self.retries.clone(),
        );
        registry.register(
            "delivery_rate_limits",
            "Attempts at posts that a platform asked to repeat later",
            self.limits.clone(),
        );
        registry.register("tokens", "Tokens that turns took", self.tokens.clone());
        registry.register(
            "cost_dollars",
            "US dollars that turns took, as agents told",
            self.cost.clone(),
        );
        registry.register(
            "sessions_begun",
            "Sessions of agents that were begun",
            self.sessions_begun.clone(),
        );
        registry.register(
            "sessions_ended",
            "Sessions of agents that were given up",
            self.sessions_ended.clone(),
        );
        registry.register("records", "Facts that were stored", self.records.clone());
        registry.register(
            "platform_connected",
            "Whether a platform is connected",
            self.connected.clone(),
        );
        registry.register(
            "turns_running",
            "Turns that run or are about to",
            self.running.clone(),
        );
        registry.register("turns_queued", "Turns that wait", self.queued.clone());
        registry.register(
            "turns_waiting_parked",
            "Turns that wait for something that no slot gives",
            self.parked_now.clone(),
        );
        registry.register(
            "posts_owed",
            "Posts that are owed and not known to be made",
            self.owed.clone(),
        );
        registry.register(
            "dead_letters",
            "Posts that were given up and can be posted again",
            self.dead.clone(),
        );
        registry.register(
            "conversations",
            "Conversations that are known",
            self.conversations.clone(),
        );
        registry.register(
            "sessions_warm",
            "Agents that are ready and have nothing to do",
            self.warm.clone(),
        );
        registry.register_with_unit(
            "turn_wait",
            "From a message to its turn's first attempt",
            Unit::Seconds,
            self.waits.clone(),
        );
        registry.register_with_unit(
            "turn_duration",
            "From a turn's first attempt to its end",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "delivery_duration",
            "From planning a post to its being made",
            Unit::Seconds,
            self.delivery_times.clone(),
        );
        registry.register_with_unit(
            "commit_duration",
            "Storing facts, together with those that waited",
            Unit::Seconds,
            self.commits.clone(),
        );
        registry.register_with_unit(
            "resident_memory",
            "Memory that the gateway's process has resident, without its agents",
            Unit::Bytes,
            self.memory.clone(),
        );
    }
}
