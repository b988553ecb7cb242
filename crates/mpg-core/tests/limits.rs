//! The limits that people are told of, and that other crates rely on, as numbers.

use mpg_core::agent::Partial;
use mpg_core::attachment::{MAX_IMAGE, MAX_IMAGES, MAX_TEXT, MAX_TEXTS, MAX_TOTAL};
use mpg_core::gateway::MAX_PROMPT;
use mpg_core::live::MAX_LIVE_TEXT;
use mpg_core::request::Permission;
use mpg_core::route::MAX_QUEUED_BYTES;
use mpg_core::snapshot::{Branch, Spent};
use mpg_core::workspace::Patch;

#[test]
fn a_limit_is_what_it_was() {
    let files = [MAX_TOTAL, MAX_IMAGES, MAX_IMAGE, MAX_TEXTS, MAX_TEXT];
    assert_eq!(files, [104_857_600, 9_437_184, 5_242_880, 131_072, 65_536]);
    let texts = [
        MAX_QUEUED_BYTES,
        MAX_LIVE_TEXT,
        Patch::LONGEST,
        MAX_PROMPT,
        Permission::LONGEST_DETAIL,
        Partial::LONGEST,
        Branch::LONGEST,
    ];
    assert_eq!(
        texts,
        [1_048_576, 262_144, 262_144, 131_072, 65_536, 16_384, 16_384]
    );
    // The largest number that every reader of JSON has exactly.
    assert_eq!(Spent::MOST, 9_007_199_254_740_992);
}
