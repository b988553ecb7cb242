//! How requests fail, and what that means for a delivery.

use std::error::Error as _;
use std::time::Duration;

use http::StatusCode;
use hyper_util::client::legacy;
use mpg_core::port::DeliveryError;
use serde::Deserialize;

use super::limit::Limited;

/// How long nothing is sent after Discord refused the token.
pub(super) const UNAUTHORIZED_PAUSE: Duration = Duration::from_mins(5);

/// The code of a token in a path that is not taken any more. It says nothing of the bot's own.
///
/// Source: the page on opcodes and status codes of Discord's documentation.
pub(super) const INVALID_WEBHOOK_TOKEN: u64 = 50027;

/// The longest text of an error that is kept, in characters.
const MESSAGE_LIMIT: usize = 300;

/// How a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Discord answered that it does not do this.
    Refused {
        status: u16,
        /// Discord's own code; `None` where the answer is not Discord's.
        code: Option<u64>,
        message: String,
    },
    /// A rate limit that is longer than is waited for.
    Limited {
        retry_after: Duration,
        message: String,
    },
    /// The request never left.
    NotSent(String),
    /// The request may have been carried out.
    Unknown(String),
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Posting a message: repeating it needs care.
    Post,
    /// Changing a message that was posted.
    Edit,
    /// Opening a thread.
    Thread,
    /// A status sign or a typing notice.
    Sign,
    /// Reading what stands somewhere.
    Read,
}

impl Failure {
    /// Discord's code of a refusal.
    pub(crate) fn code(&self) -> Option<u64> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Limited { .. } | Self::NotSent(_) | Self::Unknown(_) => None,
        }
    }

    /// How long nothing should be asked; `None` where Discord did not say so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } => Some(*retry_after),
            Self::Refused { .. } | Self::NotSent(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether asking again later may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                *status >= 500 || *status == 401 || is_edge(*status, *code)
            }
            Self::Limited { .. } | Self::NotSent(_) | Self::Unknown(_) => true,
        }
    }

    /// What the caller of an outbox has to do about it.
    ///
    /// Codes are those of the page on opcodes and status codes of Discord's documentation.
    pub(crate) fn delivery(self, verb: Verb) -> DeliveryError {
        let (status, code, message) = match self {
            Self::Limited {
                retry_after,
                message,
            } => return transient(Some(retry_after), message),
            Self::NotSent(message) => return transient(None, message),
            Self::Unknown(message) => return uncertain(verb, message),
            Self::Refused {
                status,
                code,
                message,
            } => (status, code, message),
        };
        match (status, code) {
            (401, _) => transient(
                Some(UNAUTHORIZED_PAUSE),
                "Discord does not accept the token; set a new one and restart".to_owned(),
            ),
            (500.., _) => uncertain(verb, format!("Discord answered {status}: {message}")),
            _ if is_edge(status, code) => transient(None, message),
            (_, Some(20016 | 20022 | 20028 | 40062)) => transient(None, message),
            (_, Some(50001 | 50013 | 50024 | 50083 | 160_006)) | (403, Some(_))
                if verb != Verb::Post =>
            {
                DeliveryError::Unsupported
            }
            // A post whose nonce is known, but whose message was deleted since.
            (_, Some(10008)) if matches!(verb, Verb::Post | Verb::Edit) => {
                DeliveryError::Removed(message)
            }
            (_, Some(code)) if gone(code).is_some() => {
                DeliveryError::Gone(gone(code).unwrap_or_default().to_owned())
            }
            (403, _) => DeliveryError::Gone(format!("Discord forbids it: {message}")),
            (404, _) => DeliveryError::Gone(format!("it does not exist any more: {message}")),
            (_, _) => DeliveryError::Rejected(format!("Discord answered {status}: {message}")),
        }
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::Limited {
            retry_after: limited.retry_after,
            message: "Discord answered that there are too many requests".to_owned(),
        }
    }
}

