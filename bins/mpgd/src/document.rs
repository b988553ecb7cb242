//! The configuration file as a text that people keep: what is added to it and taken out of it leaves
//! their comments and their order alone.

use std::fmt::Write as _;

use mpg_config::{Section, keys};
use toml_edit::{Array, DocumentMut, Formatted, Item, Table, Value};

/// A project as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) directory: String,
    /// The channels as the file names them, each with what a person calls it.
    pub(crate) channels: Vec<(String, Option<String>)>,
}

/// Where the file says that the token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    File(String),
    Env(String),
}

/// A configuration file that can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Document(DocumentMut);

/// What a new file leaves as it is, and says so: the key, and why somebody may want another value.
const OFFERED: [(&str, &str); 3] = [
    (
        "allowed-roles",
        "Who may use projects: roles, by id or exact name. Empty: everybody who can post there.",
    ),
    (
        "allowed-tools",
        "What runs unasked. A shell rule such as \"Bash(git:*)\" lets an agent run any command.",
    ),
    (
        "worktree",
        "Whether each thread works in a git work tree of its own: auto, always or never.",
    ),
];

impl Document {
    /// A new file with comments, and no projects yet.
    pub(crate) fn new(token: &TokenPlace, bot: &str) -> Self {
        let mut text = String::from(
            "# Which channel leads to which directory, written by `mpgd init`.\n\
             # `mpgd project add` adds to it, `mpgd check` says what it means; every key is in\n\
             # docs/configuration.md.\n\n[discord]\n",
        );
        let (comment, key, value) = match token {
            TokenPlace::File(file) => (
                format!("# Holds the token of {bot} and nothing else; for this user alone."),
                "token-file",
                file,
            ),
            TokenPlace::Env(name) => (
                format!("# The variable with the token of {bot}."),
                "token-env",
                name,
            ),
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comment}\n{key} = {}\n\n[defaults]\n", quoted(value));
        let known = keys();
        for (name, comment) in OFFERED {
            let key = known
                .iter()
                .find(|key| key.name == name && key.sections.contains(&Section::Defaults));
            let default = key.and_then(|key| key.default).unwrap_or("[]");
            let _ = write!(text, "# {comment}\n# {name} = {default}\n");
        }
        // The last one is a key: comments at the end of the file would stay there, below the projects.
        text.push_str(
            "# How freely an agent acts within its directory: default, acceptEdits, plan or\n\
             # bypassPermissions.\npermission-mode = \"acceptEdits\"\n",
        );
        Self(text.parse().expect("it was written to be TOML"))
    }

    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, toml_edit::TomlError> {
        text.parse().map(Self)
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }

    /// The text that a key of a table holds.
    pub(crate) fn text_of(&self, table: &str, key: &str) -> Option<String> {
        let table = self.0.get(table)?.as_table_like()?;
        Some(table.get(key)?.as_str()?.to_owned())
    }

    /// The projects, in the order of the file.
    pub(crate) fn projects(&self) -> Vec<Entry> {
        let projects = self.0.get("projects").and_then(Item::as_table_like);
        let tables = projects.into_iter().flat_map(|projects| projects.iter());
        tables
            .filter_map(|(name, item)| {
                let table = item.as_table_like()?;
                let channels = table.get("channels").and_then(Item::as_array);
                Some(Entry {
                    name: name.to_owned(),
                    directory: table
                        .get("directory")
                        .and_then(Item::as_str)
                        .unwrap_or_default()
                        .to_owned(),
                    channels: channels
                        .into_iter()
                        .flatten()
                        .filter_map(|channel| Some((channel.as_str()?.to_owned(), None)))
                        .collect(),
                })
            })
            .collect()
    }

    /// Adds a project behind the last one. Says whether that can be done: not where there is one of
    /// this name, nor in a table that is written on one line.
    pub(crate) fn add(&mut self, entry: &Entry) -> bool {
        let mut array = Array::new();
        for (channel, _) in &entry.channels {
            array.push(channel.as_str());
        }
        let mut channels = Value::Array(array);
        let called: Vec<&str> = entry
            .channels
            .iter()
            .filter_map(|(_, name)| name.as_deref())
            .collect();
        if !called.is_empty() {
            let called: String = called
                .join(", ")
                .chars()
                .filter(|c| !c.is_control())
                .collect();
            channels.decor_mut().set_suffix(format!(" # {called}"));
        }
        let mut table = Table::new();
        table.insert("directory", toml_edit::value(entry.directory.as_str()));
        table.insert("channels", Item::Value(channels));
        let mut implicit = Table::new();
        implicit.set_implicit(true);
        let projects = self.0.entry("projects").or_insert(Item::Table(implicit));
        let Some(projects) = projects.as_table_mut() else {
            return false;
        };
        if projects.contains_key(&entry.name) {
            return false;
        }
        table.decor_mut().set_prefix("\n");
        projects.insert(&entry.name, Item::Table(table));
        true
    }

    /// Takes a project out, with everything in its table and the comments above it.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let projects = self.0.get_mut("projects").and_then(Item::as_table_like_mut);
        projects.is_some_and(|projects| projects.remove(name).is_some())
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::String(Formatted::new(text.to_owned())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, channel: Option<(&str, &str)>) -> Entry {
        let channel = channel.map(|(key, name)| (key.to_owned(), Some(name.to_owned())));
        Entry {
            name: name.to_owned(),
            directory: format!("/srv/{name}"),
            channels: channel.into_iter().collect(),
        }
    }

    #[test]
    fn a_new_file() {
        let token = TokenPlace::File("/srv/ann/.mpg/discord-token".to_owned());
        let mut document = Document::new(&token, "mpg");
        assert!(document.add(&entry("shop", Some(("discord:1", "#shop")))));
        assert!(document.add(&entry("a b", None)));
        assert!(!document.add(&entry("shop", None)), "it is there");
        insta::assert_snapshot!(document.text());
        let read = Document::parse(&document.text()).unwrap();
        let names: Vec<String> = read
            .projects()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["shop", "a b"]);
    }

    #[test]
    fn what_people_wrote_stays() {
        let text = "# mine\n[projects.one]  # the first\ndirectory = '/one'\nchannels = [\n  \
                    'discord:1', # general\n]\n\n# about two\n[projects.two]\ndirectory = '/two'\n\
                    channels = []\n[projects.two.agents.pm]\npreset = 'pm'\n\n[log]\nlevel = 'warn' # quiet\n";
        let mut document = Document::parse(text).unwrap();
        assert_eq!(document.text(), text);
        assert!(document.add(&entry("three", Some(("discord:3", "#three")))));
        assert!(document.remove("two"));
        assert!(!document.remove("two"));
        insta::assert_snapshot!(document.text());
    }

    #[test]
    fn a_table_on_one_line_is_left_alone() {
        let text = "projects = { one = { directory = '/one', channels = [] } }\n";
        let mut document = Document::parse(text).unwrap();
        assert_eq!(document.projects().len(), 1);
        assert!(!document.add(&entry("two", None)));
        assert_eq!(document.text(), text);
    }
}
