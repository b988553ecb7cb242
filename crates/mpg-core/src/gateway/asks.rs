//! What agents ask people: taken in once, waited for without a slot, and told to the agent once
//! somebody has answered.

mod outside;
mod posts;
mod verdicts;

pub use self::outside::{AnswerRefusal, AnyRequest, OpenRequest, PastRequest, RequestEnd};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::lane::{Lane, Phase, Slot, Started};
use super::{Gateway, after};
use crate::agent::Permissions;
use crate::config::Project;
use crate::event::{Effect, RunId, TurnNotice};
use crate::id::{AskId, ConversationId, RequestId, SessionId};
use crate::record::Record;
use crate::request::{About, Answer, Permission, Request, Scope};
use crate::snapshot::{Ask, RunningTurn, Snapshot};
use crate::wording;

/// How much one agent may ask in an attempt at a turn.
const MOST_ASKED: usize = 500;

/// How long people have at the least after a start of the gateway: nobody could answer before.
const GRACE: Duration = Duration::from_mins(2);

/// A detail that is longer may have been cut, and then two of them may look the same that are not.
const SURELY_WHOLE: usize = Permission::LONGEST_DETAIL - 1024;

/// What is open: where, and until when.
#[derive(Debug)]
pub(super) struct Asks {
    /// When this gateway began to listen for answers.
    since: Timestamp,
    open: BTreeMap<AskId, (ConversationId, Timestamp)>,
    due: BTreeSet<(Timestamp, AskId)>,
    /// What is over, oldest first; at most as many as [`outside::MOST_PAST`].
    past: VecDeque<PastRequest>,
    /// The agents of turns that run on from an earlier gateway, until they are taken over.
    to_take_over: BTreeMap<ConversationId, SessionId>,
}

impl Asks {
    pub(super) fn of(snapshot: &Snapshot, now: Timestamp) -> Self {
        let mut asks = Self {
            since: now,
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            past: VecDeque::new(),
            to_take_over: BTreeMap::new(),
        };
        for (root, thread) in &snapshot.threads {
            for (agent, conversation) in &thread.conversations {
                let id = ConversationId {
                    root: root.clone(),
                    agent: agent.clone(),
                };
                for ask in conversation.running.iter().flat_map(|r| &r.asks) {
                    asks.know(&id, ask);
                    if let Some(verdict) = &ask.verdict {
                        asks.settled(&id, ask, verdict);
                    }
                }
            }
        }
        asks
    }

    /// When the next of them has waited long enough.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// To be called around each record.
    pub(super) fn before(&mut self, state: &Snapshot, record: &Record) {
        for ask in concerned(state, record).into_iter().flat_map(|r| &r.asks) {
            if let Some((_, at)) = self.open.remove(&ask.id) {
                self.due.remove(&(at, ask.id));
            }
        }
    }

    /// The other half of [`Asks::before`].
    pub(super) fn after(&mut self, state: &Snapshot, record: &Record) {
        let Some(id) = conversation_of(record) else {
            return;
        };
        for ask in concerned(state, record).into_iter().flat_map(|r| &r.asks) {
            self.know(id, ask);
        }
    }

    /// Until when it waits: what was asked before this gateway began gets some time in which it listens.
    fn due_of(&self, ask: &Ask) -> Timestamp {
        if ask.at >= self.since {
            return ask.until;
        }
        let waits = Duration::try_from(ask.until.duration_since(ask.at)).unwrap_or_default();
        ask.until.max(after(self.since, waits.min(GRACE)))
    }

    fn know(&mut self, id: &ConversationId, ask: &Ask) {
        if ask.is_open() {
            let at = self.due_of(ask);
            self.open.insert(ask.id, (id.clone(), at));
            self.due.insert((at, ask.id));
        }
    }
}

