//! Whom a text names.

use std::collections::BTreeSet;

use super::World;
use crate::discord::snowflake::Snowflake;

/// Whom a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::discord) struct Mentions {
    pub(in crate::discord) users: BTreeSet<Snowflake>,
    pub(in crate::discord) everyone: bool,
}

impl World {
    /// The people that a text names: `<@1>`, `<@!1>`, `@everyone`, `@here`.
    pub(in crate::discord) fn mentions_in(&self, text: &str) -> Mentions {
        let users = text.split("<@").skip(1).filter_map(|rest| {
            let (id, _) = rest.split_once('>')?;
            let id = id.strip_prefix('!').unwrap_or(id).parse().ok()?;
            self.users.contains_key(&id).then_some(id)
        });
        Mentions {
            users: users.collect(),
            everyone: text.contains("@everyone") || text.contains("@here"),
        }
    }
}
