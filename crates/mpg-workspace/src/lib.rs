//! Where a conversation's agent works.
