//! Answers to requests, as the CLI takes them.

use mpg_core::request::{Answer, Scope};
use serde_json::{Value, json};

use super::Open;

/// What the model is told where an answer does not fit what was asked.
const UNFIT: &str = "the answer does not fit what was asked; nothing was allowed";

impl Open {
    /// The body of the `control_response` that gives this answer.
    pub(crate) fn response(&self, answer: &Answer) -> Value {
        match self {
            Self::Permission { input, grant } => match answer {
                Answer::Allow(scope) => {
                    let mut response = allow(input);
                    let lasts = match scope {
                        Scope::Once => None,
                        Scope::Session | Scope::Project => grant.update(),
                    };
                    if let Some(update) = lasts {
                        response["updatedPermissions"] = update;
                    }
                    response
                }
                Answer::Deny { message } => deny(message),
                Answer::AcceptEdits | Answer::Replies(_) | Answer::Filled(_) => deny(UNFIT),
            },
            Self::Questions { input, texts } => match answer {
                Answer::Replies(replies) => {
                    let answers = texts.iter().zip(replies);
                    let answers = answers.filter(|(_, reply)| !reply.is_empty());
                    let mut input = input.clone();
                    input["answers"] = answers
                        .map(|(text, reply)| (text.clone(), Value::from(reply.join(", "))))
                        .collect();
                    allow(&input)
                }
                Answer::Deny { message } => deny(message),
                Answer::Allow(_) | Answer::AcceptEdits | Answer::Filled(_) => deny(UNFIT),
            },
            Self::Plan { input } => match answer {
                Answer::Allow(_) => allow(input),
                Answer::AcceptEdits => {
                    let mut response = allow(input);
                    response["updatedPermissions"] = json!([
                        { "type": "setMode", "mode": "acceptEdits", "destination": "session" },
                    ]);
                    response
                }
                Answer::Deny { message } => deny(message),
                Answer::Replies(_) | Answer::Filled(_) => deny(UNFIT),
            },
            Self::Form(elicitation) => match answer {
                Answer::Filled(values) => elicitation.accept(values),
                Answer::Allow(_) => elicitation.accept(&[]),
                Answer::Deny { .. } | Answer::AcceptEdits | Answer::Replies(_) => {
                    json!({ "action": "decline" })
                }
            },
        }
    }
}

fn allow(input: &Value) -> Value {
    json!({ "behavior": "allow", "updatedInput": input })
}

fn deny(message: &str) -> Value {
    json!({ "behavior": "deny", "message": message })
}
