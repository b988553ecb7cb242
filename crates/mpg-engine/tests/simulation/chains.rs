//! What must hold of handoffs, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::id::{AgentName, RootId, TurnId};
use mpg_core::post::PostKind;
use mpg_core::record::Record;
use mpg_core::snapshot::{FanOut, Origin, QueuedTurn};

use crate::seen::Seen;
use crate::team::{self, MAX_HANDOFFS, Team};
use crate::turns::{Outcome, Turn, Turns};

/// What handoffs led to in one thread, by the records so far.
#[derive(Debug, Default)]
struct Chain {
    /// Those since a person last wrote.
    handoffs: usize,
    /// What they took.
    tokens: u64,
    open: BTreeMap<TurnId, FanOut>,
    /// What has all its answers, so that their synthesis comes next.
    due: BTreeMap<TurnId, FanOut>,
    /// Every parent that ever handed to several.
    opened: BTreeSet<TurnId>,
}

/// Goes through the records of a run.
#[derive(Debug)]
pub(crate) struct Chains<'r> {
    team: Option<Team>,
    turns: &'r Turns,
    threads: BTreeMap<RootId, Chain>,
    /// The threads in which a fan-out ended before everything was there.
    pub(crate) given_up: BTreeSet<RootId>,
    pub(crate) seen: Seen,
}

impl<'r> Chains<'r> {
    /// Checks all handoffs of a run.
    pub(crate) fn check(made: &[Record], turns: &'r Turns, team: Option<Team>) -> Self {
        let mut chains = Self {
            team,
            turns,
            threads: BTreeMap::new(),
            given_up: BTreeSet::new(),
            seen: Seen::default(),
        };
        let mut step: &[Record] = made;
        while let Some((record, rest)) = step.split_first() {
            chains.take(record);
            if let Record::TurnEnded { turn, .. } = record {
                chains.check_led_to(*turn, rest);
            }
            step = rest;
        }
        for (root, chain) in &chains.threads {
            assert!(chain.open.is_empty(), "{root} waits for answers: {chain:?}");
            assert!(chain.due.is_empty(), "{root} has no synthesis: {chain:?}");
        }
        chains
    }

    fn take(&mut self, record: &Record) {
        if let Record::TurnQueued { conversation, turn } = record {
            self.queued(&conversation.root, conversation.agent.as_ref(), turn);
        } else if let Record::TurnEnded {
            conversation,
            turn,
            usage,
            ..
        } = record
        {
            if !self.turn(*turn).origin.is_person() {
                self.chain(&conversation.root).tokens += usage.output_tokens;
            }
        } else if let Record::FanOutOpened {
            root,
            parent,
            fan_out,
        } = record
        {
            self.seen.fan_outs += 1;
            assert!(fan_out.branches.len() > 1, "{fan_out:?} is for one");
            let chain = self.chain(root);
            assert!(chain.opened.insert(*parent), "{parent} handed over twice");
            chain.open.insert(*parent, fan_out.clone());
        } else if let Record::FanOutJoined {
            root,
            parent,
            turn,
            answer,
        } = record
        {
            let fan_out = self.chain(root).open.get_mut(parent);
            let fan_out = fan_out.expect("what is joined is open");
            let branch = fan_out.branches.iter_mut().find(|one| one.turn == *turn);
            let before = branch
                .expect("who joins was asked")
                .answer
                .replace(answer.clone());
            assert_eq!(before, None, "{turn} joined twice");
        } else if let Record::FanOutClosed { root, parent } = record {
            let fan_out = self.chain(root).open.remove(parent);
            let fan_out = fan_out.expect("what is closed is open");
            if fan_out
                .branches
                .iter()
                .all(|branch| branch.answer.is_some())
            {
                self.chain(root).due.insert(*parent, fan_out);
            } else {
                self.seen.given_up += 1;
                self.given_up.insert(root.clone());
            }
        }
    }

