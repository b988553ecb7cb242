//! One table of the file, read key by key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems};
use crate::schema::kind::{Kind, wrong_type};
use crate::schema::{Key, NAMES, Section};
use crate::suggestion::{closest, listed, quoted};

/// A table of the file, or its absence.
#[derive(Clone, Debug)]
pub(crate) struct Table<'d, 'i> {
    section: Section,
    /// How the table is called in messages.
    path: String,
    entries: Option<&'d DeTable<'i>>,
}

impl<'d, 'i> Table<'d, 'i> {
    /// Takes the table of `section` out of the document; refuses what it does not know.
    pub(crate) fn of_document(
        section: Section,
        document: &'d DeTable<'i>,
        problems: &mut Problems,
    ) -> Self {
        let path = section.name().to_owned();
        match document.get(section.name()) {
            Some(value) => Self::new(section, path, value, problems),
            None => Self {
                section,
                path,
                entries: None,
            },
        }
    }

    /// Reads `value` as a table of the keys of `section`; refuses what it does not know.
    pub(crate) fn new(
        section: Section,
        path: String,
        value: &'d Spanned<DeValue<'i>>,
        problems: &mut Problems,
    ) -> Self {
        let entries = table(&path, value, problems);
        for key in entries.into_iter().flat_map(DeTable::keys) {
            let known = NAMES
                .iter()
                .any(|(name, sections)| *name == key.get_ref() && sections.contains(&section));
            if !known {
                problems.error_with(|| unknown(section, &path, key.get_ref(), key.span()));
            }
        }
        Self {
            section,
            path,
            entries,
        }
    }

    /// Whether the key is set, to whatever value.
    pub(crate) fn has<K>(&self, key: &Key<K>) -> bool {
        self.entries
            .is_some_and(|entries| entries.contains_key(key.name))
    }

    /// Whether there is a table at all, with keys or without.
    pub(crate) fn is_table(&self) -> bool {
        self.entries.is_some()
    }

    /// The value of a key as it stands in the file.
    pub(crate) fn value<K>(&self, key: &Key<K>) -> Option<&'d Spanned<DeValue<'i>>> {
        self.entries?.get(key.name)
    }

    /// Reads a key, if it is set.
    pub(crate) fn read<K: Kind>(&self, key: &Key<K>, problems: &mut Problems) -> Option<K::Value> {
        debug_assert!(key.sections.contains(&self.section), "{}", key.name);
        let value = self.entries?.get(key.name)?;
        let name = format!("{}.{}", self.path, key.name);
        key.kind.read(&name, value, problems)
    }
}

/// Reads a value as a table.
pub(crate) fn table<'d, 'i>(
    path: &str,
    value: &'d Spanned<DeValue<'i>>,
    problems: &mut Problems,
) -> Option<&'d DeTable<'i>> {
    let entries = value.get_ref().as_table();
    if entries.is_none() {
        let help = format!("write it as [{path}]");
        problems.error(wrong_type(path, "a table", value).with_help(help));
    }
    entries
}

fn unknown(section: Section, path: &str, key: &str, span: Range<usize>) -> Problem {
    let here = || {
        NAMES
            .iter()
            .filter(move |(_, sections)| sections.contains(&section))
            .map(|(name, _)| *name)
    };
    let help = if NAMES.iter().any(|(name, _)| *name == key) {
        format!("`{key}` belongs in {}", homes(key))
    } else if let Some(name) = closest(key, here()) {
        format!("did you mean `{name}`?")
    } else if let Some(name) = closest(key, NAMES.iter().map(|(name, _)| *name)) {
        format!("did you mean `{name}`? It belongs in {}", homes(name))
    } else {
        format!("[{path}] takes\n{}", listed(here()))
    };
    Problem::new(span, format!("unknown key {} in [{path}]", quoted(key))).with_help(help)
}

/// Where a key may be set, as a sentence goes on.
pub(crate) fn homes(key: &str) -> String {
    let homes = NAMES.iter().filter(|(name, _)| *name == key);
    let homes = homes.flat_map(|(_, sections)| sections.iter());
    let homes: Vec<String> = homes.map(ToString::to_string).collect();
    homes.join(" or ")
}
