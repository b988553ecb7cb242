//! Files that agents hand to their threads.

use super::Gateway;
use super::deliveries::MAX_OWED;
use super::lane::{Lane, Phase};
use crate::event::{Effect, FileEffect};
use crate::id::{ConversationId, DeliveryId, FileId, SessionId, TurnId};
use crate::out_file::{MAX_FILES, Offer, OfferRefusal, OfferTerms, OutFile};
use crate::post::PostKind;
use crate::record::Record;
use crate::split::split;
use crate::wording;

impl Gateway {
    /// What the agent of a session may hand to its thread just now.
    ///
    /// # Errors
    ///
    /// What [`Event::FilesOffered`](crate::event::Event::FilesOffered) would be refused with.
    pub fn offer_terms(&self, session: SessionId) -> Result<OfferTerms, OfferRefusal> {
        let (id, lane, _) = self.at_work(session).ok_or(OfferRefusal::NoTurn)?;
        let bound = self.conversation(id).and_then(|c| c.session.as_ref());
        let bound = bound.filter(|bound| bound.id == session);
        let limits = self.capabilities(&id.root.channel).files;
        let owed = self.thread(&id.root).map(|thread| thread.deliveries.len());
        if owed.is_some_and(|owed| owed >= MAX_OWED) {
            return Err(OfferRefusal::Busy);
        }
        Ok(OfferTerms {
            directory: bound.ok_or(OfferRefusal::NoTurn)?.directory.clone(),
            limits: limits.ok_or(OfferRefusal::Unsupported)?,
            left: MAX_FILES.saturating_sub(lane.handed),
        })
    }

    pub(super) fn files_offered(&mut self, offer: Offer) {
        let Some(file) = offer.files.first().and_then(OutFile::kept) else {
            return;
        };
        let result = self.hand_over_files(offer);
        self.effect(Effect::Files(FileEffect::Answer { file, result }));
    }

    /// Plans as few posts as the files fit in.
    fn hand_over_files(&mut self, offer: Offer) -> Result<(), OfferRefusal> {
        let terms = self.offer_terms(offer.session)?;
        let (id, _, turn) = self.at_work(offer.session).ok_or(OfferRefusal::NoTurn)?;
        let id = id.clone();
        if offer.files.len() > terms.left {
            return Err(OfferRefusal::TooMany);
        }
        let most = terms.limits.size;
        if let Some(file) = offer.files.iter().find(|file| file.size > most) {
            return Err(OfferRefusal::TooLarge {
                name: file.name.clone(),
                limit: most,
            });
        }
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.handed += offer.files.len();
        }
        let voice = self.voice(&id);
        let kind = PostKind::Answer {
            turn,
            agent: id.agent.clone(),
        };
        let mut caption = split(&offer.caption, voice.room).into_iter().next();
        for files in parcels(offer.files, most, terms.limits.count) {
            let Some(first) = files.first().and_then(OutFile::kept) else {
                continue;
            };
            let text = caption
                .take()
                .unwrap_or_else(|| wording::named_files(&files));
            let text = split(&text, voice.room).into_iter().next();
            let mut post = voice.post(
                DeliveryId::of_file(first),
                kind.clone(),
                text.unwrap_or_default(),
            );
            post.files = files;
            self.plan(&id.root, post);
        }
        Ok(())
    }

    /// The conversation whose turn runs in a session.
    fn at_work(&self, session: SessionId) -> Option<(&ConversationId, &Lane, TurnId)> {
        self.lanes.iter().find_map(|(id, lane)| match &lane.phase {
            Phase::Running(run) if run.session == session => Some((id, lane, run.turn)),
            Phase::Running(_)
            | Phase::Stopping(..)
            | Phase::Cold
            | Phase::Warm { .. }
            | Phase::Preparing { .. }
            | Phase::Closing { .. } => None,
        })
    }

    /// The copies that go with a post which is made or left out. Those of a dead letter stay.
    pub(super) fn drops_copies(&self, record: &Record) -> Option<Effect> {
        let (Record::DeliveryConfirmed { root, delivery, .. }
        | Record::DeliveryDropped { root, delivery }) = record
        else {
            return None;
        };
        let mut owed = self.thread(root)?.deliveries.iter();
        let post = owed.find(|post| post.id == *delivery)?;
        let copies: Vec<FileId> = post.files.iter().filter_map(OutFile::kept).collect();
        (!copies.is_empty()).then_some(Effect::Files(FileEffect::Drop(copies)))
    }
}

/// Files in the order in which they were given, as many together as one post takes.
fn parcels(files: Vec<OutFile>, size: u64, count: usize) -> Vec<Vec<OutFile>> {
    let mut parcels: Vec<Vec<OutFile>> = Vec::new();
    let mut room = 0;
    for file in files {
        match parcels.last_mut() {
            Some(last) if file.size <= room && last.len() < count => {
                room -= file.size;
                last.push(file);
            }
            Some(_) | None => {
                room = size.saturating_sub(file.size);
                parcels.push(vec![file]);
            }
        }
    }
    parcels
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::out_file::Content;

    #[test]
    fn files_share_posts_as_far_as_they_fit() {
        let files = |sizes: &[u64]| -> Vec<OutFile> {
            let file = |size: &u64| OutFile {
                name: format!("{size}"),
                size: *size,
                content: Content::Kept(FileId::from_uuid(Uuid::from_u128(u128::from(*size)))),
            };
            sizes.iter().map(file).collect()
        };
        let cases: [(&[u64], &[usize]); 5] = [
            (&[], &[]),
            (&[10], &[1]),
            (&[4, 6, 1], &[2, 1]),
            (&[1, 1, 1, 1], &[3, 1]),
            (&[10, 10, 0], &[1, 2]),
        ];
        for (sizes, expected) in cases {
            let lengths: Vec<usize> = parcels(files(sizes), 10, 3).iter().map(Vec::len).collect();
            assert_eq!(lengths, expected, "{sizes:?}");
        }
    }
}
