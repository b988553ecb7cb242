//! The sessions of the predecessor, taken over into a state so that their conversations go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::config::{Config, Project};
use mpg_core::id::{
    AgentName, ChannelKey, ConversationId, MessageId, MessageRef, Place, RootId, SessionId,
    ThreadId, TurnId, UserId,
};
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::{Origin, QueuedTurn, Session, Snapshot};
use serde_json::Value;

use crate::exit::Failure;

/// The longest file of sessions that is read, in bytes.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// Where sessions are beside a configuration file, the first that is there.
const NAMES: [&str; 2] = ["sessions.json", ".sessions.json"];

/// What becomes of the predecessor's sessions.
#[derive(Debug, Default)]
pub(crate) struct Adoption {
    /// What makes them sessions of this gateway.
    pub(crate) records: Vec<Record>,
    /// How many are taken over.
    pub(crate) taken: usize,
    /// What is not, and why.
    pub(crate) left: Vec<String>,
}

/// The file of sessions that belongs to a configuration file.
pub(crate) fn beside(config: &Path) -> Option<PathBuf> {
    let directory = config.parent()?;
    let mut files = NAMES.iter().map(|name| directory.join(name));
    files.find(|file| file.is_file())
}

/// Reads a file of sessions: a list in JSON.
pub(crate) fn read(path: &Path) -> Result<Vec<Value>, Failure> {
    let what = || format!("the sessions in {} cannot be read", path.display());
    let file = fs::File::open(path).map_err(Failure::io(what()))?;
    let mut text = String::new();
    file.take(MAX_LENGTH)
        .read_to_string(&mut text)
        .map_err(Failure::io(what()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Array(sessions)) => Ok(sessions),
        Ok(_) => Err(Failure::NoConfig(format!("{}: it is no list", what()))),
        Err(error) => Err(Failure::NoConfig(format!("{}: {error}", what()))),
    }
}

