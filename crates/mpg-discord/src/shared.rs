//! The directory as the two directions share it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::directory::Directory;

/// The directory as the two directions share it. The lock is held for single look-ups and changes
/// only, never over an await.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Directory>>);

impl Shared {
    pub(crate) fn new(directory: Directory) -> Self {
        Self(Arc::new(Mutex::new(directory)))
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&Directory) -> R) -> R {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Directory) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