/// A request that got no answer.
pub(super) fn of_transport(error: &legacy::Error) -> Failure {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    let message = short(&message);
    if error.is_connect() {
        Failure::NotSent(message)
    } else {
        Failure::Unknown(message)
    }
}

/// A request that got an answer other than success.
pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Failure {
    #[derive(Deserialize)]
    struct Body {
        code: Option<u64>,
        message: Option<String>,
        errors: Option<serde_json::Value>,
    }
    let body: Option<Body> = serde_json::from_slice(body).ok();
    let mut message = body
        .as_ref()
        .and_then(|body| body.message.clone())
        .unwrap_or_else(|| status.to_string());
    if let Some(errors) = body.as_ref().and_then(|body| body.errors.as_ref()) {
        message = format!("{message} {errors}");
    }
    Failure::Refused {
        status: status.as_u16(),
        code: body.and_then(|body| body.code),
        message: short(&message),
    }
}

/// Whether an answer is not Discord's own: its edge network, or a proxy, refuses without a code, and
/// blocks for a while with 40333.
fn is_edge(status: u16, code: Option<u64>) -> bool {
    code == Some(40333) || (code.is_none() && matches!(status, 403 | 404))
}

/// What to tell of a place that takes nothing any more.
fn gone(code: u64) -> Option<&'static str> {
    match code {
        10003 => Some("the channel or thread was deleted"),
        10008 => Some("the message was deleted"),
        50001 => Some("the bot cannot see the channel"),
        50013 => Some("the bot lacks the permission to write in the channel"),
        50083 => Some("the thread is archived and locked"),
        160_005 => Some("the thread is locked"),
        _ => None,
    }
}

/// What carries an id of its own, or changes nothing when it is done twice, is simply done again.
fn uncertain(verb: Verb, message: String) -> DeliveryError {
    match verb {
        Verb::Post => DeliveryError::Unknown(message),
        Verb::Edit | Verb::Thread | Verb::Sign | Verb::Read => transient(None, message),
    }
}

fn transient(retry_after: Option<Duration>, message: String) -> DeliveryError {
    DeliveryError::Transient {
        retry_after,
        message,
    }
}

fn short(message: &str) -> String {
    message.chars().take(MESSAGE_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn what_failures_mean() {
        let refused = |status, code| Failure::Refused {
            status,
            code,
            message: "said so".to_owned(),
        };
        let cases = [
            refused(400, Some(50035)),
            refused(400, Some(50006)),
            refused(401, Some(0)),
            refused(403, None),
            refused(403, Some(40333)),
            refused(403, Some(50001)),
            refused(403, Some(50013)),
            refused(403, Some(160_005)),
            refused(403, Some(20012)),
            refused(400, Some(50083)),
            refused(400, Some(50024)),
            refused(400, Some(160_006)),
            refused(403, Some(90001)),
            refused(404, None),
            refused(404, Some(10003)),
            refused(404, Some(10008)),
            refused(405, None),
            refused(500, None),
            refused(503, Some(0)),
            Failure::Limited {
                retry_after: Duration::from_secs(7),
                message: "slow".to_owned(),
            },
            Failure::NotSent("refused".to_owned()),
            Failure::Unknown("reset".to_owned()),
        ];
        let mut shown = String::new();
        for failure in cases {
            writeln!(shown, "{failure:?}, passing {}", failure.is_passing()).unwrap();
            for verb in [Verb::Post, Verb::Thread, Verb::Sign] {
                writeln!(shown, "  {verb:?}: {:?}", failure.clone().delivery(verb)).unwrap();
            }
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn answers_that_are_not_discords() {
        assert_eq!(
            of_answer(StatusCode::BAD_GATEWAY, b"<html>"),
            Failure::Refused {
                status: 502,
                code: None,
                message: "502 Bad Gateway".to_owned(),
            }
        );
        let long = format!(r#"{{"code":1,"message":"{}"}}"#, "x".repeat(9000));
        let Failure::Refused { message, .. } = of_answer(StatusCode::BAD_REQUEST, long.as_bytes())
        else {
            panic!("an answer is a refusal");
        };
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
    }
}
