//! Who did what and when: what the audit log keeps.
//!
//! A [`Deed`] follows from a record and from who brought it about, and is stored in the same commit.
//! Nothing follows from it.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::id::{AgentName, PlatformId, ProjectName, RootId, UserId};
use crate::message::Author;
use crate::port::StoreError;

/// How much of a name or a subject is kept, in characters.
const LONGEST: usize = 300;

/// Who does something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// Somebody on a platform.
    Person {
        /// The platform.
        platform: PlatformId,
        /// Their id there.
        id: UserId,
        /// What they were called then.
        name: String,
    },
    /// The holder of a token.
    Token {
        /// The token's id, which is not secret.
        id: String,
        /// What it is called.
        name: String,
    },
    /// Somebody at the command line of the gateway's own machine.
    Local {
        /// The user of the machine.
        user: String,
    },
    /// Whoever it was: the platform only tells that it happened.
    Platform(PlatformId),
    /// The gateway by itself, because time passed or something ended.
    #[default]
    Gateway,
}

impl Actor {
    /// The author of something on a platform.
    pub fn person(platform: &PlatformId, author: &Author) -> Self {
        Self::Person {
            platform: platform.clone(),
            id: author.id.clone(),
            name: cut(&author.name),
        }
    }

    /// One word for stores and lists.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Token { .. } => "token",
            Self::Local { .. } => "local",
            Self::Platform(_) => "platform",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { platform, id, name } => write!(f, "{name} ({platform}:{id})"),
            Self::Token { id, name } => write!(f, "token {name} ({id})"),
            Self::Local { user } => write!(f, "{user} at the command line"),
            Self::Platform(platform) => write!(f, "somebody on {platform}"),
            Self::Gateway => f.write_str("the gateway"),
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// An agent was asked something.
    Asked,
    /// People were told something.
    Told,
    /// What waits was changed.
    Edited,
    /// What waited was taken back.
    Dropped,
    /// Somebody wanted something that they may not have.
    Refused,
    /// A command was given.
    Commanded,
    /// A turn was stopped.
    Stopped,
    /// A session was ended.
    EndedSession,
    /// It was chosen how an agent works.
    Chose,
    /// It was chosen how much is shown.
    ChoseVerbosity,
    /// What an agent wanted was allowed.
    Allowed,
    /// It was denied.
    Denied,
    /// What an agent asked was answered.
    Answered,
    /// Nobody answered in time.
    LeftOpen,
    /// Something is allowed for as long as a session lasts.
    AllowedInSession,
    /// Something is allowed in a project for good.
    AddedRule,
    /// It is not any more.
    RemovedRule,
    /// Limits on tools were lifted.
    LiftedLimits,
    /// They are in force again.
    RestoredLimits,
    /// What a project may cost was lifted for a day.
    LiftedBudget,
    /// A post that was given up is posted again.
    Redelivered,
    /// Another configuration is in force.
    Reconfigured,
    /// Others than before may use a project, or do more in it.
    ChangedAccess,
    /// A token was made.
    MadeToken,
    /// A token was revoked.
    RevokedToken,
}

impl Act {
    /// All acts.
    pub const ALL: [Self; 25] = [
        Self::Asked,
        Self::Told,
        Self::Edited,
        Self::Dropped,
        Self::Refused,
        Self::Commanded,
        Self::Stopped,
        Self::EndedSession,
        Self::Chose,
        Self::ChoseVerbosity,
        Self::Allowed,
        Self::Denied,
        Self::Answered,
        Self::LeftOpen,
        Self::AllowedInSession,
        Self::AddedRule,
        Self::RemovedRule,
        Self::LiftedLimits,
        Self::RestoredLimits,
        Self::LiftedBudget,
        Self::Redelivered,
        Self::Reconfigured,
        Self::ChangedAccess,
        Self::MadeToken,
        Self::RevokedToken,
    ];

