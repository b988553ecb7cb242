//! Bodies with files beside their JSON: `multipart/form-data`.
//!
//! Source: the page on uploading files of Discord's documentation, and RFC 7578.

use bytes::Bytes;
use mpg_core::port::Upload;
use uuid::Uuid;

/// A body and what it is.
pub(super) struct Form {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// The form of a JSON document and the files beside it.
pub(super) fn form(json: &[u8], files: &[Upload]) -> Form {
    let boundary = boundary(json, files);
    let length: usize = files.iter().map(|file| file.bytes.len() + 256).sum();
    let mut bytes = Vec::with_capacity(json.len() + length + 256);
    let mut part = |head: &str, content: &[u8]| {
        bytes.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(b"\r\n");
    };
    part(
        "Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json",
        json,
    );
    for (index, file) in files.iter().enumerate() {
        let name = quotable(&file.name);
        part(
            &format!(
                "Content-Disposition: form-data; name=\"files[{index}]\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream"
            ),
            &file.bytes,
        );
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Form {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes: bytes.into(),
    }
}

/// A line that none of the parts has in it.
fn boundary(json: &[u8], files: &[Upload]) -> String {
    let mut seed = Uuid::new_v5(&Uuid::NAMESPACE_OID, json);
    loop {
        let boundary = format!("mpg-{}", seed.simple());
        let stands_in = |content: &[u8]| {
            let mut windows = content.windows(boundary.len());
            windows.any(|window| window == boundary.as_bytes())
        };
        if !stands_in(json) && !files.iter().any(|file| stands_in(&file.bytes)) {
            return boundary;
        }
        seed = Uuid::new_v5(&seed, json);
    }
}

/// A name that stays inside its quotes and its line.
fn quotable(name: &str) -> String {
    let fit = |c: char| {
        if c.is_control() || matches!(c, '"' | '\\') {
            '_'
        } else {
            c
        }
    };
    name.chars().map(fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &[u8], files: &[(&str, &[u8])]) -> String {
        let files: Vec<Upload> = files
            .iter()
            .map(|(name, bytes)| Upload {
                name: (*name).to_owned(),
                bytes: (*bytes).into(),
            })
            .collect();
        let form = form(json, &files);
        let body = String::from_utf8_lossy(&form.bytes).replace('\r', "");
        format!("{}\n\n{body}", form.content_type)
    }

    #[test]
    fn a_document_and_its_files() {
        insta::assert_snapshot!(shown(
            b"{\"content\":\"look\"}",
            &[("a\"b\r\n.txt", b"one\r\ntwo"), ("\u{fc}.bin", b"")],
        ));
    }

    #[test]
    fn a_file_that_knows_the_boundary_ends_nothing() {
        let json = b"{}";
        let known = format!(
            "--mpg-{}--",
            Uuid::new_v5(&Uuid::NAMESPACE_OID, json).simple()
        );
        let shown = shown(json, &[("a", known.as_bytes())]);
        let boundary = shown.lines().next().unwrap().rsplit('=').next().unwrap();
        assert!(!known.contains(boundary), "{known}");
        assert_eq!(shown.matches(boundary).count(), 4, "{shown}");
    }
}
