//! One post, until it is known what became of it: made, found, or given up.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::capability::{NONCE_LIFE, Reconcile};
use mpg_core::event::{Deliver, Event, Undelivered};
use mpg_core::id::{MessageId, Place};
use mpg_core::observe::Sight;
use mpg_core::port::{DeliveryError, Outbox};
use mpg_core::post::{Post, PostKind};
use mpg_core::wording;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use crate::backoff::{Backoff, Next};
use crate::copies::Copies;
use crate::edits::Edits;
use crate::observation::Observation;
use crate::pin::pin;

/// How long after an attempt a platform's history is believed: what is carried out late stands in it
/// by then.
const HISTORY_SETTLES: Duration = Duration::from_secs(15);

/// Posts until it is known what became of it.
///
/// What may have been made already is looked for before it is repeated, unless the platform itself
/// sorts the repeat out.
pub(crate) async fn deliver(
    outbox: Arc<dyn Outbox>,
    copies: Copies,
    delivery: Deliver,
    edits: Edits,
    observation: Observation,
) -> Event {
    let root = delivery.root.clone();
    let id = delivery.post.id;
    let can_edit = outbox.capabilities(&delivery.place).edits.is_some();
    let result = match &delivery.edits {
        // Where messages stay as they are, it stands below what it should take the place of.
        Some(message) if can_edit => {
            edit(outbox.as_ref(), &delivery, message, (&edits, &observation)).await
        }
        Some(_) | None => {
            let attempts = Attempts::new(outbox.as_ref(), &copies, &delivery);
            let made = attempts.run(&observation).await;
            // Before it counts as made, so that a gateway that dies here leaves it to the next one.
            if let (Ok(message), PostKind::Board) = (&made, &delivery.post.kind) {
                pin(outbox.as_ref(), &delivery.place, message).await;
            }
            made
        }
    };
    Event::Delivered {
        root,
        delivery: id,
        result: result.map_err(|failure| undelivered(&delivery.place, &delivery.post, failure)),
    }
}

/// Makes a message what it is to become, which does no harm however often it is said.
async fn edit(
    outbox: &dyn Outbox,
    delivery: &Deliver,
    message: &MessageId,
    (edits, observation): (&Edits, &Observation),
) -> Result<MessageId, DeliveryError> {
    let Deliver { place, post, .. } = delivery;
    let mut backoff = Backoff::posting(Reconcile::Nonce);
    loop {
        // What was shown before comes before it, and nothing that only tells how it goes after it.
        let permit = match outbox.capabilities(place).edits {
            Some(pace) => Some(edits.lasting(place, pace).await),
            None => None,
        };
        let edited = outbox.edit(place, message, post).await;
        drop(permit);
        let failure = match edited {
            Ok(()) => return Ok(message.clone()),
            // There is nothing to be in doubt about: it is said again.
            Err(DeliveryError::Unknown(message)) => DeliveryError::Transient {
                retry_after: None,
                message,
            },
            Err(failure) => failure,
        };
        match backoff.after(&failure) {
            Next::Wait(wait) => {
                observation.see(&retrying(place, post, &failure));
                warn!(%place, delivery = %post.id, error = %failure, ?wait, "an edit failed, trying again");
                sleep(wait).await;
            }
            Next::GiveUp => return Err(failure),
        }
    }
}

/// The attempts at one post.
struct Attempts<'a> {
    outbox: &'a dyn Outbox,
    copies: &'a Copies,
    delivery: &'a Deliver,
    reconcile: Reconcile,
    backoff: Backoff,
    doubt: Doubt,
    begun: Instant,
    /// When it was posted last.
    tried: Option<Instant>,
}

/// Whether the post may have been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// It was not.
    None,
    /// Perhaps, at this time at the earliest.
    Since(Instant),
    /// Perhaps, by a gateway that is gone.
    Inherited,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// It is posted, for the first time or under the protection of its nonce.
    Post,
    /// It is looked for, at this time or later.
    LookUp(Instant),
    /// It is posted although it may be there twice then, and says so.
    PostAgain,
}

