//! The descriptions of files, as they stand in a column.

use mpg_core::message::Attachment;
use serde::{Deserialize, Serialize};

use crate::failure::UnknownValue;

/// A description, in the names of the column's JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    size: u64,
    #[serde(rename = "type")]
    media_type: Option<String>,
    url: String,
}

/// What is written for these files; nothing for none.
pub(crate) fn written(attachments: &[Attachment]) -> Option<String> {
    if attachments.is_empty() {
        return None;
    }
    let written: Vec<Written> = attachments
        .iter()
        .map(|attachment| Written {
            name: attachment.name.clone(),
            size: attachment.size,
            media_type: attachment.media_type.clone(),
            url: attachment.url.clone(),
        })
        .collect();
    // Texts and numbers are always JSON.
    serde_json::to_string(&written).ok()
}

/// The files that were written.
pub(crate) fn read(written: Option<&str>) -> Result<Vec<Attachment>, UnknownValue> {
    let Some(text) = written else {
        return Ok(Vec::new());
    };
    let written: Vec<Written> =
        serde_json::from_str(text).map_err(|_| UnknownValue::new("turn.attachments", text))?;
    Ok(written
        .into_iter()
        .map(|written| Attachment {
            name: written.name,
            size: written.size,
            media_type: written.media_type,
            url: written.url,
        })
        .collect())
}
