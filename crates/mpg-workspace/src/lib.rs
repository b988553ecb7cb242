//! Where a conversation's agent works.
//!
//! For now every conversation works in its project's own directory, as it is.

mod plain;

pub use plain::PlainDirectories;