impl Gateway {
    /// An agent asks people something, for the first time or once more.
    pub(super) fn requested(&mut self, id: &ConversationId, run: RunId, request: Request) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let Some(run) = lane.run(run) else {
            return;
        };
        let (session, of) = (run.session, run.id);
        let stopping = matches!(lane.phase, Phase::Stopping(..));
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let running = running.filter(|running| running.turn.id == run.turn);
        let Some(running) = running.filter(|_| !stopping) else {
            return self.refuse(session, request.id);
        };
        let ask = AskId::of_request(running.turn.id, &request.id);
        let mut known = running.asks.iter();
        if let Some(known) = known.find(|k| k.id == ask || k.request == request.id) {
            let known = known.id;
            return self.asked_again(id, known);
        }
        if let Some(twin) = twin(running, lane, &request.about) {
            let turn = running.turn.id;
            self.record(Record::RequestRenewed {
                conversation: id.clone(),
                turn,
                ask: twin,
                request: request.id,
            });
            return self.asked_again(id, twin);
        }
        match self.settled_beforehand(id, &request) {
            Some(answer) => {
                if let Answer::Deny { .. } = answer {
                    self.turn_noticed(id, of, &TurnNotice::Denied(request.clone()));
                }
                self.respond(session, request.id, answer);
            }
            None => self.open_ask(id, session, ask, request),
        }
    }

    /// What is answered without asking anybody, if it is.
    fn settled_beforehand(&self, id: &ConversationId, request: &Request) -> Option<Answer> {
        let About::Permission(permission) = &request.about else {
            return None;
        };
        let lane = self.lanes.get(id)?;
        if lane.started == Started::Unlimited {
            return Some(Answer::Allow(Scope::Once));
        }
        if permissions(&lane.project, id) == Permissions::Deny {
            let message = wording::denial(request);
            return Some(Answer::Deny { message });
        }
        let allowed = self.allowed(id, &lane.project).contains(&permission.rule);
        allowed.then_some(Answer::Allow(Scope::Session))
    }

    /// The rules that people allowed, for a session or for good.
    pub(super) fn allowed(&self, id: &ConversationId, project: &Project) -> BTreeSet<String> {
        if permissions(project, id) == Permissions::Deny {
            return BTreeSet::new();
        }
        let rules = self.state.rules.get(&project.name).into_iter().flatten();
        let session = self.conversation(id).and_then(|c| c.session.as_ref());
        let own = session.into_iter().flat_map(|session| &session.allowed);
        rules.map(|rule| &rule.rule).chain(own).cloned().collect()
    }

    fn open_ask(&mut self, id: &ConversationId, session: SessionId, ask: AskId, request: Request) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let waits = lane.project.permission_timeout;
        if lane.asked.len() >= MOST_ASKED {
            return self.refuse(session, request.id);
        }
        let running = self
            .state
            .conversation(id)
            .and_then(|c| c.running.as_deref());
        let Some(running) = running else {
            return;
        };
        let turn = running.turn.id;
        if running.asks.len() >= Ask::MOST {
            let mut asks = running.asks.iter();
            let past = asks.find(|ask| !ask.is_open() && !ask.is_untold());
            let Some(past) = past.map(|ask| ask.id) else {
                return self.refuse(session, request.id);
            };
            self.record(Record::RequestDropped {
                conversation: id.clone(),
                turn,
                ask: past,
            });
        }
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let first = running.is_none_or(|running| !running.asks_people());
        self.record(Record::RequestOpened {
            conversation: id.clone(),
            turn,
            ask: Ask {
                id: ask,
                request: request.id,
                about: request.about,
                at: self.now,
                until: after(self.now, waits),
                replies: Vec::new(),
                verdict: None,
            },
        });
        self.show_ask(id, ask, first);
        self.asked_again(id, ask);
    }

    /// Waits for people, or tells what they said already.
    fn asked_again(&mut self, id: &ConversationId, ask: AskId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.asked.insert(ask);
        }
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        match running.and_then(|running| running.ask(ask)) {
            Some(known) if known.is_open() => self.hold(id),
            Some(_) => self.tell(id, ask),
            None => {}
        }
    }

    /// Stops the clock of a turn that waits for people, and gives its slot back. Where so many wait
    /// already that their agents are too many, it keeps it: then less is begun.
    fn hold(&mut self, id: &ConversationId) {
        let without = |lane: &&Lane| lane.waits_for_people() && lane.slot != Slot::Held;
        let waiting = self.lanes.values().filter(without).count();
        let limit = self.config.limits.max_warm_sessions.max(1) as usize;
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        if let Phase::Running(run) = &lane.phase {
            let mut run = run.clone();
            let slot = lane.slot;
            if run.held.is_none() {
                let left = run.deadline.duration_since(self.now);
                run.held = Some(Duration::try_from(left).unwrap_or_default());
                self.set_phase(id, Phase::Running(run));
            }
            if slot == Slot::Waiting || waiting < limit {
                self.release_slot(id);
            }
        }
        self.tell_what_is_known(id);
    }

    /// Lets a turn go on that has waited for people, now that it has a slot.
    pub(super) fn go_on(&mut self, id: &ConversationId) {
        let phase = self.lanes.get(id).map(|lane| lane.phase.clone());
        if let Some(Phase::Running(mut run)) = phase {
            if let Some(left) = run.held.take() {
                run.deadline = after(self.now, left);
            }
            self.set_phase(id, Phase::Running(run));
        }
        self.tell_what_is_known(id);
    }

    /// Tells the agent what it waits for.
    fn tell_what_is_known(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let asks = running.into_iter().flat_map(|running| &running.asks);
        let untold: Vec<AskId> = asks
            .filter(|ask| ask.is_untold() && lane.asked.contains(&ask.id))
            .map(|ask| ask.id)
            .collect();
        for ask in untold {
            self.tell(id, ask);
        }
    }

    fn tell(&mut self, id: &ConversationId, ask: AskId) {
        let phase = self.lanes.get(id).map(|lane| &lane.phase);
        let Some(Phase::Running(run)) = phase else {
            return;
        };
        let session = run.session;
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some(running) = running else {
            return;
        };
        let Some((ask, verdict)) = running
            .ask(ask)
            .and_then(|ask| Some((ask, ask.verdict.as_ref()?)))
        else {
            return;
        };
        let waited = verdict.at.duration_since(ask.at);
        let answer = match &verdict.said {
            None => Some(Answer::Deny {
                message: wording::asks::nobody_answered(
                    Duration::try_from(waited).unwrap_or_default(),
                ),
            }),
            Some(said) => said.answer(ask, wording::asks::name_of(verdict)),
        };
        let (turn, told, ask, request) =
            (running.turn.id, verdict.told, ask.id, ask.request.clone());
        if !told {
            self.record(Record::AnswerTold {
                conversation: id.clone(),
                turn,
                ask,
            });
        }
        if let Some(answer) = answer {
            self.respond(session, request, answer);
        }
    }

    /// The agent does not wait any more.
    pub(super) fn withdrawn(&mut self, id: &ConversationId, run: RunId, request: &RequestId) {
        let run = self.lanes.get(id).and_then(|lane| lane.run(run));
        let Some(turn) = run.map(|run| run.turn) else {
            return;
        };
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let running = running.filter(|running| running.turn.id == turn);
        let asks = running.into_iter().flat_map(|running| &running.asks);
        let mut open = asks.filter(|ask| ask.is_open() && ask.request == *request);
        let Some(ask) = open.next().cloned() else {
            return;
        };
        self.record(Record::RequestDropped {
            conversation: id.clone(),
            turn,
            ask: ask.id,
        });
        self.close_ask(id, &ask, wording::asks::withdrawn());
        self.asks.over(id, &ask);
        self.works_again(id);
    }

    /// The agent of a turn works again although nobody said anything: it has a slot at once.
    fn works_again(&mut self, id: &ConversationId) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let open = running.is_some_and(RunningTurn::asks_people);
        let waits = self.lanes.get(id).is_some_and(Lane::waits_for_people);
        if open || !waits {
            return;
        }
        if self.lanes.get(id).map(|lane| lane.slot) != Some(Slot::Held) {
            self.release_slot(id);
            if let Some(lane) = self.lanes.get_mut(id) {
                self.slots.retake(&lane.project.name);
                lane.slot = Slot::Held;
            }
        }
        self.go_on(id);
    }

    /// Whether a turn has nothing to do before people answer. One whose agent still runs is taken over
    /// all the same: only then it says what it waits for.
    pub(super) fn waits_for_people(&self, id: &ConversationId, running: &RunningTurn) -> bool {
        running.asks_people() && !self.asks.to_take_over.contains_key(id)
    }

    /// Has the agent of a turn that has not ended taken over by the turn's own start.
    pub(super) fn takes_agent_over(&mut self, id: &ConversationId, session: SessionId) {
        self.asks.to_take_over.insert(id.clone(), session);
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        if running.is_some_and(RunningTurn::asks_people) {
            self.want_slot(id);
        }
    }

    /// It is being taken over.
    pub(super) fn takes_over(&mut self, id: &ConversationId) {
        self.asks.to_take_over.remove(id);
    }

    /// Nobody needs the agent of a turn that was to be taken over.
    pub(super) fn takes_over_no_more(&mut self, id: &ConversationId) {
        if let Some(session) = self.asks.to_take_over.remove(id) {
            self.strays.insert(session);
            self.effect(Effect::EndStray { session });
        }
    }

    /// Tells an agent that nobody is asked.
    fn refuse(&mut self, session: SessionId, request: RequestId) {
        let message = wording::asks::nobody_is_asked().to_owned();
        self.respond(session, request, Answer::Deny { message });
    }

    fn respond(&mut self, session: SessionId, request: RequestId, answer: Answer) {
        self.effect(Effect::Respond {
            session,
            request,
            answer,
        });
    }
}

