//! The `config.json` of multi-project-gateway, read with its meaning.
//!
//! It becomes the document that a TOML file of the same meaning is, whose values stand where they
//! stand in the JSON; from there on both are read alike. What the predecessor ignores is ignored
//! here too and said; but where it would ignore a restriction, the file is refused.

mod agents;
mod field;
mod flags;
mod sheet;
mod tools;

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use self::field::{DEFAULTS, Field, Object, PROJECT};
use self::flags::Flags;
use self::sheet::Sheet;
use self::tools::{Inherited, Lists};
use crate::json::{self, Json, Node};
use crate::problem::{Problem, Problems};
use crate::project::unfit;
use crate::span::At;
use crate::suggestion::quoted;

/// The platform of every channel in such a file.
const PLATFORM: &str = "discord";

/// The fields of the file as `defaults.name` or `projects.ID.name`, and the key that each becomes;
/// an empty one where it means nothing here.
pub fn predecessor_fields() -> Vec<(String, &'static str)> {
    let table = |place: &'static str, fields: &'static [Field]| {
        fields
            .iter()
            .map(move |field| (format!("{place}.{}", field.name), field.key))
    };
    table("defaults", DEFAULTS)
        .chain(table("projects.ID", PROJECT))
        .collect()
}

/// Lowers the file; `None` where nothing of it can be used.
pub(crate) fn lower<'t>(text: &'t str, problems: &mut Problems) -> Option<DeTable<'t>> {
    let root = json::parse(text, problems)?;
    let root = Object::of("the file", &root, problems)?;
    root.warn_of_unknown(&["defaults", "projects"], problems);
    let mut document = Sheet::default();
    let no_defaults = Node {
        value: Json::Object(Vec::new()),
        span: 0..0,
    };
    let defaults = root.get("defaults").unwrap_or(&no_defaults);
    let inherited = lower_defaults(defaults, &mut document, problems);
    let projects = root.get("projects");
    if projects.is_none() {
        problems.error(no_projects(Problem::of_file("there are no projects")));
    }
    let projects = Object::of("projects", projects?, problems)?;
    if projects.is_empty() {
        problems.error(no_projects(Problem::new(
            projects.span(),
            "there are no projects",
        )));
    }
    let mut table = Sheet::default();
    let mut names = BTreeSet::new();
    for (channel, node) in projects.iter() {
        let path = format!("projects.{}", quoted(&channel.value).trim_matches('`'));
        if let Some(entries) = Object::of(&path, node, problems) {
            lower_project(
                channel, &entries, &inherited, &mut names, &mut table, problems,
            );
        }
    }
    if table.is_empty() {
        return None;
    }
    document.put_table("projects", projects.span(), table);
    Some(document.into_table())
}

/// Says in a document where the token is.
pub(crate) fn put_token_file(document: &mut DeTable<'_>, file: &str) {
    let mut table = Sheet::default();
    table.put_text("token-file", 0..0, file, 0..0);
    let mut whole = Sheet::of(std::mem::take(document));
    whole.put_table(PLATFORM, 0..0, table);
    *document = whole.into_table();
}

fn no_projects(problem: Problem) -> Problem {
    problem.with_help(
        "\"projects\" is an object with an entry for each channel: \"CHANNEL_ID\": { \
         \"directory\": \"/the/project's/directory\" }",
    )
}