    /// A word for stores and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Told => "told",
            Self::Edited => "edited",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
            Self::Commanded => "command",
            Self::Stopped => "stopped",
            Self::EndedSession => "session-ended",
            Self::Chose => "chose",
            Self::ChoseVerbosity => "verbosity",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Answered => "answered",
            Self::LeftOpen => "unanswered",
            Self::AllowedInSession => "session-rule",
            Self::AddedRule => "rule-added",
            Self::RemovedRule => "rule-removed",
            Self::LiftedLimits => "limits-lifted",
            Self::RestoredLimits => "limits-restored",
            Self::LiftedBudget => "budget-lifted",
            Self::Redelivered => "redelivered",
            Self::Reconfigured => "reconfigured",
            Self::ChangedAccess => "access-changed",
            Self::MadeToken => "token-made",
            Self::RevokedToken => "token-revoked",
        }
    }
}

/// A text that somebody wrote, or of which an agent wants to know whether it may do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// As it is.
    Plain(String),
    /// Its SHA-256.
    Hash([u8; 32]),
}

impl Text {
    /// A text as it is kept.
    pub fn kept(text: &str, plain: bool) -> Self {
        if plain {
            return Self::Plain(text.to_owned());
        }
        Self::Hash(Sha256::digest(text).into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Hash(hash) => {
                f.write_str("sha256:")?;
                hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub act: Act,
    /// In which project, where there is one.
    pub project: Option<ProjectName>,
    /// In which thread, where there is one.
    pub root: Option<RootId>,
    /// Which agent it is about, where that has a name.
    pub agent: Option<AgentName>,
    /// More about it: an id, a rule, a setting. Nothing that people wrote to an agent.
    pub about: String,
    /// What was written.
    pub text: Option<Text>,
}

impl Deed {
    /// A deed that is about nothing in particular.
    pub fn new(at: Timestamp, actor: Actor, act: Act, about: impl AsRef<str>) -> Self {
        Self {
            at,
            actor,
            act,
            project: None,
            root: None,
            agent: None,
            about: cut(about.as_ref()),
            text: None,
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.actor, self.act.name())?;
        if !self.about.is_empty() {
            write!(f, " {}", self.about)?;
        }
        match (&self.root, &self.project) {
            (Some(root), _) => write!(f, " in {root}")?,
            (None, Some(project)) => write!(f, " in {project}")?,
            (None, None) => {}
        }
        if let Some(agent) = &self.agent {
            write!(f, " @{agent}")?;
        }
        if let Some(text) = &self.text {
            write!(f, " {text}")?;
        }
        Ok(())
    }
}

/// Looks at the audit log, beside the gateway that goes on writing it.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync {
    /// The newest entries before the one with a number, or of all, the newest first, at most `limit`.
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<Audited>, StoreError>;
}

/// An entry of the log, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Its number: each is one higher than that of the entry before.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What it says, as a JSON object.
    pub body: String,
    /// The SHA-256 over the hash of the entry before, its number, its time and what it says, in
    /// hexadecimal digits.
    pub hash: String,
}

/// The beginning of a name or a subject, on one line.
pub(crate) fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_act_has_a_word_of_its_own() {
        let names: BTreeSet<&str> = Act::ALL.into_iter().map(Act::name).collect();
        assert_eq!(names.len(), Act::ALL.len());
    }

    #[test]
    fn a_text_is_a_hash_unless_it_is_to_be_kept() {
        assert_eq!(Text::kept("x", true), Text::Plain("x".to_owned()));
        let hash = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(Text::kept("x", false).to_string(), hash);
    }

    #[test]
    fn a_subject_is_one_short_line() {
        let deed = Deed::new(
            Timestamp::UNIX_EPOCH,
            Actor::Gateway,
            Act::Chose,
            format!("a\nb{}", "x".repeat(1_000)),
        );
        assert!(deed.about.starts_with("a b"));
        assert_eq!(deed.about.chars().count(), LONGEST);
    }
}
