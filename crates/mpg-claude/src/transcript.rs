//! What the CLI writes down of a session, read to see whether somebody else went on with it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use mpg_core::id::SessionId;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::spawn_blocking;
use uuid::{Uuid, Version};

/// How much of the end is read first. It is read again, and more of it, until a prompt is in it.
const FIRST: u64 = 64 * 1024;

/// How much of the end is read at most: a turn that wrote more is taken for ours.
const MOST: u64 = 16 * 1024 * 1024;

/// How much more is read each time.
const MORE: u64 = 8;

/// What the CLI writes in place of a prompt where a turn was interrupted (seen: 2.1.197).
const INTERRUPTED: &str = "[Request interrupted";

/// What the CLI writes of a command that it carries out itself, such as `/context`: under an id of its
/// own, whoever gave it, and as a prompt (seen: 2.1.197). A command that makes the model work begins
/// with its message.
const CARRIED_OUT: &str = "<command-name>";

/// Where a session's transcript is.
///
/// It is one file of JSON lines below `projects` in the CLI's own directory, in a folder that is named
/// after the session's directory (seen: 2.1.197).
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    projects: Option<PathBuf>,
    session: SessionId,
    /// The file, once it was found.
    file: Arc<OnceLock<PathBuf>>,
}

impl Transcript {
    /// The transcript that a CLI with this environment writes.
    pub(crate) fn of(session: SessionId, environment: &BTreeMap<String, String>) -> Self {
        let own = environment.get("CLAUDE_CONFIG_DIR").map(PathBuf::from);
        let below_home = || Some(Path::new(environment.get("HOME")?).join(".claude"));
        Self {
            projects: own.or_else(below_home).map(|own| own.join("projects")),
            session,
            file: Arc::default(),
        }
    }

    /// Where it is; `None` where it is not, or its path is no text.
    pub(crate) async fn path(&self) -> Option<String> {
        let transcript = self.clone();
        let found = spawn_blocking(move || {
            let path = transcript.file()?;
            path.to_str().map(str::to_owned)
        });
        found.await.ok().flatten()
    }

    /// Where it is, if it is there. This looks, and blocks.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.find().ok()?.map(Path::to_owned)
    }

    /// Whether the newest prompt in it is none that a gateway made. What cannot be read is taken for
    /// ours.
    pub(crate) async fn went_on_elsewhere(&self) -> bool {
        let transcript = self.clone();
        let looked = spawn_blocking(move || transcript.look());
        match looked.await {
            Ok(Ok(elsewhere)) => elsewhere,
            Ok(Err(error)) => {
                tracing::debug!(session = %self.session, %error, "a transcript is not read");
                false
            }
            Err(_) => false,
        }
    }

    fn look(&self) -> io::Result<bool> {
        let Some(path) = self.find()? else {
            return Ok(false);
        };
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut wanted = FIRST;
        loop {
            let begin = length.saturating_sub(wanted);
            file.seek(SeekFrom::Start(begin))?;
            let mut end = Vec::new();
            file.by_ref().take(wanted).read_to_end(&mut end)?;
            if let Some(prompt) = newest_prompt(&end, begin == 0) {
                return Ok(!is_of_a_gateway(&prompt));
            }
            if begin == 0 || wanted >= MOST {
                return Ok(false);
            }
            wanted = wanted.saturating_mul(MORE).min(MOST);
        }
    }

    fn find(&self) -> io::Result<Option<&Path>> {
        if let Some(file) = self.file.get() {
            return Ok(Some(file));
        }
        let Some(projects) = &self.projects else {
            return Ok(None);
        };
        let name = format!("{}.jsonl", self.session);
        for project in fs::read_dir(projects)? {
            let file = project?.path().join(&name);
            if file.is_file() {
                return Ok(Some(self.file.get_or_init(|| file)));
            }
        }
        Ok(None)
    }
}

/// Submissions have ids that are derived; those that the CLI makes itself are random.
fn is_of_a_gateway(prompt: &str) -> bool {
    Uuid::parse_str(prompt).is_ok_and(|id| id.get_version() == Some(Version::Sha1))
}

/// The id of the newest prompt in the end of a transcript. A line that is not whole is none.
fn newest_prompt(end: &[u8], is_all: bool) -> Option<String> {
    let mut lines = end.split(|byte| *byte == b'\n');
    if !is_all {
        lines.next();
    }
    lines.rev().find_map(prompt)
}

