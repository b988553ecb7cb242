//! Bodies with files: `multipart/form-data` with a part `payload_json` and parts `files[n]`.

use serde_json::Value;

use super::request::{Payload, Upload};

/// How many files a message takes: Discord's own limit.
const FILES: usize = 10;

/// The boundary that a content type names, if it is multipart.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    Some(boundary.trim().trim_matches('"'))
}

/// Takes a body apart; `None` if it is not what its header says.
pub(super) fn read(body: &[u8], boundary: &str) -> Option<Payload> {
    let delimiter = format!("--{boundary}");
    let separator = format!("\r\n{delimiter}");
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let mut payload = Payload::default();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, separator.as_bytes())?;
        let (head, content) = split_head(&part[..end])?;
        add(&mut payload, head, content)?;
        rest = &part[end + separator.len()..];
    }
    rest.starts_with(b"--").then_some(payload)
}

fn add(payload: &mut Payload, head: &str, content: &[u8]) -> Option<()> {
    let disposition = head.split("\r\n").find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let name = parameter(disposition, "name")?;
    if name == "payload_json" {
        payload.json = serde_json::from_slice::<Value>(content).ok()?;
        return Some(());
    }
    let id = name
        .strip_prefix("files[")
        .and_then(|rest| rest.strip_suffix(']'))
        .map_or(Some(0), |number| number.parse().ok())?;
    if payload.files.len() == FILES {
        return None;
    }
    payload.files.push(Upload {
        id,
        name: parameter(disposition, "filename")?.to_owned(),
        bytes: content.to_vec(),
    });
    Some(())
}

fn split_head(part: &[u8]) -> Option<(&str, &[u8])> {
    let end = find(part, b"\r\n\r\n")?;
    Some((str::from_utf8(&part[..end]).ok()?, &part[end + 4..]))
}

fn parameter<'a>(disposition: &'a str, name: &str) -> Option<&'a str> {
    disposition.split(';').find_map(|part| {
        let value = part.trim().strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches('"'))
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{boundary, read};

    #[test]
    fn a_message_with_a_file() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\
            Content-Type: application/json\r\n\r\n{\"content\":\"a\"}\r\n\
            --x\r\nContent-Disposition: form-data; name=\"files[3]\"; filename=\"a.txt\"\r\n\r\n\
            one\r\ntwo\r\n--x--\r\n";
        let payload = read(body, "x").unwrap();
        assert_eq!(payload.json["content"], "a");
        assert_eq!(payload.files[0].id, 3);
        assert_eq!(payload.files[0].name, "a.txt");
        assert_eq!(payload.files[0].bytes, b"one\r\ntwo");
        for broken in [
            &body[..body.len() - 6],
            b"",
            b"--y\r\n",
            b"--x\r\n\r\n--x--",
        ] {
            assert!(read(broken, "x").is_none());
        }
    }

    #[test]
    fn boundaries() {
        assert_eq!(
            boundary("multipart/form-data; boundary=\"a b\""),
            Some("a b")
        );
        assert_eq!(boundary("application/json"), None);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(parts in proptest::collection::vec(
            prop_oneof![
                Just("--x".to_owned()),
                Just("\r\n".to_owned()),
                Just("Content-Disposition: form-data; name=\"files[0]\"".to_owned()),
                Just("Content-Disposition: form-data; name=\"payload_json\"".to_owned()),
                ".{0,8}",
            ],
            0..24,
        )) {
            if let Some(payload) = read(parts.concat().as_bytes(), "x") {
                prop_assert!(payload.files.len() <= super::FILES);
            }
        }
    }
}
