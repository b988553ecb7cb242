//! What programs show to be let in: tokens, and what each may do.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::audit::Actor;
use crate::port::StoreError;

/// What the holder of a token may do. Each may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Ask agents, stop them, and answer what they ask.
    Write,
    /// End what others began: sessions and their queues.
    Admin,
}

impl Scope {
    /// All scopes, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// One word for stores, lists and command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A token, without what is secret about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is the first part of what its holder shows.
    pub id: String,
    /// The SHA-256 of all that its holder shows.
    pub hash: [u8; 32],
    /// What its holder may do.
    pub scope: Scope,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to be one, if it does.
    pub expires_at: Option<Timestamp>,
}

/// Keeps the tokens.
#[async_trait]
pub trait Tokens: Debug + Send + Sync {
    /// The token with this id.
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError>;

    /// All tokens, the oldest first.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// Adds a token, and writes into the audit log who made it.
    async fn add_token(&self, token: &Token, by: &Actor) -> Result<(), StoreError>;

    /// Removes a token, and writes into the audit log who did; tells whether there was one.
    async fn remove_token(&self, id: &str, by: &Actor) -> Result<bool, StoreError>;
}