/// What a turn's earlier agent asked in the same words, and this one did not ask yet: a call that
/// was answered and told is another one.
fn twin(running: &RunningTurn, lane: &Lane, about: &About) -> Option<AskId> {
    let is_whole = match about {
        About::Permission(permission) => permission.detail.text().len() < SURELY_WHOLE,
        About::Plan { text } => text.len() < SURELY_WHOLE,
        About::Questions(_) | About::Form { .. } => true,
    };
    let mut asks = running.asks.iter();
    let twin = asks.find(|ask| {
        ask.about == *about && (ask.is_open() || ask.is_untold()) && !lane.asked.contains(&ask.id)
    });
    twin.filter(|_| is_whole).map(|ask| ask.id)
}

fn permissions(project: &Project, id: &ConversationId) -> Permissions {
    let named = id.agent.as_ref().and_then(|name| project.agents.get(name));
    named
        .map_or(&project.agent, |named| &named.agent)
        .permissions
}

/// The running turn whose requests a record changes.
fn concerned<'a>(state: &'a Snapshot, record: &Record) -> Option<&'a RunningTurn> {
    state
        .conversation(conversation_of(record)?)?
        .running
        .as_deref()
}

fn conversation_of(record: &Record) -> Option<&ConversationId> {
    let (Record::RequestOpened { conversation, .. }
    | Record::RequestAnswered { conversation, .. }
    | Record::RequestDropped { conversation, .. }
    | Record::TurnEnded { conversation, .. }) = record
    else {
        return None;
    };
    Some(conversation)
}
