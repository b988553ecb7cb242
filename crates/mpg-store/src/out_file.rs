//! The files of posts, as they stand in a column.

use mpg_core::id::FileId;
use mpg_core::out_file::{Content, OutFile};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure::UnknownValue;

/// A file, in the names of the column's JSON: its text, or the id of its copy.
#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
}

/// What is written for these files; nothing for none.
pub(crate) fn written(files: &[OutFile]) -> Option<String> {
    if files.is_empty() {
        return None;
    }
    let files = files.iter().map(|file| {
        let (text, kept) = match &file.content {
            Content::Text(text) => (Some(text.to_string()), None),
            Content::Kept(file) => (None, Some(file.to_string())),
        };
        Written {
            name: file.name.clone(),
            size: file.size,
            text,
            kept,
        }
    });
    // Texts and numbers are always JSON.
    serde_json::to_string(&files.collect::<Vec<_>>()).ok()
}

/// The files that were written.
pub(crate) fn read(written: Option<&str>) -> Result<Vec<OutFile>, UnknownValue> {
    let Some(json) = written else {
        return Ok(Vec::new());
    };
    let unknown = || UnknownValue::new("delivery.files", json);
    let written: Vec<Written> = serde_json::from_str(json).map_err(|_| unknown())?;
    let files = written.into_iter().map(|file| {
        let content = match (file.text, file.kept) {
            (Some(text), None) => Content::Text(text.into()),
            (None, Some(kept)) => {
                let uuid = Uuid::parse_str(&kept).map_err(|_| unknown())?;
                Content::Kept(FileId::from_uuid(uuid))
            }
            (Some(_), Some(_)) | (None, None) => return Err(unknown()),
        };
        Ok(OutFile {
            name: file.name,
            size: file.size,
            content,
        })
    });
    files.collect()
}
