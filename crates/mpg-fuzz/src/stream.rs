//! What a CLI writes.

use jiff::Timestamp;
use mpg_claude::spoken;

/// Where the CLI works.
const DIRECTORY: &str = "/srv/project";

/// How much longer than its cause all that is told may be: what is asked is kept beside what people
/// are shown of it, and debug output escapes.
const GROWTH: usize = 256;

/// Reads the bytes behind the first one as the output of a CLI, at once and in chunks as long as the
/// first one says: both tell the same, and not without bound.
///
/// # Panics
///
/// Where that does not hold.
pub fn stream(data: &[u8]) {
    let Some((&length, output)) = data.split_first() else {
        return;
    };
    let now = Timestamp::UNIX_EPOCH;
    let whole: Vec<String> = spoken::by_cli([output], DIRECTORY, now).collect();
    let chunks = output.chunks(usize::from(length).max(1));
    let cut: Vec<String> = spoken::by_cli(chunks, DIRECTORY, now).collect();
    assert_eq!(cut, whole, "it depends on where the output is cut");

    let told: usize = whole.iter().map(String::len).sum();
    assert!(
        told <= 16 * 1024 + GROWTH * output.len(),
        "{} bytes become {told}",
        output.len()
    );
}