impl<'a> Attempts<'a> {
    fn new(outbox: &'a dyn Outbox, copies: &'a Copies, delivery: &'a Deliver) -> Self {
        let reconcile = outbox.capabilities(&delivery.place).reconcile;
        let mut backoff = Backoff::posting(reconcile);
        let mut doubt = Doubt::None;
        if delivery.maybe_sent {
            backoff.repeats();
            doubt = Doubt::Inherited;
        }
        Self {
            outbox,
            copies,
            delivery,
            reconcile,
            backoff,
            doubt,
            begun: Instant::now(),
            tried: None,
        }
    }

    async fn run(mut self, observation: &Observation) -> Result<MessageId, DeliveryError> {
        let Deliver { place, post, .. } = self.delivery;
        loop {
            let next = next(self.reconcile, self.doubt, self.begun, self.tried);
            let failure = match next {
                Move::Post | Move::PostAgain => match self.post(next == Move::PostAgain).await {
                    Ok(message) => return Ok(message),
                    Err(failure) => failure,
                },
                Move::LookUp(from) => {
                    sleep_until(from).await;
                    let found = self.outbox.sent(place, self.delivery.after.as_ref(), post);
                    match found.await {
                        Ok(Some(message)) => {
                            info!(%place, delivery = %post.id, "a post was found to be made already");
                            return Ok(message);
                        }
                        Ok(None) => {
                            self.doubt = Doubt::None;
                            self.backoff.renew(self.reconcile);
                            continue;
                        }
                        // Nothing is left but what the post's own id does.
                        Err(DeliveryError::Unsupported | DeliveryError::Rejected(_)) => {
                            self.cannot_look();
                            continue;
                        }
                        // It is not known to be made, and this asks again.
                        Err(DeliveryError::Unknown(message)) => DeliveryError::Transient {
                            retry_after: None,
                            message,
                        },
                        Err(
                            failure @ (DeliveryError::Gone(_)
                            | DeliveryError::Removed(_)
                            | DeliveryError::Transient { .. }),
                        ) => failure,
                    }
                }
            };
            match self.backoff.after(&failure) {
                Next::Wait(wait) => {
                    observation.see(&retrying(place, post, &failure));
                    warn!(%place, delivery = %post.id, error = %failure, ?wait, "post failed, trying again");
                    sleep(wait).await;
                }
                Next::GiveUp => return Err(failure),
            }
        }
    }

    async fn post(&mut self, again: bool) -> Result<MessageId, DeliveryError> {
        let Deliver { place, post, .. } = self.delivery;
        let now = Instant::now();
        self.tried = Some(now);
        let result = if again {
            let can = self.outbox.capabilities(place);
            let room = can.room(post.persona.as_ref(), post.footer.as_deref());
            let inherited = self.doubt == Doubt::Inherited;
            let post = Post {
                text: wording::sent_again(&post.text, inherited, room),
                ..post.clone()
            };
            self.make(&post).await
        } else {
            self.make(post).await
        };
        if let (Err(DeliveryError::Unknown(_)), Doubt::None) = (&result, self.doubt) {
            self.doubt = Doubt::Since(now);
        }
        result
    }

    /// Posts, with what the post has. What cannot be attached is named instead.
    async fn make(&self, post: &Post) -> Result<MessageId, DeliveryError> {
        let place = &self.delivery.place;
        if post.files.is_empty() {
            return self.outbox.post(place, post).await;
        }
        let uploaded = {
            let _in_memory = self.copies.at_once.acquire().await;
            match self.copies.contents(post).await {
                Ok(files) => self.outbox.upload(place, post, &files).await,
                Err(error) => {
                    warn!(%place, delivery = %post.id, %error, "the copy of a file cannot be read");
                    Err(DeliveryError::Unsupported)
                }
            }
        };
        let Err(DeliveryError::Unsupported) = uploaded else {
            return uploaded;
        };
        let can = self.outbox.capabilities(place);
        let room = can.room(post.persona.as_ref(), post.footer.as_deref());
        let post = Post {
            text: wording::without_files(&post.text, &post.files, room),
            files: Vec::new(),
            ..post.clone()
        };
        self.outbox.post(place, &post).await
    }