/// Says which sessions go on here. Each keeps the directory that it began in, because it can be
/// resumed only there; what is in the state already stays as it is.
pub(crate) fn adopt(
    sessions: &[Value],
    config: &Config,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Adoption {
    let mut adoption = Adoption::default();
    let mut found: BTreeMap<ConversationId, Found> = BTreeMap::new();
    for session in sessions {
        match find(session, config, snapshot, now) {
            Ok(session) => {
                let newer = found
                    .get(&session.conversation)
                    .is_none_or(|other| other.at < session.at);
                if newer {
                    found.insert(session.conversation.clone(), session);
                }
            }
            Err(why) => adoption.left.push(why),
        }
    }
    // In the order of their use, so that the agent that was used last is the one that goes on.
    let mut found: Vec<Found> = found.into_values().collect();
    found.sort_by_key(|session| session.at);
    let mut ids = BTreeSet::new();
    let mut bound: BTreeSet<RootId> = snapshot.threads.keys().cloned().collect();
    for session in found {
        if !ids.insert(session.session) {
            let conversation = &session.conversation;
            let left = format!("the session of {conversation}: another thread has it too");
            adoption.left.push(left);
            continue;
        }
        adoption.taken += 1;
        let is_first = bound.insert(session.conversation.root.clone());
        adoption.records.extend(session.records(snapshot, is_first));
    }
    adoption
}

/// A session that can be taken over.
struct Found {
    conversation: ConversationId,
    place: Place,
    session: SessionId,
    directory: String,
    at: Timestamp,
}

impl Found {
    /// A session is bound to a conversation that had a turn: one that has ended, of no text.
    fn records(self, snapshot: &Snapshot, bind: bool) -> Vec<Record> {
        let Self {
            conversation,
            place,
            session,
            directory,
            at,
        } = self;
        let cause = MessageRef {
            place: place.clone(),
            message: MessageId::new(format!("session-{session}")),
        };
        let turn = TurnId::of_message(snapshot.installation, &cause, conversation.agent.as_ref());
        let bound = bind.then(|| Record::ThreadBound {
            root: conversation.root.clone(),
            place,
            at,
        });
        let rest = [
            Record::TurnQueued {
                conversation: conversation.clone(),
                turn: QueuedTurn {
                    id: turn,
                    cause,
                    author: UserId::new("import"),
                    prompt: String::new(),
                    attachments: Vec::new(),
                    at,
                    origin: Origin::Person,
                },
            },
            Record::SessionBound {
                conversation: conversation.clone(),
                session: Session {
                    id: session,
                    directory,
                    answered: true,
                    allowed: Vec::new(),
                    forked_from: None,
                },
            },
            Record::TurnStarted {
                conversation: conversation.clone(),
                turn,
                attempt: 1,
                continues: false,
                at,
            },
            Record::TurnEnded {
                conversation,
                turn,
                outcome: TurnOutcome::Answered,
                usage: Usage::default(),
                at,
            },
        ];
        bound.into_iter().chain(rest).collect()
    }
}

fn find(
    session: &Value,
    config: &Config,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Found, String> {
    let text = |name: &str| session.get(name).and_then(Value::as_str);
    let key = text("projectKey").unwrap_or_default();
    let shown: String = key.chars().filter(|c| !c.is_control()).take(80).collect();
    let left = |why: &str| format!("the session of {shown:?}: {why}");
    let (thread, agent) = match key.split_once(':') {
        Some((thread, agent)) => (thread, Some(AgentName::new(agent.to_lowercase()))),
        None => (key, None),
    };
    if thread.is_empty() || !thread.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(left("its key names no thread"));
    }
    let id = text("sessionId").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| left("its id is none that claude knows"))?;
    let at = session.get("lastActivity").and_then(milliseconds);
    let at = at.ok_or_else(|| left("it does not say when it was used"))?;
    let age = now.duration_since(at);
    if age.unsigned_abs() > config.limits.session_ttl && age.is_positive() {
        return Err(left("it was not used for longer than `session-ttl`"));
    }
    let cwd = text("cwd").unwrap_or_default();
    let directory = text("worktreePath").unwrap_or(cwd);
    if !Path::new(directory).is_absolute() || !Path::new(directory).is_dir() {
        return Err(left(
            "the directory that it began in, and can only be resumed in, is not there any more",
        ));
    }
    let home = text("projectDir").unwrap_or(cwd);
    let channel = channel(config, thread, home, cwd).map_err(|why| left(&why))?;
    if let Some(agent) = &agent {
        let project = config.routing.project_of(&channel);
        let known = project.is_some_and(|project| project.agents.contains_key(agent));
        if !known {
            return Err(left("its project has no agent of this name"));
        }
    }
    let place = if channel.channel.as_str() == thread {
        Place::channel(channel)
    } else {
        Place::thread(channel, ThreadId::new(thread))
    };
    let conversation = ConversationId {
        root: RootId::of_place(&place),
        agent,
    };
    if snapshot.conversation(&conversation).is_some() {
        return Err(left("this gateway has a conversation there already"));
    }
    Ok(Found {
        conversation,
        place,
        session: SessionId::from_uuid(id),
        directory: directory.to_owned(),
        at,
    })
}

/// The channel that a thread belongs to. The predecessor does not write it down, but the directory
/// of the project says it, where only one channel leads there.
fn channel(config: &Config, thread: &str, home: &str, cwd: &str) -> Result<ChannelKey, String> {
    let channels = config.routing.channels();
    let own = channels.map(|(channel, _)| channel).find(|channel| {
        channel.platform.as_str() == mpg_discord::PLATFORM && channel.channel.as_str() == thread
    });
    if let Some(own) = own {
        return Ok(own.clone());
    }
    let works_there = |project: &&Arc<Project>| {
        let directory = project.directory.as_str();
        let worktrees = format!("{directory}/.worktrees/");
        same(directory, home) || same(directory, cwd) || cwd.starts_with(&worktrees)
    };
    let projects = config.routing.projects().filter(works_there);
    let channels: Vec<&ChannelKey> = projects
        .flat_map(|project| &project.channels)
        .filter(|channel| channel.platform.as_str() == mpg_discord::PLATFORM)
        .collect();
    match channels.as_slice() {
        [channel] => Ok((*channel).clone()),
        [] => Err("no project works in its directory".to_owned()),
        [..] => Err("several channels lead to its directory, and it does not say which".to_owned()),
    }
}

fn same(a: &str, b: &str) -> bool {
    let real = |path: &str| fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    a == b || real(a) == real(b)
}

fn milliseconds(value: &Value) -> Option<Timestamp> {
    let whole = value.as_i64().or_else(|| {
        // JavaScript writes some whole numbers with a fraction of zero.
        let text = value.as_f64()?.to_string();
        text.split('.').next()?.parse().ok()
    });
    Timestamp::from_millisecond(whole?).ok()
}
