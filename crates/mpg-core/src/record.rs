//! The facts that must outlive the process, and nothing else.
//!
//! A record is a fact whose loss would change what is done in the world after a crash, and which
//! cannot be asked again from the platform or the agent. Progress, typing and status signs are not.

mod outcome;

use jiff::Timestamp;

pub use self::outcome::{ABSORBED, Disposition, ParkReason, TurnOutcome, UnboundReason};
use crate::agent::{Choices, Usage};
use crate::audit::Deed;
use crate::config::Verbosity;
use crate::id::{
    AskId, ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place, PlatformId,
    Position, ProjectName, RequestId, RootId, SessionId, TurnId, UserId,
};
use crate::post::Post;
use crate::snapshot::{Ask, FanOut, QueuedTurn, Rule, Session, Spender, Verdict};

/// One durable fact. All records of a step are committed in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An adapter has read up to here.
    PositionMoved {
        /// The adapter's platform.
        platform: PlatformId,
        /// How far it has read.
        position: Position,
    },
    /// A person's message was seen, and this is what was decided about it.
    MessageSeen {
        /// The message.
        message: MessageRef,
        /// Who posted it.
        author: UserId,
        /// What was decided.
        disposition: Disposition,
        /// When it was seen.
        at: Timestamp,
    },
    /// A channel is listened to.
    ChannelKnown {
        /// The channel.
        channel: ChannelKey,
        /// Since when.
        at: Timestamp,
    },
    /// Something may be missing from a channel that is listened to, and from its threads.
    GapOpened {
        /// The channel.
        channel: ChannelKey,
        /// When that was noticed.
        at: Timestamp,
    },
    /// Nothing is missing from a channel any more.
    GapClosed {
        /// The channel.
        channel: ChannelKey,
        /// When it was given up to look for what is missing, if it was: nobody looks for what is
        /// older any more.
        given_up: Option<Timestamp>,
    },
    /// A place was read back: everything up to a message counts as seen.
    PlaceRead {
        /// The place.
        place: Place,
        /// The newest message that was read.
        upto: MessageId,
    },
    /// A thread has the place that its posts go to. The thread comes into being with this or with
    /// its first queued turn.
    ThreadBound {
        /// The thread.
        root: RootId,
        /// Its place.
        place: Place,
        /// When it was bound.
        at: Timestamp,
    },
    /// A turn waits for its conversation.
    TurnQueued {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: QueuedTurn,
    },
    /// The message of a waiting turn was changed.
    QueuedEdited {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What it asks for now.
        prompt: String,
    },
    /// A waiting turn will not run: its message was removed or its conversation ended.
    QueuedDropped {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
    },
    /// A waiting turn may be handed to its session's agent while another turn runs there. It waits
    /// until that turn ends: then it is part of it, or begins.
    TurnSteered {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
    },
    /// The turn that ran took a waiting turn in, and answers both.
    TurnAbsorbed {
        /// The conversation.
        conversation: ConversationId,
        /// The turn that waited.
        turn: TurnId,
        /// The turn that ran.
        by: TurnId,
        /// When that was known.
        at: Timestamp,
    },
    /// Somebody chose how the agent of a conversation works from the next turn on.
    ChoicesMade {
        /// The conversation.
        conversation: ConversationId,
        /// All that is chosen for it now.
        choices: Choices,
    },
    /// A conversation begins with what another one said so far, and its thread with it: its next
    /// session is a fork.
    ConversationForked {
        /// The conversation that begins.
        conversation: ConversationId,
        /// The session that its own one is forked from.
        from: SessionId,
        /// When.
        at: Timestamp,
    },
    /// A conversation has a session, from before its agent is started.
    SessionBound {
        /// The conversation.
        conversation: ConversationId,
        /// The session.
        session: Session,
    },
    /// A conversation has no session any more.
    SessionUnbound {
        /// The conversation.
        conversation: ConversationId,
        /// Why.
        reason: UnboundReason,
    },
    /// An attempt at a turn may be submitted. The first one takes the turn from the head of the
    /// queue.
    TurnStarted {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// Whether it goes on with an earlier attempt that was cut off, instead of asking anew.
        continues: bool,
        /// When it started.
        at: Timestamp,
    },
    /// The running turn's agent was cut off, which a turn survives only so often.
    TurnSetBack {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
    },
    /// The running turn waits, with those behind it, until the next attempt.
    TurnParked {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What for.
        reason: ParkReason,
        /// When it goes on by itself; `None` if somebody has to say so.
        until: Option<Timestamp>,
        /// When it was parked.
        at: Timestamp,
    },
    /// An agent asks people something, from before they are shown it.
    RequestOpened {
        /// The conversation.
        conversation: ConversationId,
        /// The turn that waits for them.
        turn: TurnId,
        /// What is asked.
        ask: Ask,
    },
    /// An agent that was started anew asks the same again.
    RequestRenewed {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What is asked.
        ask: AskId,
        /// The agent's new name for it.
        request: RequestId,
    },
    /// One of several questions was answered, and not the last of them.
    QuestionAnswered {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What is asked.
        ask: AskId,
        /// The answer.
        reply: Vec<String>,
    },
    /// A request is answered, or nobody answered it in time. The first word on it counts.
    RequestAnswered {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What was asked.
        ask: AskId,
        /// What came of it.
        verdict: Verdict,
    },
    /// The agent is told what came of a request, or was.
    AnswerTold {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What was asked.
        ask: AskId,
    },
    /// The agent wants no answer any more, or what came of it need not be remembered.
    RequestDropped {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// What was asked.
        ask: AskId,
    },
    /// Somebody allowed something for as long as a session lasts.
    SessionAllowed {
        /// The conversation.
        conversation: ConversationId,
        /// The session.
        session: SessionId,
        /// The rule, as `allowed-tools` takes it.
        rule: String,
    },
    /// Somebody allowed something in a project for good.
    RuleAdded {
        /// The project.
        project: ProjectName,
        /// What, who and when.
        rule: Rule,
    },
    /// It is not allowed any more.
    RuleRemoved {
        /// The project.
        project: ProjectName,
        /// The rule.
        rule: String,
    },
    /// People were told that what waits in a conversation waits for another start of the gateway.
    WaitTold {
        /// The conversation.
        conversation: ConversationId,
        /// The last turn that waited.
        turn: TurnId,
    },
    /// The running turn of a conversation ended.
    TurnEnded {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
        /// How it ended.
        outcome: TurnOutcome,
        /// What it took.
        usage: Usage,
        /// When it ended.
        at: Timestamp,
    },
    /// A turn cost something, whatever became of it.
    Spent {
        /// For whom.
        spender: Spender,
        /// US dollars, in millionths.
        microdollars: u64,
        /// When that was known.
        at: Timestamp,
    },
    /// The budgets of a project do not hold for the rest of the day.
    BudgetLifted {
        /// The project.
        project: ProjectName,
        /// When somebody said so.
        at: Timestamp,
    },
    /// Several agents were handed something at once.
    FanOutOpened {
        /// The thread.
        root: RootId,
        /// The turn that handed it to them.
        parent: TurnId,
        /// Who they are, and who gets their answers.
        fan_out: FanOut,
    },
    /// One of them answered, or will not.
    FanOutJoined {
        /// The thread.
        root: RootId,
        /// The turn that handed over.
        parent: TurnId,
        /// The turn that ended.
        turn: TurnId,
        /// What it answered, or why it did not.
        answer: String,
    },
    /// All of them have answered, or nobody waits for their answers any more.
    FanOutClosed {
        /// The thread.
        root: RootId,
        /// The turn that handed over.
        parent: TurnId,
    },
    /// A post is owed to a thread, behind those that are owed already. It is no dead letter any
    /// more, if it was one.
    DeliveryPlanned {
        /// The thread.
        root: RootId,
        /// The post.
        post: Post,
        /// When it was planned.
        at: Timestamp,
    },
    /// A post is on its platform.
    DeliveryConfirmed {
        /// The thread.
        root: RootId,
        /// The post.
        delivery: DeliveryId,
        /// The message that it became.
        message: MessageId,
    },
    /// A post was given up. It is kept among the dead letters, from which it can be planned again.
    DeliveryDead {
        /// The thread.
        root: RootId,
        /// The post.
        delivery: DeliveryId,
        /// Why.
        reason: String,
        /// When it was given up.
        at: Timestamp,
    },
    /// What a thread is owed and was not sent yet will stand behind another thread's post in the
    /// channel that they share.
    FloorRaised {
        /// The thread.
        root: RootId,
        /// The message that the other one's post became.
        after: MessageId,
    },
    /// A post will not be made, and nobody misses it.
    DeliveryDropped {
        /// The thread.
        root: RootId,
        /// The post.
        delivery: DeliveryId,
    },
    /// The message of a kept post is not there any more.
    KeptLost {
        /// The thread.
        root: RootId,
        /// The post.
        delivery: DeliveryId,
    },
    /// An agent gave a thread a title. It is given one once.
    ThreadRenamed {
        /// The thread.
        root: RootId,
    },
    /// Somebody said how much is shown of the turns of a thread.
    VerbositySet {
        /// The thread.
        root: RootId,
        /// How much; `None` for what its project says.
        verbosity: Option<Verbosity>,
    },
    /// A thread that nothing is owed to was forgotten, with its conversations.
    ThreadForgotten {
        /// The thread.
        root: RootId,
    },
    /// Somebody did something that the audit log keeps, in the same commit as what it led to. It means
    /// nothing for the state.
    Audited {
        /// Who, what and when.
        deed: Box<Deed>,
    },
}

