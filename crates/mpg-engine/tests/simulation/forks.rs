//! What must hold of side questions and of forks, whatever happened.

use std::collections::BTreeSet;

use mpg_core::id::{DeliveryId, InstallationId, MessageRef, RootId, SessionId, TurnId};
use mpg_core::post::Post;
use mpg_core::record::Record;
use mpg_testkit::fake::{FakePlatform, Posted};

use crate::people::People;
use crate::seen::Seen;
use crate::turns::{Outcome, Turns};

/// What a run made of them.
pub(crate) struct Forks<'a> {
    pub(crate) chat: &'a FakePlatform,
    pub(crate) people: &'a People,
    pub(crate) made: &'a [Record],
    pub(crate) turns: &'a Turns,
    pub(crate) installation: InstallationId,
}

impl Forks<'_> {
    /// Each of them is begun once or refused once, and what it is asked is a turn that `check` holds
    /// for.
    pub(crate) fn check(&self, check: &mut dyn FnMut(TurnId, &str)) -> Seen {
        let mut seen = Seen::default();
        self.check_sources();
        for aside in &self.people.asides {
            let asked = self.turns.of_message(&aside.message);
            let Some(turn) = self.begun_or_refused(&aside.message, &asked) else {
                continue;
            };
            let conversation = &self.turns.all[&turn].conversation;
            assert!(conversation.root.is_aside(), "{conversation} is none");
            check(turn, &aside.word);
            let outcomes = &self.turns.all[&turn].outcomes;
            seen.asides += u64::from(*outcomes == [Outcome::Answered]);
        }
        for (ordered, word) in &self.people.forks {
            let id = DeliveryId::of_fork(self.installation, ordered);
            let roots = self.posts(id);
            assert!(roots.len() <= 1, "forked twice: {roots:?}");
            assert!(self.replies(ordered) <= 1, "{ordered:?}");
            let Some(root) = roots.first() else {
                let planned = self.made.iter().any(|record| {
                    matches!(record, Record::DeliveryPlanned { post: Post { id: of, .. }, .. } if *of == id)
                });
                assert!(
                    !planned,
                    "{ordered:?} got lost:\n{}",
                    self.chat.transcript()
                );
                continue;
            };
            let cause = MessageRef {
                place: root.place.clone(),
                message: root.id.clone(),
            };
            let asked = self.turns.of_message(&cause);
            assert_eq!(asked.len(), usize::from(word.is_some()), "{root:?}");
            if let (Some(turn), Some(word)) = (asked.first(), word) {
                let expected = RootId::of_message(cause.place.channel, cause.message);
                assert_eq!(self.turns.all[turn].conversation.root, expected);
                check(*turn, word);
                seen.forks += 1;
            }
        }
        seen
    }

    /// The turn of a side question; `None` where it was refused, once, or is gone with its thread.
    fn begun_or_refused(&self, message: &MessageRef, asked: &[TurnId]) -> Option<TurnId> {
        let replies = self.replies(message);
        let gone = self.people.removed.contains(&message.place);
        let once = match asked {
            [] => replies == 1 || gone,
            [_] => replies == 0,
            _ => false,
        };
        assert!(
            once,
            "{message:?} became {asked:?} and {replies} replies:\n{}",
            self.chat.transcript()
        );
        asked.first().copied()
    }

    /// A session is forked at most once for each conversation, and never from itself.
    fn check_sources(&self) {
        let mut sessions: BTreeSet<SessionId> = BTreeSet::new();
        for record in self.made {
            if let Record::SessionBound { session, .. } = record {
                assert!(sessions.insert(session.id), "{session:?} is bound twice");
                let known = session
                    .forked_from
                    .is_none_or(|from| sessions.contains(&from));
                assert!(known, "{session:?} comes from nowhere");
                assert_ne!(session.forked_from, Some(session.id));
            }
        }
    }

    fn replies(&self, message: &MessageRef) -> usize {
        let reply = DeliveryId::of_message(self.installation, message, 0);
        self.posts(reply).len()
    }

    fn posts(&self, id: DeliveryId) -> Vec<Posted> {
        self.chat.look(|world| {
            let posts = world.posts().iter();
            posts
                .filter(|posted| posted.post.id == id)
                .cloned()
                .collect()
        })
    }
}