    fn queued(&mut self, root: &RootId, agent: Option<&AgentName>, turn: &QueuedTurn) {
        let most = self.team.and_then(|team| team.tokens);
        match &turn.origin {
            Origin::Person => {
                let chain = self.chain(root);
                (chain.handoffs, chain.tokens) = (0, 0);
            }
            Origin::Handoff { from, parent } => {
                self.seen.handoffs += 1;
                let chain = self.chain(root);
                chain.handoffs += 1;
                assert!(chain.handoffs <= MAX_HANDOFFS, "too many in {root}");
                let tokens = chain.tokens;
                assert!(most.is_none_or(|most| tokens < most), "{tokens} in {root}");
                let parent = (*parent, self.turn(*parent));
                Self::check_handed(turn, agent, from.as_ref(), parent);
            }
            Origin::Joined { parent } => {
                self.seen.joins += 1;
                assert_eq!(turn.id, TurnId::of_join(*parent));
                let fan_out = self.chain(root).due.remove(parent);
                let fan_out = fan_out.expect("what is brought together has all its parts");
                assert_eq!(agent, fan_out.by.as_ref(), "brought to somebody else");
                for branch in fan_out.branches {
                    let branch = self.turn(branch.turn);
                    if branch.outcomes == [Outcome::Answered] {
                        let mark = team::marks(&branch.answer).pop().unwrap_or_default();
                        assert!(turn.prompt.contains(mark), "{turn:?} lacks {branch:?}");
                    }
                }
            }
        }
    }

    /// A turn that was handed over has somebody who answered and named its agent.
    fn check_handed(
        turn: &QueuedTurn,
        agent: Option<&AgentName>,
        from: Option<&AgentName>,
        (id, parent): (TurnId, &Turn),
    ) {
        let own = parent.conversation.agent.as_ref();
        let agent = agent.expect("nobody hands over to nobody");
        assert_eq!(turn.id, TurnId::of_handoff(id, agent));
        assert_eq!(own, from, "somebody else handed it over");
        assert_eq!(parent.outcomes, [Outcome::Answered], "{parent:?}");
        let named = team::targets(&parent.answer, own);
        assert!(named.contains(agent), "{agent} is not named: {parent:?}");
        let mark = team::marks(&parent.answer).pop().unwrap_or_default();
        assert!(turn.prompt.contains(mark), "{turn:?} lacks {parent:?}");
    }

    /// Whom a turn's answer names is asked, or it is said why not, unless somebody waits for it.
    fn check_led_to(&mut self, id: TurnId, rest: &[Record]) {
        let turn = self.turn(id);
        if turn.outcomes != [Outcome::Answered] {
            return;
        }
        let step = rest
            .iter()
            .take_while(|record| !matches!(record, Record::TurnEnded { .. }));
        let (mut asked, mut waited_for, mut told) = (BTreeSet::new(), false, String::new());
        for record in step {
            if let Record::FanOutJoined { turn, .. } = record {
                waited_for |= *turn == id;
            } else if let Record::TurnQueued { conversation, turn } = record {
                let handed =
                    matches!(&turn.origin, Origin::Handoff { parent, .. } if *parent == id);
                asked.extend(conversation.agent.clone().filter(|_| handed));
            } else if let Record::DeliveryPlanned { post, .. } = record
                && post.kind == PostKind::Notice
                && post.text.starts_with("no handoff from")
            {
                told.push_str(&post.text);
            }
        }
        if turn.conversation.root.is_aside() {
            assert!(asked.is_empty(), "{turn:?} hands over what was asked aside");
            return;
        }
        let own = turn.conversation.agent.as_ref();
        let named: BTreeSet<AgentName> = team::targets(&turn.answer, own).into_iter().collect();
        if waited_for {
            assert!(asked.is_empty(), "{turn:?} is waited for and hands over");
        } else if self.team.is_some() {
            for agent in named.difference(&asked) {
                let why = told.contains(&format!("`@{agent}`"));
                assert!(why, "{agent} is not asked: {turn:?}");
                self.seen.unmade += 1;
            }
        }
    }

    fn chain(&mut self, root: &RootId) -> &mut Chain {
        self.threads.entry(root.clone()).or_default()
    }

    fn turn(&self, id: TurnId) -> &'r Turn {
        self.turns.all.get(&id).expect("no turn out of nothing")
    }
}
