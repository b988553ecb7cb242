//! What is said on the control socket.

use serde::{Deserialize, Serialize};

use super::view::{
    DeadLetterView, ReloadView, RequestView, SentView, StatusView, StopView, TokenView,
};

/// The version of the protocol. A request of another version is refused.
const VERSION: u32 = 1;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub(crate) enum Verb {
    Status,
    Deliveries,
    Redeliver {
        delivery: String,
    },
    Requests,
    Answer {
        request: String,
        text: String,
        from: String,
    },
    Tokens,
    AddToken {
        token: TokenView,
        hash: [u8; 32],
    },
    RemoveToken {
        id: String,
    },
    Reload,
    Stop {
        now: bool,
    },
    Invite {
        scope: String,
    },
    Send {
        key: String,
        project: String,
        agent: Option<String>,
        text: String,
        from: String,
    },
    Sent {
        delivery: String,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Status(Box<StatusView>),
    Deliveries { deliveries: Vec<DeadLetterView> },
    Redelivered,
    Requests { requests: Vec<RequestView> },
    Answered,
    Tokens { tokens: Vec<TokenView> },
    TokenAdded,
    TokenRemoved { removed: bool },
    Reloaded(ReloadView),
    Stopping(StopView),
    Invited { link: String },
    Sent { delivery: String },
    SentSoFar(SentView),
    Refused { reason: String },
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    protocol: u32,
    #[serde(flatten)]
    said: T,
}

/// The version alone: the rest of another version may look like anything.
#[derive(Deserialize)]
struct VersionOnly {
    protocol: u32,
}

/// A request as a line.
pub(super) fn request(verb: &Verb) -> String {
    line(verb)
}

/// A reply as a line.
pub(super) fn reply(outcome: &Outcome) -> String {
    line(outcome)
}

fn line(said: &impl Serialize) -> String {
    let versioned = Versioned {
        protocol: VERSION,
        said,
    };
    let mut line = serde_json::to_string(&versioned).expect("names and numbers are JSON");
    line.push('\n');
    line
}

/// Reads a request, or says why it is none.
pub(super) fn parse(line: &[u8]) -> Result<Verb, String> {
    read(line)
}

/// Reads a reply, or says why it is none.
pub(super) fn parse_reply(line: &[u8]) -> Result<Outcome, String> {
    read(line)
}

fn read<T: for<'de> Deserialize<'de>>(line: &[u8]) -> Result<T, String> {
    let said: VersionOnly =
        serde_json::from_slice(line).map_err(|error| format!("this is no message: {error}"))?;
    if said.protocol != VERSION {
        let version = said.protocol;
        return Err(format!(
            "the other side speaks version {version} of the control protocol, this one {VERSION}: \
             use the mpgd that the gateway runs"
        ));
    }
    let said: Versioned<T> =
        serde_json::from_slice(line).map_err(|error| format!("not understood: {error}"))?;
    Ok(said.said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_back() {
        for verb in [
            Verb::Status,
            Verb::Deliveries,
            Verb::Redeliver {
                delivery: "x\n\"".to_owned(),
            },
            Verb::Requests,
            Verb::Answer {
                request: "x".to_owned(),
                text: "two\nlines".to_owned(),
                from: "ann".to_owned(),
            },
        ] {
            let line = request(&verb);
            assert_eq!(line.matches('\n').count(), 1, "{line:?}");
            assert_eq!(parse(line.trim_end().as_bytes()), Ok(verb));
        }
        for outcome in [
            Outcome::Status(Box::new(StatusView {
                pid: 1,
                version: "2".to_owned(),
                uptime_seconds: 3,
                draining: false,
                conversations: 4,
                turns: 5,
                queued: 6,
                owed_posts: 7,
                undelivered: 8,
                links: Vec::new(),
                active: Vec::new(),
            })),
            Outcome::Redelivered,
            Outcome::Answered,
            Outcome::Requests {
                requests: Vec::new(),
            },
            Outcome::Deliveries {
                deliveries: Vec::new(),
            },
            Outcome::Refused {
                reason: "x".to_owned(),
            },
        ] {
            let line = reply(&outcome);
            assert_eq!(parse_reply(line.trim_end().as_bytes()), Ok(outcome));
        }
    }

    #[test]
    fn what_is_no_request_of_this_version_is_refused_with_the_reason() {
        for (line, says) in [
            ("", "no message"),
            ("{}", "no message: missing field `protocol`"),
            (r#"{"protocol":2,"verb":"dance"}"#, "speaks version 2"),
            (
                r#"{"protocol":1,"verb":"dance"}"#,
                "not understood: unknown variant `dance`",
            ),
            (
                r#"{"protocol":1,"verb":"redeliver"}"#,
                "missing field `delivery`",
            ),
            ("\u{0}\u{1}", "no message"),
        ] {
            let reason = parse(line.as_bytes()).unwrap_err();
            assert!(reason.contains(says), "{line}: {reason}");
        }
    }
}
