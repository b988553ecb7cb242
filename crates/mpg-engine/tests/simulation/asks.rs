//! What must hold of what agents ask people, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::ask::Said;
use mpg_core::id::{
    AskId, ConversationId, DeliveryId, InstallationId, MessageRef, ProjectName, SessionId, TurnId,
    UserId,
};
use mpg_core::post::PostKind;
use mpg_core::record::{Disposition, Record, TurnOutcome};
use mpg_core::request::About;
use mpg_testkit::fake::{FakePlatform, Happening};

use crate::oracle::may_be_lost;
use crate::people::People;
use crate::plan::Plan;
use crate::seen::Seen;
use crate::turns::Turns;

/// What people answered.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The messages and presses that answered something.
    pub(crate) messages: BTreeSet<MessageRef>,
    pub(crate) seen: Seen,
    /// Whether it is plain from the records that an agent was started anew.
    is_plain: bool,
    /// Who gave an answer that is not stored yet: the next record about requests is it.
    given: Option<UserId>,
    open: BTreeMap<TurnId, BTreeMap<AskId, Asked>>,
    sessions: BTreeMap<ConversationId, SessionId>,
    /// What is not asked again, in a session and in a project.
    allowed: BTreeSet<(SessionId, String)>,
    always: BTreeSet<(ProjectName, String)>,
}

/// What an agent asks, as far as a turn remembers it.
#[derive(Debug)]
struct Asked {
    about: About,
    answered: bool,
    /// Whether the agent that asked was told.
    told: bool,
    /// Whether another agent was started that was told with its prompt, or is told if it asks the same.
    passed_on: bool,
}

impl Answers {
    /// Checks the records of a run, and what people saw: what is answered is not asked again before the
    /// agent knows, the first answer counts, and none is lost.
    pub(crate) fn check(
        chat: &FakePlatform,
        people: &People,
        plan: &Plan,
        turns: &Turns,
        (made, installation): (&[Record], InstallationId),
    ) -> Self {
        let machines = plan.deaths.iter().any(|(_, after)| after.machine.is_some());
        let mut answers = Self {
            is_plain: plan.deaths.is_empty() || (plan.kept && !machines),
            ..Self::default()
        };
        let questions = people.questions.iter().map(|question| &question.message);
        let presses = people.presses.iter().map(|press| &press.message);
        let may_answer: BTreeSet<&MessageRef> = questions.chain(presses).collect();
        for record in made {
            answers.take(record, &may_answer, chat);
        }
        assert_eq!(
            answers.given,
            None,
            "an answer got lost:\n{}",
            chat.transcript()
        );
        answers.check_presses(chat, people, plan, (made, installation));
        check_posts(chat, people, plan, turns);
        answers
    }

    fn take(&mut self, record: &Record, may_answer: &BTreeSet<&MessageRef>, chat: &FakePlatform) {
        let report = || format!("{record:?}:\n{}", chat.transcript());
        if let Record::MessageSeen {
            message,
            author,
            disposition: Disposition::Command,
            ..
        } = record
        {
            assert_eq!(self.given, None, "an answer got lost before {}", report());
            if may_answer.contains(message) {
                self.given = Some(author.clone());
                self.messages.insert(message.clone());
            }
        } else if let Record::SessionBound {
            conversation,
            session,
        } = record
        {
            self.sessions.insert(conversation.clone(), session.id);
        } else if let Record::SessionAllowed { session, rule, .. } = record {
            self.allowed.insert((*session, rule.clone()));
        } else if let Record::RuleAdded { project, rule } = record {
            self.always.insert((project.clone(), rule.rule.clone()));
        } else if let Record::TurnEnded { turn, outcome, .. } = record {
            let asked = self.open.remove(turn).unwrap_or_default();
            let answered = matches!(outcome, TurnOutcome::Answered);
            let mut asked = asked.values();
            let untold = asked.find(|asked| !asked.told && !asked.passed_on);
            let may_end = untold.is_none() || !answered || !self.is_plain;
            assert!(may_end, "{untold:?}, {}", report());
        } else if let Record::TurnStarted { turn, .. } = record {
            for asked in self.open.entry(*turn).or_default().values_mut() {
                asked.passed_on = asked.answered;
            }
        } else {
            self.take_ask(record, &report);
        }
    }

