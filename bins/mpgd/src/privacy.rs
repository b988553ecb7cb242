//! Who else may use a file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// The bits of the rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Whether only its owner has any right to a file.
pub(crate) fn is_private(file: &Metadata) -> bool {
    file.mode() & OTHERS == 0
}
