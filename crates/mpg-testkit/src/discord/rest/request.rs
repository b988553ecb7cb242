//! A request as the handlers read it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::multipart;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;

/// A body: its JSON, and the files that came beside it.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) json: Value,
    pub(super) files: Vec<Upload>,
}

/// A file that was uploaded.
#[derive(Debug, PartialEq)]
pub(super) struct Upload {
    /// The number in its field's name, `files[0]`.
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Payload {
    /// Reads a body by its content type.
    pub(super) fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if let Some(boundary) = multipart::boundary(kind) {
            return multipart::read(bytes, boundary).ok_or_else(Refusal::invalid_json);
        }
        if !kind.starts_with("application/json") {
            return Err(Refusal::content_type());
        }
        let json = serde_json::from_slice(bytes).map_err(|_| Refusal::invalid_json())?;
        Ok(Self {
            json,
            files: Vec::new(),
        })
    }
}

/// A request with its path taken apart.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
    pub(super) files: Vec<Upload>,
}

impl<'a> Request<'a> {
    pub(super) fn new(method: &'a str, path: &str, query: &str, payload: Payload) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self {
            method,
            segments: path.split('/').skip(1).map(decode).collect(),
            query: pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
            body: payload.json,
            files: payload.files,
        }
    }

    /// A snowflake in the query.
    pub(super) fn query_id(&self, name: &str) -> Result<Option<Snowflake>, Refusal> {
        self.query.get(name).map(|text| id(text, name)).transpose()
    }

    /// `limit` in the query, between 1 and `max`.
    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.query.get("limit") else {
            return Ok(default);
        };
        let Ok(limit) = text.parse::<i64>() else {
            let message = format!("Value \"{text}\" is not int.");
            return Err(Refusal::form("limit", "NUMBER_TYPE_COERCE", message));
        };
        if limit < 1 {
            let message = "int value should be greater than or equal to 1.";
            return Err(Refusal::form("limit", "NUMBER_TYPE_MIN", message));
        }
        match usize::try_from(limit) {
            Ok(limit) if limit <= max => Ok(limit),
            Ok(_) | Err(_) => {
                let message = format!("int value should be less than or equal to {max}.");
                Err(Refusal::form("limit", "NUMBER_TYPE_MAX", message))
            }
        }
    }
}

/// Reads an id in a path, a query or a body.
pub(super) fn id(text: &str, field: &str) -> Result<Snowflake, Refusal> {
    text.parse().map_err(|_| {
        let message = format!("Value \"{text}\" is not snowflake.");
        Refusal::form(field, "NUMBER_TYPE_COERCE", message)
    })
}

/// Undoes percent encoding; what is not UTF-8 then is replaced.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decode;

    #[test]
    fn percent_encoding() {
        for (text, expected) in [
            ("%F0%9F%91%80", "👀"),
            ("@me", "@me"),
            ("a%3A1", "a:1"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%é", "%é"),
        ] {
            assert_eq!(decode(text), expected);
        }
    }

    proptest! {
        #[test]
        fn encoded_text_comes_back(text in ".{0,20}") {
            let encoded = text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
            prop_assert_eq!(decode(&encoded), text);
        }

        #[test]
        fn any_text_decodes_to_no_more(text in "[%0-9a-fé]{0,20}") {
            // A byte that is not UTF-8 becomes a replacement character of three.
            prop_assert!(decode(&text).len() <= text.len());
        }
    }
}
