//! What people and agents are told of files.

use super::{code, fenced};
use crate::attachment::{LeftOut, MAX_TOTAL, Omission};
use crate::capability::TextLimit;
use crate::out_file::OutFile;
use crate::split::split;

/// That attached files stay behind, and why.
pub fn files_left_out(left_out: &[LeftOut]) -> String {
    /// How many are named; a message has no more on any platform that is known.
    const NAMED: usize = 10;
    let mut said: Vec<String> = left_out
        .iter()
        .take(NAMED)
        .map(|left| format!("{}: {}", fenced(&left.name), omission(&left.why)))
        .collect();
    let more = left_out.len().saturating_sub(NAMED);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    let what = match left_out.len() {
        1 => "a file was",
        _ => "files were",
    };
    format!("{what} not passed on — {}", said.join("; "))
}

/// Why a file is not passed on.
pub fn omission(why: &Omission) -> String {
    match why {
        Omission::Count(0) => "files are not taken here (`max-attachments`)".to_owned(),
        Omission::Count(count) => {
            format!("at most {count} files of a message are taken (`max-attachments`)")
        }
        Omission::Size(limit) => {
            format!("it is larger than {} (`max-attachment-size`)", size(*limit))
        }
        Omission::Total => format!("the files are larger than {} together", size(MAX_TOTAL)),
        Omission::Type(media_type) => {
            format!(
                "{} is not taken here (`attachment-types`)",
                code(media_type)
            )
        }
        Omission::Address => "it has no usable address".to_owned(),
        Omission::Host(host) => format!(
            "files are not fetched from {} (`attachment-hosts`)",
            code(&host.chars().take(100).collect::<String>())
        ),
        Omission::Gone => "it is not there any more; post it again".to_owned(),
        Omission::Failed(why) => format!(
            "it could not be fetched ({})",
            code(&why.chars().take(200).collect::<String>())
        ),
        Omission::NotKept => "it could not be stored on the gateway's machine".to_owned(),
        Omission::Unsupported => "files cannot be fetched here".to_owned(),
    }
}

/// What a post with files says that nothing else is said about.
pub fn named_files(files: &[OutFile]) -> String {
    let names: Vec<String> = files.iter().map(|file| code(&file.name)).collect();
    names.join(", ")
}

/// The text of a post whose files are left out: it ends with their names, or with less where there is
/// no room for them.
pub fn without_files(text: &str, files: &[OutFile], limit: TextLimit) -> String {
    let noted = format!("{text}\n(could not be attached: {})", named_files(files));
    let length = limit.unit.count(&noted);
    if length <= limit.max {
        return noted;
    }
    let note = "\n(files could not be attached)";
    let room = TextLimit {
        max: limit.max.saturating_sub(note.len()),
        ..limit
    };
    if room.max < TextLimit::SMALLEST {
        return text.to_owned();
    }
    let text = split(text, room).into_iter().next().unwrap_or_default();
    format!("{text}{note}")
}

/// What stands below the beginning of an answer that is whole in a file.
pub fn goes_on_in_file(name: &str, length: usize) -> String {
    format!(
        "*(the whole answer, {length} characters, is in {})*",
        code(name)
    )
}

/// What is asked by a message that consists of files alone.
pub fn files_only() -> &'static str {
    "See the attached files."
}

/// A number of bytes as people say it: of 1024 each.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    for (unit, worth) in UNITS {
        if bytes >= worth {
            let (whole, tenths) = (bytes / worth, bytes % worth * 10 / worth);
            return match tenths {
                0 => format!("{whole} {unit}"),
                tenths => format!("{whole}.{tenths} {unit}"),
            };
        }
    }
    format!("{bytes} bytes")
}
