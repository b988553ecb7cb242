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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::AuthorKind;

    fn author(id: usize, name: &str) -> Author {
        Author {
            id: UserId::new(id.to_string()),
            name: name.to_owned(),
            kind: AuthorKind::Human,
            roles: Vec::new(),
        }
    }

    #[test]
    fn so_many_people_are_known_by_name_and_no_more() {
        let mut people = People::default();
        for number in 0..MOST {
            people.meet(&author(number, "ann"));
        }
        assert_eq!(people.names.len(), MOST);
        people.meet(&author(0, &"b".repeat(LONGEST + 1)));
        assert_eq!(people.names.len(), MOST, "who is known takes no room");
        assert_eq!(people.names[&UserId::new("0")], "b".repeat(LONGEST));
        people.meet(&author(MOST, "cid"));
        assert_eq!(people.names.len(), 1);
    }
}
