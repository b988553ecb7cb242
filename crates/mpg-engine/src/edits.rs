//! Changes of messages: those of one place are made one after the other, and all of them within what
//! its platform allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpg_core::capability::EditPace;
use mpg_core::id::{Place, PlatformId};
use mpg_core::live::{Pacer, Worth};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};

/// How many places are remembered before those are forgotten in which nothing was changed for long.
const PLACES: usize = 256;

/// What was changed lately, by all who change something.
#[derive(Clone, Debug)]
pub(crate) struct Edits {
    /// The moment that times are counted from.
    origin: Instant,
    budgets: Arc<Mutex<Budgets>>,
}

#[derive(Debug, Default)]
struct Budgets {
    places: BTreeMap<Place, Budget>,
    /// What only tells how something goes, of all places of a platform.
    passing: BTreeMap<PlatformId, Pacer>,
}

#[derive(Debug)]
struct Budget {
    pacer: Pacer,
    /// Held by the change that is on its way.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The right to make one change; the next one of the place waits until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    edits: Edits,
    place: Place,
    _turn: OwnedMutexGuard<()>,
}

impl Drop for Permit {
    /// Counts the change from now on: one that was long on its way is counted late by its platform.
    fn drop(&mut self) {
        let now = self.edits.now();
        if let Some(budget) = self.edits.budgets().places.get_mut(&self.place) {
            budget.pacer.took(now);
        }
    }
}

impl Edits {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            budgets: Arc::default(),
        }
    }

    /// Takes the right to a change that only tells how something goes; else, when to ask again.
    pub(crate) fn pass(&self, place: &Place, limit: EditPace) -> Result<Permit, Instant> {
        let now = self.now();
        let mut budgets = self.budgets();
        let budget = budgets.of(place, limit, now);
        let turn = Arc::clone(&budget.turn);
        let own = budget.pacer.next(now, Worth::Passing);
        let all = budgets.all(place, limit);
        let next = own.max(all.next(now, Worth::Passing));
        if next > now {
            return Err(self.origin + next);
        }
        // What is on its way was counted when it began, and may take long.
        let Ok(turn) = turn.try_lock_owned() else {
            return Err(self.origin + now + limit.per / limit.edits.max(1));
        };
        all.made(now);
        budgets.of(place, limit, now).pacer.made(now);
        drop(budgets);
        Ok(self.permit(place, turn))
    }

    fn permit(&self, place: &Place, turn: OwnedMutexGuard<()>) -> Permit {
        Permit {
            edits: self.clone(),
            place: place.clone(),
            _turn: turn,
        }
    }

    /// Waits for the right to a change that has to be made: behind the one that is on its way, before
    /// all that only tell how something goes.
    pub(crate) async fn lasting(&self, place: &Place, limit: EditPace) -> Permit {
        let turn = {
            let now = self.now();
            Arc::clone(&self.budgets().of(place, limit, now).turn)
        };
        let turn = turn.lock_owned().await;
        loop {
            let next = {
                let now = self.now();
                let mut budgets = self.budgets();
                let pacer = &mut budgets.of(place, limit, now).pacer;
                let next = pacer.next(now, Worth::Lasting);
                if next <= now {
                    pacer.made(now);
                    drop(budgets);
                    return self.permit(place, turn);
                }
                next
            };
            sleep_until(self.origin + next).await;
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budgets {
    fn of(&mut self, place: &Place, limit: EditPace, now: Duration) -> &mut Budget {
        if self.places.len() > PLACES && !self.places.contains_key(place) {
            self.places.retain(|_, budget| {
                Arc::strong_count(&budget.turn) > 1 || !budget.pacer.is_rested(now)
            });
        }
        self.places.entry(place.clone()).or_insert_with(|| Budget {
            pacer: Pacer::new(limit),
            turn: Arc::default(),
        })
    }

    fn all(&mut self, place: &Place, limit: EditPace) -> &mut Pacer {
        let platform = place.channel.platform.clone();
        self.passing.entry(platform).or_insert_with(|| {
            Pacer::new(EditPace {
                edits: limit.passing,
                per: Duration::from_secs(1),
                passing: limit.passing,
            })
        })
    }
}