fn lower_defaults<'t>(
    node: &Node<'t>,
    document: &mut Sheet<'t>,
    problems: &mut Problems,
) -> Inherited {
    let Some(entries) = Object::of("defaults", node, problems) else {
        return Inherited::default();
    };
    entries.warn_of_unknown_fields(DEFAULTS, problems);
    let mut tables: [(&str, Sheet<'t>); 4] =
        ["gateway", "log", "http", "defaults"].map(|name| (name, Sheet::default()));
    for field in DEFAULTS {
        if let Some((key, value)) = entries.lower(field, problems)
            && let Some((_, table)) = tables.iter_mut().find(|(name, _)| *name == field.table())
        {
            table.put(field.key, key, value);
        }
    }
    let [_, _, _, (_, own)] = &mut tables;
    let mut flags = lower_args(&entries, own, problems);
    if let Some(flags) = &mut flags {
        if flags.is_bare() {
            own.remove("args");
        }
        // Arguments replace the built-in ones, and with them the mode that stands there.
        if flags.mode.is_none() && flags.skip.is_none() {
            flags.mode = Some(At::new("default".to_owned(), flags.span.clone()));
        }
        flags.put_mode(own);
    }
    let inherited = Inherited::new(flags.as_ref());
    let lists = Lists::read(&entries, problems);
    lists.lower(flags.as_ref(), &inherited, inherited.mode, own, problems);
    for (name, table) in tables {
        if !table.is_empty() {
            document.put_table(name, node.span.clone(), table);
        }
    }
    inherited
}

fn lower_project<'t>(
    channel: &At<String>,
    entries: &Object<'_, 't>,
    inherited: &Inherited,
    names: &mut BTreeSet<String>,
    projects: &mut Sheet<'t>,
    problems: &mut Problems,
) {
    entries.warn_of_unknown_fields(PROJECT, problems);
    let mut table = Sheet::default();
    let has_directory = lower_directory(entries, &mut table, problems);
    let id = At::new(
        format!("{PLATFORM}:{}", channel.value),
        channel.span.clone(),
    );
    table.put_texts("channels", channel.span.clone(), vec![id]);
    for field in PROJECT {
        if let Some((key, value)) = entries.lower(field, problems) {
            table.put(field.key, key, value);
        }
    }
    let flags = lower_args(entries, &mut table, problems);
    if let Some(flags) = &flags {
        flags.put_mode(&mut table);
    }
    let mode = flags.as_ref().and_then(Flags::permission_mode);
    let lists = Lists::read(entries, problems);
    lists.lower(
        flags.as_ref(),
        inherited,
        mode.unwrap_or(inherited.mode),
        &mut table,
        problems,
    );
    if let Some((key, node)) = entries.entry("agents") {
        let path = format!("{}.agents", entries.path());
        agents::lower(&path, key, node, &mut table, problems);
    }
    if has_directory {
        let name = name(channel, entries, names, problems);
        projects.put_table(&name, channel.span.clone(), table);
    }
}

/// The directory, which is the one thing that a project must have.
fn lower_directory<'t>(
    entries: &Object<'_, 't>,
    table: &mut Sheet<'t>,
    problems: &mut Problems,
) -> bool {
    let path = entries.path();
    let (span, message) = match entries.entry("directory") {
        None => (entries.span(), format!("{path} has no \"directory\"")),
        Some((key, node)) => match &node.value {
            Json::Text(text) if !text.trim().is_empty() => {
                table.put_text("directory", key.span.clone(), text, node.span.clone());
                return true;
            }
            Json::Text(_) => (node.span.clone(), format!("{path}.directory is empty")),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => {
                let sort = node.sort();
                let message = format!("{path}.directory takes a string, not {sort}");
                (node.span.clone(), message)
            }
        },
    };
    problems.error(
        Problem::new(first_byte(span), message)
            .with_help("write the whole path of the project's directory"),
    );
    false
}

/// The arguments of a level, without the flags that keys stand for.
fn lower_args<'t>(
    entries: &Object<'_, 't>,
    table: &mut Sheet<'t>,
    problems: &mut Problems,
) -> Option<Flags> {
    let (key, node) = entries.entry("claudeArgs")?;
    let name = format!("{}.claudeArgs", entries.path());
    let args = entries.texts("claudeArgs", false, problems)?;
    let flags = Flags::read(&name, args, node.span.clone(), problems);
    flags.put_rest(key.span.clone(), table);
    Some(flags)
}

/// The project's name: its own, or that of its channel where it has none that can be used.
fn name(
    channel: &At<String>,
    entries: &Object<'_, '_>,
    names: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> String {
    let own = entries.text("name", problems);
    let mut name = channel.value.clone();
    if let Some(own) = own {
        if unfit(&own.value).is_some() {
            let message = format!("{} is no name for a project", quoted(&own.value));
            problems.warning(
                Problem::new(own.span, message).with_help("it is called by its channel instead"),
            );
        } else if names.contains(&own.value) {
            name = format!("{}-{}", own.value, channel.value);
            let message = format!("two projects are called {}", quoted(&own.value));
            problems.warning(
                Problem::new(own.span, message)
                    .with_help(format!("this one is called {} here", quoted(&name))),
            );
        } else {
            name = own.value;
        }
    }
    names.insert(name.clone());
    name
}

/// The first byte of a long place: all of an object would be shown otherwise.
fn first_byte(span: Range<usize>) -> Range<usize> {
    span.start..span.end.min(span.start + 1)
}

/// A value of the document.
type Value<'t> = toml::Spanned<DeValue<'t>>;
