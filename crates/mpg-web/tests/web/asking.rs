//! What agents ask here.

use jiff::Timestamp;
use mpg_core::gateway::{OpenRequest, PastRequest, RequestEnd};
use mpg_core::id::{AskId, ConversationId, ProjectName, RequestId, UserId};
use mpg_core::request::{About, Detail, Permission, Question, QuestionOption};
use mpg_core::snapshot::{Answerer, Ask};
use uuid::Uuid;

use crate::stage::{root, turn_id};

pub(crate) fn ask_id(number: u128) -> AskId {
    AskId::from_uuid(Uuid::from_u128(0xa5c0 + number))
}

/// A request for a permission, or one with questions.
pub(crate) fn open_request(number: u128, about: About) -> OpenRequest {
    OpenRequest {
        ask: Ask {
            id: ask_id(number),
            request: RequestId::new("r"),
            about,
            at: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            replies: Vec::new(),
            verdict: None,
        },
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        project: ProjectName::new("demo"),
        turn: turn_id(2),
        author: UserId::new("ann"),
        summary: "Bash `rm -rf target`".to_owned(),
        until: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn permission() -> About {
    About::Permission(Permission {
        tool: "Bash".to_owned(),
        summary: "rm -rf target".to_owned(),
        detail: Detail::Command("rm -rf target <script>".to_owned()),
        rule: "Bash(rm:*)".to_owned(),
    })
}

pub(crate) fn questions() -> About {
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        description: String::new(),
    };
    About::Questions(vec![Question {
        header: "Checks".to_owned(),
        text: "Which checks?".to_owned(),
        options: vec![option("unit"), option("lint")],
        multiple: true,
    }])
}

/// One that was answered, one that nobody answered, and one that nobody waits for any more.
pub(crate) fn past_requests() -> [PastRequest; 3] {
    let answered = RequestEnd::Answered {
        by: Some(Answerer::new(UserId::new("7"), "bob")),
        outcome: "denied by `bob`".to_owned(),
    };
    let ends = [answered, RequestEnd::Expired, RequestEnd::Over];
    let mut number = 10;
    ends.map(|end| {
        number += 1;
        PastRequest {
            id: ask_id(number),
            conversation: ConversationId {
                root: root(),
                agent: None,
            },
            kind: "permission",
            summary: "Bash `ls`".to_owned(),
            end,
        }
    })
}
