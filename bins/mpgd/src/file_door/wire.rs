//! What is said at the door.

use serde::{Deserialize, Serialize};

/// What an agent wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) token: String,
    /// Where the command was given.
    pub(crate) directory: String,
    /// The files, from there.
    pub(crate) paths: Vec<String>,
    /// What is said about them.
    #[serde(default)]
    pub(crate) caption: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// The names and sizes of the files.
    Taken { files: Vec<(String, u64)> },
    /// None of them was taken.
    Refused { reason: String },
}

/// A request as a line.
pub(crate) fn request_line(request: &Request) -> String {
    line(request)
}

pub(super) fn reply_line(reply: &Reply) -> String {
    line(reply)
}

fn line(said: &impl Serialize) -> String {
    let mut line = serde_json::to_string(said).expect("texts and numbers are JSON");
    line.push('\n');
    line
}

pub(super) fn parse_request(line: &[u8]) -> Result<Request, String> {
    serde_json::from_slice(line).map_err(|error| format!("not understood: {error}"))
}

/// Reads a reply, or says why it is none.
pub(crate) fn parse_reply(line: &[u8]) -> Result<Reply, String> {
    serde_json::from_slice(line).map_err(|error| format!("not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_back() {
        let request = Request {
            token: "t".to_owned(),
            directory: "/a b".to_owned(),
            paths: vec!["x\n\"".to_owned()],
            caption: "é".to_owned(),
        };
        let line = request_line(&request);
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert_eq!(parse_request(line.trim_end().as_bytes()), Ok(request));
        for reply in [
            Reply::Taken {
                files: vec![("a".to_owned(), 1)],
            },
            Reply::Refused {
                reason: "no".to_owned(),
            },
        ] {
            let line = reply_line(&reply);
            assert_eq!(parse_reply(line.trim_end().as_bytes()), Ok(reply));
        }
        assert!(parse_request(b"{\"token\":\"t\"}").is_err());
    }
}
