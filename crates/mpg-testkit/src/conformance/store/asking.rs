//! What agents ask, and what people allowed for good.

use mpg_core::ask::Said;
use mpg_core::id::{AskId, ProjectName, RequestId, SessionId, UserId};
use mpg_core::record::Record;
use mpg_core::request::{About, Question, QuestionOption, Scope};
use mpg_core::snapshot::{Answerer, Ask, Rule, Session, Verdict};
use uuid::Uuid;

use super::clause::{at, conversation, ended, queued, started, turn};
use super::{StoreFactory, Subject};

fn ask_id(number: u128) -> AskId {
    AskId::from_uuid(Uuid::from_u128(number))
}

fn ann() -> Answerer {
    Answerer {
        id: UserId::new("7"),
        name: "Ann".to_owned(),
    }
}

fn opened(of: u128, number: u128) -> Record {
    let options = ["SQLite", "Postgres"].map(|label| QuestionOption {
        label: label.to_owned(),
        description: String::new(),
    });
    let question = |text: &str| Question {
        header: String::new(),
        text: text.to_owned(),
        options: options.to_vec(),
        multiple: false,
    };
    Record::RequestOpened {
        conversation: conversation(None),
        turn: turn(of),
        ask: Ask {
            id: ask_id(number),
            request: RequestId::new(format!("request {number}")),
            about: About::Questions(vec![question("which?"), question("where?")]),
            at: at(5),
            until: at(6),
            replies: Vec::new(),
            verdict: None,
        },
    }
}

pub(super) async fn what_is_asked_lasts_as_long_as_its_turn<F: StoreFactory>(factory: &F) {
    let id = || conversation(None);
    let answered = |said| Record::RequestAnswered {
        conversation: id(),
        turn: turn(1),
        ask: ask_id(1),
        verdict: Verdict {
            said,
            by: Some(ann()),
            at: at(7),
            told: false,
        },
    };
    let told = || Record::AnswerTold {
        conversation: id(),
        turn: turn(1),
        ask: ask_id(1),
    };
    let mut subject = Subject::open(factory).await;
    subject.commit(&[queued(None, 1), opened(1, 1)]).await;
    subject.settle("what waits asks nothing").await;
    subject.commit(&[started(None, 1, 1), opened(2, 1)]).await;
    subject.settle("only the turn that runs asks").await;
    subject.commit(&[opened(1, 1), opened(1, 2)]).await;
    subject.commit(&[opened(1, 1), told()]).await;
    subject.settle("a request is opened once").await;
    let reply = vec!["Postgres".to_owned()];
    let one = Record::QuestionAnswered {
        conversation: id(),
        turn: turn(1),
        ask: ask_id(1),
        reply: reply.clone(),
    };
    subject.commit(&[one]).await;
    subject.settle("one of its questions is answered").await;
    subject.commit(&[answered(Some(Said::Reply(reply)))]).await;
    subject.commit(&[answered(None)]).await;
    subject.settle("the first word counts").await;
    let renewed = Record::RequestRenewed {
        conversation: id(),
        turn: turn(1),
        ask: ask_id(1),
        request: RequestId::new("another"),
    };
    subject.commit(&[renewed, told()]).await;
    subject.settle("the agent asked again, and was told").await;
    let running = subject.expected.conversation(&id()).cloned();
    let asks = running.and_then(|c| c.running).map(|running| running.asks);
    let seen: Vec<_> = asks
        .iter()
        .flatten()
        .map(|ask| (ask.request.to_string(), ask.replies.len(), ask.is_untold()))
        .collect();
    let expected = [
        ("another".to_owned(), 1, false),
        ("request 2".to_owned(), 0, false),
    ];
    assert_eq!(seen, expected);
    let dropped = Record::RequestDropped {
        conversation: id(),
        turn: turn(1),
        ask: ask_id(2),
    };
    subject.commit(&[dropped]).await;
    subject.settle("a request is dropped").await;
    subject.commit(&[ended(None, 1), queued(None, 2)]).await;
    subject.commit(&[started(None, 2, 1)]).await;
    subject.settle("the next turn has asked nothing").await;
    subject.close().await;
}

pub(super) async fn rules_are_kept<F: StoreFactory>(factory: &F) {
    let project = || ProjectName::new("one");
    let session = SessionId::of_turn(turn(1), 0);
    let added = |rule: &str, by| Record::RuleAdded {
        project: project(),
        rule: Rule {
            rule: rule.to_owned(),
            by,
            at: at(3),
        },
    };
    let allowed = |session, rule: &str| Record::SessionAllowed {
        conversation: conversation(None),
        session,
        rule: rule.to_owned(),
    };
    let mut subject = Subject::open(factory).await;
    subject
        .commit(&[added("Bash(ls:*)", Some(ann())), added("Read", None)])
        .await;
    subject.commit(&[added("Bash(ls:*)", None)]).await;
    subject.settle("a rule is added once").await;
    let bound = Record::SessionBound {
        conversation: conversation(None),
        session: Session {
            id: session,
            directory: "/work".to_owned(),
            answered: false,
            allowed: vec!["\"quoted\"".to_owned()],
            forked_from: None,
        },
    };
    subject.commit(&[queued(None, 1), bound]).await;
    subject
        .commit(&[allowed(session, "Edit"), allowed(session, "Edit")])
        .await;
    let other = SessionId::of_turn(turn(2), 0);
    subject.commit(&[allowed(other, "Write")]).await;
    subject.settle("a session has rules of its own").await;
    let known = subject.expected.conversation(&conversation(None)).cloned();
    let rules = known.and_then(|c| c.session).map(|session| session.allowed);
    assert_eq!(rules.map(|rules| rules.len()), Some(2));
    for rule in ["Read", "Bash(ls:*)", "Read"] {
        let removed = Record::RuleRemoved {
            project: project(),
            rule: rule.to_owned(),
        };
        subject.commit(&[removed]).await;
        subject.settle("a rule is removed").await;
    }
    assert!(subject.expected.rules.is_empty());
    let denied = Record::RequestAnswered {
        conversation: conversation(None),
        turn: turn(1),
        ask: ask_id(1),
        verdict: Verdict {
            said: Some(Said::Allow(Scope::Once)),
            by: None,
            at: at(8),
            told: true,
        },
    };
    subject.commit(&[denied]).await;
    subject.settle("what is not asked is not answered").await;
    subject.close().await;
}