fn prompt(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        r#type: String,
        uuid: Option<String>,
        message: Option<Message>,
        #[serde(default)]
        is_sidechain: bool,
        #[serde(default)]
        is_meta: bool,
        #[serde(default)]
        is_compact_summary: bool,
    }
    #[derive(Deserialize)]
    struct Message {
        content: Value,
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let aside = line.is_sidechain || line.is_meta || line.is_compact_summary;
    let said = line.message.as_ref().map(|message| &message.content);
    (line.r#type == "user" && !aside && said.is_some_and(is_said))
        .then_some(line.uuid)
        .flatten()
}

/// Whether it is what somebody said to the model: not what a tool gave back, and not that somebody
/// interrupted.
fn is_said(content: &Value) -> bool {
    let Some(parts) = content.as_array() else {
        return content
            .as_str()
            .is_some_and(|text| !text.starts_with(INTERRUPTED) && !text.starts_with(CARRIED_OUT));
    };
    let text = |part: &Value| part["text"].as_str().map(str::to_owned);
    let interrupted = |text: String| text.starts_with(INTERRUPTED);
    !parts.is_empty()
        && parts.iter().all(|part| part["type"] != "tool_result")
        && !parts.iter().filter_map(text).any(interrupted)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    const OURS: &str = "c4464b0c-e1a5-5061-b358-86570d27f255";
    const THEIRS: &str = "945ab7c9-2c6a-4cc5-92f4-1ccf8b750102";

    fn line(uuid: &str, content: &Value) -> Value {
        json!({"type": "user", "uuid": uuid, "isSidechain": false, "message": {"content": content}})
    }

    fn lines(lines: &[Value]) -> Vec<u8> {
        let lines = lines.iter().map(|line| format!("{line}\n"));
        lines.collect::<String>().into_bytes()
    }

    #[test]
    fn the_newest_prompt_counts() {
        let ours = line(OURS, &json!("ask"));
        let theirs = line(THEIRS, &json!([{"type": "text", "text": "typed"}]));
        let answer = json!({"type": "assistant", "uuid": THEIRS, "message": {"content": []}});
        let result = line(THEIRS, &json!([{"type": "tool_result", "content": "x"}]));
        let stopped = line(
            THEIRS,
            &json!([{"type": "text", "text": "[Request interrupted by user]"}]),
        );
        let mut meta = line(THEIRS, &json!("told"));
        meta["isMeta"] = true.into();
        let mut aside = line(THEIRS, &json!("a task of an agent's own"));
        aside["isSidechain"] = true.into();
        let queued = json!({"type": "queue-operation", "content": "typed"});
        let command = line(
            THEIRS,
            &json!("<command-name>/context</command-name>\n<command-args></command-args>"),
        );
        let skill = line(
            THEIRS,
            &json!("<command-message>init</command-message>\n<command-name>/init</command-name>"),
        );
        for (written, newest) in [
            (vec![], None),
            (vec![answer.clone()], None),
            (vec![ours.clone(), answer.clone(), result], Some(OURS)),
            (vec![ours.clone(), stopped, meta, aside, queued], Some(OURS)),
            (vec![ours.clone(), command], Some(OURS)),
            (vec![ours.clone(), skill], Some(THEIRS)),
            (vec![ours.clone(), theirs.clone(), answer], Some(THEIRS)),
            (vec![theirs, ours], Some(OURS)),
        ] {
            let end = lines(&written);
            assert_eq!(newest_prompt(&end, true).as_deref(), newest, "{written:?}");
        }
        assert!(is_of_a_gateway(OURS));
        assert!(!is_of_a_gateway(THEIRS) && !is_of_a_gateway("no id"));
    }

    #[test]
    fn what_is_long_is_read_from_its_end() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".claude/projects/-srv");
        fs::create_dir_all(&folder).unwrap();
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        let environment =
            BTreeMap::from([("HOME".to_owned(), home.path().to_str().unwrap().to_owned())]);
        let transcript = Transcript::of(session, &environment);
        assert!(!transcript.look().unwrap(), "there is none");
        let mut file = File::create(folder.join(format!("{session}.jsonl"))).unwrap();
        let long = line(
            THEIRS,
            &json!([{"type": "tool_result", "content": "x".repeat(300_000)}]),
        );
        let write = |file: &mut File, written: &[Value]| {
            file.write_all(&lines(written)).unwrap();
            transcript.look().unwrap()
        };
        let (ours, theirs) = (line(OURS, &json!("ask")), line(THEIRS, &json!("typed")));
        assert!(!write(&mut file, &[ours.clone(), long.clone()]));
        assert!(write(&mut file, &[theirs, long.clone()]));
        assert!(!write(&mut file, &[ours, long]));
        file.write_all(b"{\"type\":\"user\",\"uu").unwrap();
        assert!(!transcript.look().unwrap(), "a line that is being written");
    }
}
