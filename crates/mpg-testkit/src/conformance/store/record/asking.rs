//! Records about what agents ask, and what people allowed.

use mpg_core::ask::Said;
use mpg_core::control::Field;
use mpg_core::id::{AskId, ProjectName, RequestId, SessionId, UserId};
use mpg_core::record::Record;
use mpg_core::request::{About, Detail, Permission, Question, QuestionOption, Scope};
use mpg_core::snapshot::{Answerer, Ask, Rule, Verdict};
use uuid::Uuid;

use super::Records;

impl Records {
    pub(super) fn asking(&mut self) -> Record {
        let (conversation, turn) = (self.conversation(), self.turn());
        let ask = self.ask_id();
        match self.below(12) {
            0..=3 => Record::RequestOpened {
                conversation,
                turn,
                ask: self.ask(ask),
            },
            4 => Record::RequestRenewed {
                conversation,
                turn,
                ask,
                request: RequestId::new(self.text()),
            },
            5 => Record::QuestionAnswered {
                conversation,
                turn,
                ask,
                reply: self.texts(),
            },
            6 => Record::RequestAnswered {
                conversation,
                turn,
                ask,
                verdict: self.verdict(),
            },
            7 => Record::AnswerTold {
                conversation,
                turn,
                ask,
            },
            8 => Record::RequestDropped {
                conversation,
                turn,
                ask,
            },
            9 => Record::SessionAllowed {
                conversation,
                session: SessionId::of_turn(turn, self.small()),
                rule: self.text(),
            },
            10 => Record::RuleAdded {
                project: self.project(),
                rule: Rule {
                    rule: self.text(),
                    by: self.answerer(),
                    at: self.now(),
                },
            },
            _ => Record::RuleRemoved {
                project: self.project(),
                rule: self.text(),
            },
        }
    }

    fn ask_id(&mut self) -> AskId {
        AskId::from_uuid(Uuid::from_u128(u128::from(self.below(3))))
    }

    fn ask(&mut self, id: AskId) -> Ask {
        Ask {
            id,
            request: RequestId::new(self.text()),
            about: self.about(),
            at: self.now(),
            until: self.now(),
            replies: (0..self.below(3)).map(|_| self.texts()).collect(),
            verdict: self.one_in(4).then(|| self.verdict()),
        }
    }

    fn about(&mut self) -> About {
        match self.below(6) {
            0 => About::Plan { text: self.text() },
            1 => About::Form {
                from: self.text(),
                message: self.text(),
                fields: (0..self.below(3))
                    .map(|_| Field {
                        name: self.text(),
                        label: self.text(),
                        long: self.one_in(2),
                        required: self.one_in(2),
                    })
                    .collect(),
            },
            2 => About::Questions(
                (0..self.below(3))
                    .map(|_| Question {
                        header: self.text(),
                        text: self.text(),
                        options: (0..self.below(3))
                            .map(|_| QuestionOption {
                                label: self.text(),
                                description: self.text(),
                            })
                            .collect(),
                        multiple: self.one_in(2),
                    })
                    .collect(),
            ),
            number => About::Permission(Permission {
                tool: self.text(),
                summary: self.text(),
                detail: match number {
                    3 => Detail::Command(self.text()),
                    4 => Detail::Diff(self.text()),
                    _ => Detail::Text(self.text()),
                },
                rule: self.text(),
            }),
        }
    }

    fn verdict(&mut self) -> Verdict {
        let reason = self.one_in(2).then(|| self.text());
        let said = match self.below(8) {
            0 => None,
            1 => Some(Said::Deny { reason }),
            2 => Some(Said::Approve {
                accept_edits: self.one_in(2),
            }),
            3 => Some(Said::KeepPlanning { comment: reason }),
            4 => Some(Said::Reply(self.texts())),
            5 => Some(Said::Fill(vec![(self.text(), self.text())])),
            6 => Some(Said::Decline),
            _ => Some(Said::Allow(self.pick(Scope::ALL))),
        };
        Verdict {
            said,
            by: self.answerer(),
            at: self.now(),
            told: self.one_in(3),
        }
    }

    fn answerer(&mut self) -> Option<Answerer> {
        self.one_in(2).then(|| Answerer {
            id: UserId::new(self.text()),
            name: self.text(),
        })
    }

    pub(super) fn project(&mut self) -> ProjectName {
        ProjectName::new(self.pick(["one", "two"]))
    }

    pub(super) fn texts(&mut self) -> Vec<String> {
        (0..self.below(3)).map(|_| self.text()).collect()
    }
}
