//! The log of the requests that reached the server.

use std::collections::VecDeque;
use std::fmt;

use serde_json::Value;

/// How many calls are kept; older ones are dropped, and still counted.
pub const CALL_LOG: usize = 20_000;

/// One REST request, logged when its outcome is settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method, in capitals.
    pub method: String,
    /// The path below the API's version, with a leading slash and without the query.
    pub path: String,
    /// The query string, without its question mark; empty if there was none.
    pub query: String,
    /// The JSON body; null if there was none. Of a multipart body, its `payload_json`.
    pub body: Value,
    /// The status that was answered; `None` where the connection was cut instead.
    pub status: Option<u16>,
    /// Discord's error code, where one was answered.
    pub code: Option<u32>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("cut")?,
        }
        write!(f, " {} {}", self.method, self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        if let Some(code) = self.code {
            write!(f, " error {code}")?;
        }
        if !self.body.is_null() {
            let body: String = self.body.to_string().chars().take(300).collect();
            write!(f, " {body}")?;
        }
        Ok(())
    }
}

/// The last [`CALL_LOG`] calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    kept: VecDeque<Call>,
}

impl Calls {
    pub(super) fn push(&mut self, call: Call) {
        if self.kept.len() == CALL_LOG {
            self.kept.pop_front();
        }
        self.kept.push_back(call);
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.kept.iter()
    }
}

/// Whether a path fits a pattern in which `*` stands for one segment, and `**` at the end for all
/// that follow.
pub(super) fn path_matches(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut found = path.split('/');
    loop {
        match (wanted.next(), found.next()) {
            (None, None) | (Some("**"), _) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::path_matches;

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("/channels/*/messages", "/channels/1/messages", true),
            ("/channels/*/messages", "/channels/1/messages/2", false),
            ("/channels/*/messages", "/channels/1", false),
            ("/channels/7/typing", "/channels/1/typing", false),
            ("/channels/**", "/channels/1/messages/2", true),
            ("**", "/gateway/bot", true),
            ("/gateway", "/gateway", true),
        ] {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