impl Record {
    /// The thread that it is about, if it is about one.
    pub fn root(&self) -> Option<&RootId> {
        match self {
            Self::PositionMoved { .. }
            | Self::MessageSeen { .. }
            | Self::ChannelKnown { .. }
            | Self::GapOpened { .. }
            | Self::GapClosed { .. }
            | Self::RuleAdded { .. }
            | Self::RuleRemoved { .. }
            | Self::Spent { .. }
            | Self::BudgetLifted { .. }
            | Self::Audited { .. }
            | Self::PlaceRead { .. } => None,
            Self::ThreadBound { root, .. }
            | Self::DeliveryPlanned { root, .. }
            | Self::DeliveryConfirmed { root, .. }
            | Self::DeliveryDead { root, .. }
            | Self::DeliveryDropped { root, .. }
            | Self::FloorRaised { root, .. }
            | Self::FanOutOpened { root, .. }
            | Self::FanOutJoined { root, .. }
            | Self::FanOutClosed { root, .. }
            | Self::ThreadRenamed { root }
            | Self::VerbositySet { root, .. }
            | Self::KeptLost { root, .. }
            | Self::ThreadForgotten { root } => Some(root),
            Self::TurnQueued { conversation, .. }
            | Self::ConversationForked { conversation, .. }
            | Self::QueuedEdited { conversation, .. }
            | Self::QueuedDropped { conversation, .. }
            | Self::TurnSteered { conversation, .. }
            | Self::ChoicesMade { conversation, .. }
            | Self::TurnAbsorbed { conversation, .. }
            | Self::SessionBound { conversation, .. }
            | Self::SessionUnbound { conversation, .. }
            | Self::TurnStarted { conversation, .. }
            | Self::TurnSetBack { conversation, .. }
            | Self::TurnParked { conversation, .. }
            | Self::RequestOpened { conversation, .. }
            | Self::RequestRenewed { conversation, .. }
            | Self::QuestionAnswered { conversation, .. }
            | Self::RequestAnswered { conversation, .. }
            | Self::AnswerTold { conversation, .. }
            | Self::RequestDropped { conversation, .. }
            | Self::SessionAllowed { conversation, .. }
            | Self::WaitTold { conversation, .. }
            | Self::TurnEnded { conversation, .. } => Some(&conversation.root),
        }
    }
}
