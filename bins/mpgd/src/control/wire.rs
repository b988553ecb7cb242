//! What is said on the control socket.

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::gateway::{ActiveConversation, Activity, OpenRequest};
use mpg_core::message::Link;
use mpg_core::snapshot::DeadLetter;
use mpg_core::token::Token;
use mpg_engine::Status;
use serde::{Deserialize, Serialize};

use crate::sent::{Ending, Stage};

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
    Invited { link: String },
    Sent { delivery: String },
    SentSoFar(SentView),
    Refused { reason: String },
}

/// A configuration that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReloadView {
    /// What is different, for people.
    pub(crate) changes: Vec<String>,
    /// What takes effect at the next start only.
    pub(crate) needs_restart: Vec<String>,
}

/// What became of something that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentView {
    /// `posting`, `working`, `answered`, `failed`, `stopped`, `lost` or `unknown`.
    pub(crate) state: String,
    pub(crate) thread: Option<String>,
    /// What was answered, or why there is no answer.
    pub(crate) text: String,
}

impl SentView {
    pub(crate) fn new(found: Option<(Stage, String)>) -> Self {
        let Some((stage, text)) = found else {
            return Self {
                state: "unknown".to_owned(),
                thread: None,
                text: "the gateway was started again since, or much else was asked meanwhile; the \
                       answer comes in the channel\n"
                    .to_owned(),
            };
        };
        let (name, root, text) = match stage {
            Stage::Posting => ("posting", None, text),
            Stage::Working(root) => ("working", Some(root), text),
            Stage::Ended(root, Ending::Answered) => ("answered", Some(root), text),
            Stage::Ended(root, Ending::Failed) => ("failed", Some(root), text),
            Stage::Ended(root, Ending::Stopped) => ("stopped", Some(root), text),
            Stage::Lost(reason) => ("lost", None, format!("{reason}\n")),
        };
        Self {
            state: name.to_owned(),
            thread: root.map(|root| root.to_string()),
            text,
        }
    }
}

/// What the gateway is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusView {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) uptime_seconds: u64,
    pub(crate) draining: bool,
    pub(crate) conversations: usize,
    pub(crate) turns: u32,
    pub(crate) queued: usize,
    pub(crate) owed_posts: usize,
    pub(crate) undelivered: usize,
    pub(crate) links: Vec<LinkView>,
    pub(crate) active: Vec<ActiveView>,
}

/// The connection to a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkView {
    pub(crate) platform: String,
    pub(crate) connected: bool,
    pub(crate) state: String,
}

/// A conversation that does something or has an agent ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActiveView {
    pub(crate) conversation: String,
    pub(crate) project: String,
    pub(crate) session: Option<String>,
    pub(crate) activity: String,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) queued: usize,
}

/// A post that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadLetterView {
    pub(crate) id: String,
    pub(crate) thread: String,
    pub(crate) kind: String,
    pub(crate) given_up_at: String,
    pub(crate) reason: String,
    pub(crate) text: String,
}

/// Something that waits for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestView {
    pub(crate) id: String,
    pub(crate) conversation: String,
    pub(crate) project: String,
    pub(crate) turn: String,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) text: String,
    pub(crate) how: String,
    pub(crate) asked_at: String,
    pub(crate) until: String,
}

impl RequestView {
    pub(crate) fn new(open: &OpenRequest, now: Timestamp) -> Self {
        Self {
            id: open.ask.id.to_string(),
            conversation: open.conversation.to_string(),
            project: open.project.to_string(),
            turn: open.turn.to_string(),
            kind: open.ask.about.name().to_owned(),
            summary: open.summary.clone(),
            text: open.text(),
            how: open.how(now),
            asked_at: open.ask.at.to_string(),
            until: open.until.to_string(),
        }
    }
}

/// What lets programs in, without what is secret about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenView {
    pub(crate) id: String,
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) expires_at: Option<String>,
}

impl TokenView {
    pub(crate) fn new(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            scope: token.scope.name().to_owned(),
            name: token.name.clone(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}

impl StatusView {
    pub(crate) fn new(status: &Status, uptime: Duration) -> Self {
        let overview = &status.overview;
        Self {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: uptime.as_secs(),
            draining: status.draining,
            conversations: overview.conversations,
            turns: overview.turns,
            queued: overview.queued,
            owed_posts: overview.posts,
            undelivered: status.dead_letters.len(),
            links: status
                .links
                .iter()
                .map(|(platform, link)| LinkView {
                    platform: platform.to_string(),
                    connected: is_connected(link),
                    state: link.to_string(),
                })
                .collect(),
            active: overview.active.iter().map(ActiveView::new).collect(),
        }
    }
}

impl ActiveView {
    fn new(active: &ActiveConversation) -> Self {
        let (activity, since, until) = match active.activity {
            Activity::Working(since) => ("working", since, None),
            Activity::Ready(since) => ("ready", Some(since), None),
            Activity::Waiting => ("waiting", None, None),
            Activity::Parked(parked) => ("parked", None, parked.until),
        };
        Self {
            conversation: active.conversation.to_string(),
            project: active.project.to_string(),
            session: active.session.map(|session| session.to_string()),
            activity: activity.to_owned(),
            since: since.map(|since| since.to_string()),
            until: until.map(|until| until.to_string()),
            queued: active.queued,
        }
    }
}

impl DeadLetterView {
    pub(crate) fn new(letter: &DeadLetter) -> Self {
        Self {
            id: letter.post.id.to_string(),
            thread: letter.root.to_string(),
            kind: letter.post.kind.name().to_owned(),
            given_up_at: letter.at.to_string(),
            reason: letter.reason.clone(),
            text: letter.post.text.clone(),
        }
    }
}

/// Whether messages come in over a link.
pub(crate) fn is_connected(link: &Link) -> bool {
    match link {
        Link::Connected | Link::Resumed => true,
        Link::Degraded { .. } | Link::Failed { .. } => false,
    }
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
