//! The lines that the gateway writes to the CLI.

use std::fs::File;
use std::io::{self, Read as _};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mpg_core::agent::PermissionMode;
use mpg_core::attachment::MAX_IMAGE;
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::Submission;
use serde_json::{Value, json};

/// A prompt; the CLI swallows one whose id its session knows.
pub(crate) fn prompt(submission: &Submission) -> Vec<u8> {
    line(&json!({
        "type": "user",
        "message": { "role": "user", "content": content(submission) },
        "parent_tool_use_id": null,
        "uuid": submission.id.to_string(),
    }))
}

/// A text, or the images that it is about and then the text: the order in which a model reads them
/// best.
fn content(submission: &Submission) -> Value {
    if submission.images.is_empty() {
        return json!(submission.prompt);
    }
    let mut blocks = Vec::new();
    for image in &submission.images {
        blocks.push(match read(&image.path) {
            Ok(bytes) => json!({
                "type": "image",
                "source": {
                    "type": "base64",
                    "media_type": image.image_type.media_type(),
                    "data": BASE64_STANDARD.encode(bytes),
                },
            }),
            Err(error) => {
                let text = format!("[The image {} cannot be read: {error}]", image.path);
                json!({ "type": "text", "text": text })
            }
        });
    }
    blocks.push(json!({ "type": "text", "text": submission.prompt }));
    Value::Array(blocks)
}

/// Reads an image, if it is a file and not larger than a model takes.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_IMAGE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_IMAGE {
        return Err(io::Error::other("it is too large"));
    }
    Ok(bytes)
}

/// The request that the CLI answers as soon as it reads its input.
pub(crate) fn initialize(id: &str) -> Vec<u8> {
    request(id, &json!({ "subtype": "initialize", "hooks": null }))
}

/// The request that ends the running turn.
pub(crate) fn interrupt(id: &str) -> Vec<u8> {
    request(id, &json!({ "subtype": "interrupt" }))
}

/// The request that drops a prompt which waits in the CLI (seen: 2.1.197).
pub(crate) fn withdraw(id: &str, submit: SubmitId) -> Vec<u8> {
    let uuid = submit.to_string();
    request(
        id,
        &json!({ "subtype": "cancel_async_message", "message_uuid": uuid }),
    )
}

/// A request whose answer comes behind everything that was written before it.
///
/// It sets what is set already.
pub(crate) fn barrier(id: &str, mode: PermissionMode) -> Vec<u8> {
    request(
        id,
        &json!({ "subtype": "set_permission_mode", "mode": mode.name() }),
    )
}

/// The answer to a request.
pub(crate) fn response(id: &RequestId, response: &Value) -> Vec<u8> {
    line(&json!({
        "type": "control_response",
        "response": { "subtype": "success", "request_id": id.as_str(), "response": response },
    }))
}

/// The answer to a request that the gateway does not know.
pub(crate) fn unsupported(id: &str) -> Vec<u8> {
    line(&json!({
        "type": "control_response",
        "response": { "subtype": "error", "request_id": id, "error": "not supported" },
    }))
}

fn request(id: &str, request: &Value) -> Vec<u8> {
    line(&json!({ "type": "control_request", "request_id": id, "request": request }))
}

fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use mpg_core::attachment::ImageType;
    use mpg_core::port::Image;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn images_come_before_the_text_and_may_be_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("1-a.png"), b"\x89PNG").unwrap();
        let large = File::create(path("2-b.png")).unwrap();
        large.set_len(MAX_IMAGE + 1).unwrap();
        let image = |name: &str| Image {
            path: path(name),
            image_type: ImageType::Png,
        };
        let submission = Submission {
            id: SubmitId::from_uuid(Uuid::from_u128(1)),
            prompt: "look".to_owned(),
            images: ["1-a.png", "2-b.png", "3-c.png", "."].map(image).into(),
            repeat: false,
        };
        let line: Value = serde_json::from_slice(&prompt(&submission)).unwrap();
        let content = line["message"]["content"].as_array().unwrap();
        let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw==" });
        assert_eq!(content[0], json!({ "type": "image", "source": source }));
        let texts = content[1..]
            .iter()
            .map(|block| block["text"].as_str().unwrap());
        let texts: Vec<&str> = texts.collect();
        for (text, why) in texts.iter().zip(["too large", "No such file", "no file"]) {
            assert!(
                text.contains("cannot be read") && text.contains(why),
                "{text}"
            );
        }
        assert_eq!(texts[3..], ["look"]);
    }

    #[test]
    fn everything_is_one_line() {
        let submission = Submission {
            id: SubmitId::from_uuid(Uuid::from_u128(1)),
            prompt: "one\ntwo \u{2028} \"three\"".to_owned(),
            images: Vec::new(),
            repeat: false,
        };
        let asked = RequestId::new("a");
        let lines = [
            prompt(&submission),
            initialize("1"),
            interrupt("2"),
            barrier("3", PermissionMode::AcceptEdits),
            withdraw("4", SubmitId::from_uuid(Uuid::from_u128(1))),
            response(&asked, &json!({ "behavior": "deny", "message": "no\nno" })),
            unsupported("b"),
        ];
        let text: String = lines
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect();
        assert_eq!(text.lines().count(), 7);
        insta::assert_snapshot!(text);
    }
}
