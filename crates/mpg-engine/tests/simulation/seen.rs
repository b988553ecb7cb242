//! How much of what can happen did.

/// What happened in some runs: a simulation in which nothing happens shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) runs: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) resumed: u64,
    pub(crate) adopted: u64,
    pub(crate) read_back: u64,
    pub(crate) repeated: u64,
    pub(crate) dropped: u64,
    pub(crate) commands: u64,
    /// What was asked and commanded by the platform's own means.
    pub(crate) native: u64,
    /// Turns that an agent handed over.
    pub(crate) handoffs: u64,
    /// Handoffs that were not made, for a reason that was told.
    pub(crate) unmade: u64,
    pub(crate) fan_outs: u64,
    pub(crate) joins: u64,
    /// Fan-outs that ended before everything was there.
    pub(crate) given_up: u64,
    /// Commands that stopped something.
    pub(crate) stops: u64,
    /// Messages that a running turn took in.
    pub(crate) absorbed: u64,
    /// Turns that said what they did until they were stopped.
    pub(crate) partial: u64,
    /// Turns that had a message of their own while they ran.
    pub(crate) shown: u64,
    /// Channels that had a message which tells what their threads do.
    pub(crate) boards: u64,
    /// Controls of requests that were used, and answered them.
    pub(crate) pressed: u64,
    /// Messages that answered a request.
    pub(crate) written: u64,
    /// What agents asked and somebody allowed or approved.
    pub(crate) allowed: u64,
    /// What somebody denied or declined.
    pub(crate) denied: u64,
    /// Questions that somebody answered, and forms that somebody filled in.
    pub(crate) replied: u64,
    /// What nobody answered in time.
    pub(crate) unanswered: u64,
    /// Controls of requests that were used in vain.
    pub(crate) too_late: u64,
    /// What was asked aside and answered.
    pub(crate) asides: u64,
    /// Threads that go on with another one's conversation, and were asked something at once.
    pub(crate) forks: u64,
    /// Turns that waited for another day, as the budget was used up.
    pub(crate) held_back: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.answered += other.answered;
        self.failed += other.failed;
        self.resumed += other.resumed;
        self.adopted += other.adopted;
        self.read_back += other.read_back;
        self.repeated += other.repeated;
        self.dropped += other.dropped;
        self.commands += other.commands;
        self.native += other.native;
        self.handoffs += other.handoffs;
        self.unmade += other.unmade;
        self.fan_outs += other.fan_outs;
        self.joins += other.joins;
        self.given_up += other.given_up;
        self.stops += other.stops;
        self.absorbed += other.absorbed;
        self.partial += other.partial;
        self.shown += other.shown;
        self.boards += other.boards;
        self.pressed += other.pressed;
        self.written += other.written;
        self.allowed += other.allowed;
        self.denied += other.denied;
        self.replied += other.replied;
        self.unanswered += other.unanswered;
        self.too_late += other.too_late;
        self.asides += other.asides;
        self.forks += other.forks;
        self.held_back += other.held_back;
    }
}