    fn take_ask(&mut self, record: &Record, report: &dyn Fn() -> String) {
        if let Record::RequestOpened {
            conversation,
            turn,
            ask,
        } = record
        {
            if let About::Permission(permission) = &ask.about {
                let session = self.sessions[conversation];
                let project = ProjectName::new(conversation.root.channel.channel.as_str());
                let rule = &permission.rule;
                let allowed = self.allowed.contains(&(session, rule.clone()))
                    || self.always.contains(&(project, rule.clone()));
                assert!(!allowed, "it was allowed already: {}", report());
            }
            let open = self.open.entry(*turn).or_default();
            let mut same = open.values().filter(|asked| asked.about == ask.about);
            assert!(same.all(|asked| asked.told), "asked again: {}", report());
            let before = open.insert(
                ask.id,
                Asked {
                    about: ask.about.clone(),
                    answered: false,
                    told: false,
                    passed_on: false,
                },
            );
            assert!(before.is_none(), "opened twice: {}", report());
        } else if let Record::RequestDropped { turn, ask, .. } = record {
            let dropped = self.open.entry(*turn).or_default().remove(ask);
            let known = dropped.is_some_and(|asked| asked.told || !asked.answered);
            assert!(known, "an answer was dropped: {}", report());
        } else if let Record::QuestionAnswered { turn, ask, .. } = record {
            assert!(self.given.take().is_some(), "by nobody: {}", report());
            assert!(!self.asked(*turn, *ask).answered, "{}", report());
        } else if let Record::RequestAnswered {
            turn, ask, verdict, ..
        } = record
        {
            let by = verdict.by.as_ref().map(|by| by.id.clone());
            assert_eq!(by, self.given.take(), "by somebody else: {}", report());
            assert_eq!(by.is_some(), verdict.said.is_some(), "{}", report());
            let asked = self.asked(*turn, *ask);
            assert!(!asked.answered, "a second answer counted: {}", report());
            asked.answered = true;
            self.count(verdict.said.as_ref());
        } else if let Record::AnswerTold { turn, ask, .. } = record {
            let asked = self.asked(*turn, *ask);
            assert!(asked.answered && !asked.told, "{}", report());
            asked.told = true;
        }
    }

    fn asked(&mut self, turn: TurnId, ask: AskId) -> &mut Asked {
        let asked = self.open.entry(turn).or_default().get_mut(&ask);
        asked.expect("what becomes of a request comes after it")
    }

    fn count(&mut self, said: Option<&Said>) {
        match said {
            Some(Said::Allow(_) | Said::Approve { .. }) => self.seen.allowed += 1,
            Some(Said::Deny { .. } | Said::KeepPlanning { .. } | Said::Decline) => {
                self.seen.denied += 1;
            }
            Some(Said::Reply(_) | Said::Fill(_)) => self.seen.replied += 1,
            None => self.seen.unanswered += 1,
        }
    }

    /// A press answers, or whoever pressed is told why it does not.
    fn check_presses(
        &mut self,
        chat: &FakePlatform,
        people: &People,
        plan: &Plan,
        (made, installation): (&[Record], InstallationId),
    ) {
        let mut dispositions = BTreeMap::new();
        for record in made {
            if let Record::MessageSeen {
                message,
                disposition,
                ..
            } = record
            {
                dispositions.insert(message, *disposition);
            }
        }
        for press in &people.presses {
            let report = || format!("{press:?}:\n{}", chat.transcript());
            let message = &press.message;
            let gone = people.removed.contains(&message.place);
            let Some(disposition) = dispositions.get(message) else {
                let lost = gone || may_be_lost(people, plan, message);
                assert!(lost, "it was not taken: {}", report());
                continue;
            };
            let reply = DeliveryId::of_message(installation, message, 0);
            let replies = chat.look(|world| {
                let posts = world.posts().iter();
                posts.filter(|posted| posted.post.id == reply).count()
            });
            match disposition {
                Disposition::Command => {
                    assert!(!press.by_stranger && replies == 0, "{}", report());
                    self.seen.pressed += 1;
                }
                Disposition::Refused => {
                    assert!(replies == 1 || gone, "{replies} replies: {}", report());
                    self.seen.too_late += u64::from(!press.by_stranger);
                }
                Disposition::Accepted => panic!("it is no task: {}", report()),
            }
        }
        self.seen.written = (self.messages.len() as u64).saturating_sub(self.seen.pressed);
    }
}

/// A request is shown once, and does not look as if it were open at the end.
fn check_posts(chat: &FakePlatform, people: &People, plan: &Plan, turns: &Turns) {
    let is_gone = |turn: &TurnId| {
        let conversation = &turns.all[turn].conversation;
        people
            .removed
            .contains(&people.place_of(&conversation.root))
    };
    chat.look(|world| {
        let mut shown = BTreeSet::new();
        for entry in world.entries() {
            if let Happening::Posted { id, post, .. } = &entry.happening
                && matches!(post.kind, PostKind::Request { .. })
            {
                let first = shown.insert(post.id);
                assert!(first, "#{id} is shown again:\n{}", world.transcript());
            }
        }
        for posted in world.posts() {
            let PostKind::Request { turn } = &posted.post.kind else {
                continue;
            };
            assert!(
                !plan.edits || is_gone(turn),
                "{posted:?} looks as if it could be answered:\n{}",
                world.transcript()
            );
        }
    });
}
