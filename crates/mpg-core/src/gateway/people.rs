//! What people are called, for lists that people read.

use std::collections::BTreeMap;

use super::Gateway;
use crate::id::UserId;
use crate::message::Author;

/// How many names are known at once.
const MOST: usize = 1_000;

/// How long a name may be, in characters.
const LONGEST: usize = 40;

/// The names of those who wrote since the start.
#[derive(Debug, Default)]
pub(super) struct People {
    names: BTreeMap<UserId, String>,
}

impl People {
    pub(super) fn meet(&mut self, author: &Author) {
        if self.names.len() >= MOST && !self.names.contains_key(&author.id) {
            // Whoever is still there is met again.
            self.names.clear();
        }
        let name = author.name.chars().take(LONGEST).collect();
        self.names.insert(author.id.clone(), name);
    }
}

impl Gateway {
    /// What somebody is called; their id where they did not write since the start.
    pub(super) fn name_of(&self, user: &UserId) -> String {
        let name = self.people.names.get(user);
        name.map_or_else(|| user.to_string(), Clone::clone)
    }
}
