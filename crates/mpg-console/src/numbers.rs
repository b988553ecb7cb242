//! The numbers of messages and posts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mpg_core::id::MessageId;

/// One rising row of numbers for typed messages and posts.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(Arc<AtomicU64>);

impl Numbers {
    pub(crate) fn next(&self) -> MessageId {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        MessageId::new(format!("{number:020}"))
    }
}

impl From<u64> for Numbers {
    fn from(first: u64) -> Self {
        Self(Arc::new(AtomicU64::new(first)))
    }
}