    /// Goes on without looking: under the nonce if there is one, else visibly.
    fn cannot_look(&mut self) {
        self.backoff.risk();
        match self.reconcile {
            // As good as a first attempt, because nothing better can be had.
            Reconcile::Nonce => self.doubt = Doubt::None,
            Reconcile::Marker | Reconcile::History | Reconcile::None => {
                self.reconcile = Reconcile::None;
            }
        }
    }
}

fn next(reconcile: Reconcile, doubt: Doubt, begun: Instant, tried: Option<Instant>) -> Move {
    let settled = tried.map(|tried| tried + HISTORY_SETTLES);
    match (reconcile, doubt) {
        (_, Doubt::None) => Move::Post,
        (Reconcile::Nonce, Doubt::Since(first)) if first.elapsed() < NONCE_LIFE => Move::Post,
        // Whatever the history says, a nonce of the last minutes still holds.
        (Reconcile::Nonce, Doubt::Since(_) | Doubt::Inherited) => {
            Move::LookUp(settled.unwrap_or(begun))
        }
        (Reconcile::Marker | Reconcile::History, Doubt::Since(_) | Doubt::Inherited) => {
            Move::LookUp(settled.unwrap_or(begun + HISTORY_SETTLES))
        }
        (Reconcile::None, Doubt::Since(_) | Doubt::Inherited) => Move::PostAgain,
    }
}

fn retrying<'a>(place: &'a Place, post: &Post, failure: &DeliveryError) -> Sight<'a> {
    Sight::Retrying {
        place,
        delivery: post.id,
        limited: matches!(
            failure,
            DeliveryError::Transient {
                retry_after: Some(_),
                ..
            }
        ),
    }
}

fn undelivered(place: &Place, post: &Post, failure: DeliveryError) -> Undelivered {
    match failure {
        DeliveryError::Gone(reason) => {
            warn!(%place, %reason, "the place is gone");
            Undelivered::Gone(reason)
        }
        DeliveryError::Removed(reason) => {
            info!(%place, delivery = %post.id, %reason, "a post was removed by somebody");
            Undelivered::Removed
        }
        DeliveryError::Rejected(_)
        | DeliveryError::Unsupported
        | DeliveryError::Unknown(_)
        | DeliveryError::Transient { .. } => {
            warn!(%place, delivery = %post.id, error = %failure, "a post will not be made");
            Undelivered::Dead(failure.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_follows_from_a_doubt() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        tokio::time::advance(Duration::from_mins(1)).await;
        let fresh = Doubt::Since(begun);
        let cases = [
            (Reconcile::Nonce, Doubt::None, None, Move::Post),
            (Reconcile::None, Doubt::None, Some(begun), Move::Post),
            (Reconcile::Nonce, fresh, Some(begun), Move::Post),
            (
                Reconcile::Nonce,
                Doubt::Inherited,
                None,
                Move::LookUp(begun),
            ),
            (
                Reconcile::History,
                Doubt::Inherited,
                None,
                Move::LookUp(later(15)),
            ),
            (
                Reconcile::Marker,
                fresh,
                Some(later(30)),
                Move::LookUp(later(45)),
            ),
            (Reconcile::None, Doubt::Inherited, None, Move::PostAgain),
            (Reconcile::None, fresh, Some(begun), Move::PostAgain),
        ];
        for (reconcile, doubt, tried, expected) in cases {
            assert_eq!(
                next(reconcile, doubt, begun, tried),
                expected,
                "{reconcile:?} {doubt:?}"
            );
        }
        tokio::time::advance(Duration::from_mins(1)).await;
        let old = next(Reconcile::Nonce, fresh, begun, Some(later(100)));
        assert_eq!(old, Move::LookUp(later(115)), "the nonce may be forgotten");
    }
}
