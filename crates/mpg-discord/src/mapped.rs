//! The channels that are mapped to projects, which may change while the adapter is connected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpg_core::id::ChannelId;

use crate::settings::ThreadArchive;
use crate::shared::Shared;

/// The channels that are mapped to projects, with when their threads archive themselves. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub struct MappedChannels(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    archives: BTreeMap<ChannelId, ThreadArchive>,
    directory: Option<Shared>,
}

impl MappedChannels {
    /// Takes these channels in place of those before, in a running adapter too.
    pub fn replace(&self, channels: BTreeMap<ChannelId, ThreadArchive>) {
        let mut state = self.state();
        if let Some(directory) = &state.directory {
            directory.change(|directory| directory.map(channels.keys()));
        }
        state.archives = channels;
    }

    /// When the threads of a channel archive themselves.
    pub(crate) fn archive(&self, channel: &ChannelId) -> ThreadArchive {
        let state = self.state();
        state.archives.get(channel).copied().unwrap_or_default()
    }

    /// Keeps a directory up to date from now on.
    pub(crate) fn attach(&self, directory: &Shared) {
        let mut state = self.state();
        directory.change(|directory| directory.map(state.archives.keys()));
        state.directory = Some(directory.clone());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromIterator<(ChannelId, ThreadArchive)> for MappedChannels {
    fn from_iter<I: IntoIterator<Item = (ChannelId, ThreadArchive)>>(channels: I) -> Self {
        let this = Self::default();
        this.replace(channels.into_iter().collect());
        this
    }
}
