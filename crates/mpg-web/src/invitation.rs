//! Links that let somebody into the dashboard, once each.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mpg_core::token::Scope;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::auth::hex;

/// What the secrets of links begin with: none of them is taken for a token.
pub(crate) const PREFIX: &str = "mpgl_";

/// How long a link may be used: as long as it takes to open it.
const LIFETIME: Duration = Duration::from_mins(5);

/// How many links may be open at the same time; beyond that, the oldest one ends.
const OPEN: usize = 16;

/// How long a secret is, in bytes before it is written as text.
const SECRET: usize = 32;

/// The links that were made and not used. They end with the process.
#[derive(Debug, Default)]
pub struct Invitations(Mutex<VecDeque<Invitation>>);

/// One link.
#[derive(Debug)]
struct Invitation {
    hash: [u8; 32],
    scope: Scope,
    until: Instant,
}

impl Invitations {
    /// Makes the secret of a link that may be used once within five minutes, by somebody who may then
    /// do what the scope says.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes.
    pub fn invite(&self, scope: Scope) -> Result<String, getrandom::Error> {
        let mut random = [0; SECRET];
        getrandom::fill(&mut random)?;
        let shown = format!("{PREFIX}{}", hex(&random));
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while open.len() >= OPEN {
            open.pop_front();
        }
        open.push_back(Invitation {
            hash: Sha256::digest(&shown).into(),
            scope,
            until: Instant::now() + LIFETIME,
        });
        Ok(shown)
    }

    /// Uses a link up; `None` for what is none, any more or at all.
    pub(crate) fn accept(&self, shown: &str) -> Option<Scope> {
        let now = Instant::now();
        let hash: [u8; 32] = Sha256::digest(shown).into();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|invitation| invitation.until > now);
        let found = open
            .iter()
            .position(|invitation| bool::from(invitation.hash.ct_eq(&hash)))?;
        open.remove(found).map(|invitation| invitation.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_is_used_once_and_soon() {
        let links = Invitations::default();
        let first = links.invite(Scope::Read).unwrap();
        let second = links.invite(Scope::Admin).unwrap();
        assert_ne!(first, second);
        assert_eq!(links.accept("mpgl_"), None);
        assert_eq!(links.accept(&second), Some(Scope::Admin));
        assert_eq!(links.accept(&second), None, "it is used up");
        tokio::time::advance(LIFETIME).await;
        assert_eq!(links.accept(&first), None, "it is too late");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_newest_links_are_open() {
        let links = Invitations::default();
        let made: Vec<_> = (0..=OPEN)
            .map(|_| links.invite(Scope::Read).unwrap())
            .collect();
        assert_eq!(links.accept(&made[0]), None);
        assert!(made[1..].iter().all(|link| links.accept(link).is_some()));
    }
}
