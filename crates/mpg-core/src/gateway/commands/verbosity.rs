//! `!verbosity`: how much is shown of the turns of a thread.

use super::super::lane::Phase;
use crate::config::Verbosity;
use crate::event::Effect;
use crate::gateway::Gateway;
use crate::message::Message;
use crate::record::Record;
use crate::wording;

impl Gateway {
    pub(super) fn set_verbosity(&mut self, wanted: Option<Verbosity>, message: &Message) -> String {
        let root = self.bound_root(&message.place);
        let conversations = root.and_then(|root| {
            let ids = self.conversations_of(&root);
            ids.first().cloned().map(|first| (root, first, ids))
        });
        let Some((root, first, ids)) = conversations else {
            return wording::live::no_thread().to_owned();
        };
        let Some(verbosity) = wanted else {
            return wording::live::verbosity(self.verbosity(&first));
        };
        self.record(Record::VerbositySet {
            root,
            verbosity: Some(verbosity),
        });
        for id in ids {
            if let Some(Phase::Running(run)) = self.lanes.get(&id).map(|lane| &lane.phase) {
                let session = run.session;
                self.effect(Effect::SetVerbosity { session, verbosity });
            }
        }
        wording::live::verbosity_set(verbosity)
    }
}
