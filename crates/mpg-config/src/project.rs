//! The projects of a file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use mpg_core::config::{Patience, Project};
use mpg_core::id::ProjectName;
use toml::de::DeTable;

use crate::agents;
use crate::channel::Claims;
use crate::layer::{Layer, Layers};
use crate::load::Input;
use crate::path;
use crate::problem::{Problem, Problems};
use crate::schema::{CHANNELS, DIRECTORY, Section};
use crate::section::{Table, table};
use crate::settings::ProjectSettings;
use crate::suggestion::quoted;
use crate::tools::Tools;

/// The longest name of a project, in characters.
const NAME_LIMIT: usize = 100;

/// What a name must be.
const NAME_RULE: &str = "a name has from 1 to 100 characters, none of them a control character, \
                         and no space at either end";

/// What a file needs at the least.
const LEAST: &str = "a file has at least one project:\n\n\
                     [projects.NAME]\n\
                     directory = \"/the/project's/directory\"\n\
                     channels = [\"discord:CHANNEL_ID\"]";

/// Reads `[projects.*]`.
pub(crate) fn read(
    document: &DeTable<'_>,
    defaults: &Layer,
    input: &Input<'_, '_>,
    problems: &mut Problems,
) -> (Vec<Project>, BTreeMap<ProjectName, ProjectSettings>) {
    let mut projects = Vec::new();
    let mut settings = BTreeMap::new();
    let Some(value) = document.get("projects") else {
        problems.error(Problem::of_file("there are no projects").with_help(LEAST));
        return (projects, settings);
    };
    let Some(entries) = table("projects", value, problems) else {
        return (projects, settings);
    };
    if entries.is_empty() {
        problems.error(Problem::new(value.span(), "there are no projects").with_help(LEAST));
    }
    let tools = defaults.tools(problems);
    let mut claims = Claims::default();
    for (key, value) in entries {
        let name = key.get_ref();
        if let Some(message) = unfit(name) {
            problems.error(Problem::new(key.span(), message).with_help(NAME_RULE));
        }
        let path = format!("projects.{}", key_text(name));
        let table = Table::new(Section::Project, path.clone(), value, problems);
        let reading = Reading {
            name: ProjectName::new(&**name),
            path,
            table,
            header: key.span(),
            input,
        };
        let (project, rest) = reading.lower(defaults, &tools, &mut claims, problems);
        settings.insert(project.name.clone(), rest);
        projects.push(project);
    }
    (projects, settings)
}

/// One project while it is read.
struct Reading<'a, 'd, 'i> {
    name: ProjectName,
    path: String,
    table: Table<'d, 'i>,
    header: Range<usize>,
    input: &'a Input<'a, 'a>,
}

impl Reading<'_, '_, '_> {
    fn lower(
        &self,
        defaults: &Layer,
        tools: &Tools,
        claims: &mut Claims,
        problems: &mut Problems,
    ) -> (Project, ProjectSettings) {
        let directory = self.directory(problems);
        let channels = self.table.read(&CHANNELS, problems);
        if !self.table.has(&CHANNELS) && self.table.is_table() {
            problems.error(self.missing("channels", "channels = [\"discord:CHANNEL_ID\"]"));
        }
        if let Some(channels) = &channels
            && channels.value.is_empty()
        {
            let message = format!("no channel leads to {}", quoted(self.name.as_str()));
            problems.warning(Problem::new(channels.span.clone(), message));
        }
        let platforms = self.input.platforms;
        let channels = channels.map(|channels| claims.take(&channels, platforms, problems));
        let layer = Layer::read(&self.path, &self.table, problems);
        let layers = Layers {
            project: &layer,
            defaults,
        };
        let tools = tools.under(&layer.setup.tools, problems);
        let (agent, agents) = agents::read(&self.path, &self.table, &layers, &tools, problems);
        let project = Project {
            name: self.name.clone(),
            directory: directory.unwrap_or_default(),
            channels: channels.unwrap_or_default(),
            access: layers.access(),
            unsafe_limit: layers.unsafe_limit(),
            permission_timeout: layers.permission_timeout(),
            rate_limit_per_user: layers.rate_limit(),
            max_concurrent_turns: layers.max_concurrent_turns(),
            agent: Arc::new(agent),
            agents,
            handoff: layers.handoff(),
            max_handoffs: layers.max_handoffs(),
            handoff_budget: layers.handoff_budget(),
            budgets: layers.budgets(),
            history_limit: layers.history(),
            worktree_per: layers.worktree_per(),
            idle_timeout: layers.idle_timeout(),
            turn_timeout: layers.turn_timeout(),
            patience: self.patience(&layers, problems),
            on_interrupted: layers.on_interrupted(),
            while_busy: layers.while_busy(),
            agent_timeout: layers.agent_timeout(),
            catch_up: layers.catch_up(),
            catch_up_limit: layers.catch_up_limit(),
            attachments: layers.attachments(),
            answer_as_file: layers.answer_as_file(),
            verbosity: layers.verbosity(),
            status_message: layers.status_message(),
            notify_after: layers.notify_after(),
        };
        (project, layers.settings())
    }

    fn patience(&self, layers: &Layers<'_>, problems: &mut Problems) -> Patience {
        let patience = layers.patience();
        if patience.limit <= patience.notice {
            let message = format!(
                "the `stall-limit` of project {} is not longer than its `stall-notice`",
                quoted(self.name.as_str())
            );
            let help = "the thread is told first, and the agent is stopped later; set both in the \
                        same table";
            problems.error(Problem::new(self.header.clone(), message).with_help(help));
        }
        patience
    }

    fn directory(&self, problems: &mut Problems) -> Option<String> {
        if !self.table.has(&DIRECTORY) && self.table.is_table() {
            problems.error(self.missing("directory", "directory = \"/the/project's/directory\""));
        }
        let written = self.table.read(&DIRECTORY, problems)?;
        let name = format!("{}.directory", self.path);
        let directory = path::absolute(&name, &written, self.input.env, problems)?;
        if !(self.input.directory_exists)(&directory) {
            let message = format!("there is no directory {}", quoted(&directory));
            problems.error(
                Problem::new(written.span, message).with_help("create it, or correct the path"),
            );
        }
        Some(directory)
    }

    fn missing(&self, key: &str, example: &str) -> Problem {
        let message = format!("project {} has no `{key}`", quoted(self.name.as_str()));
        Problem::new(self.header.clone(), message).with_help(format!("add\n{example}"))
    }
}

/// What makes a name unfit for a project.
pub(crate) fn unfit(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a project has an empty name".to_owned());
    }
    let fits = name.trim() == name
        && name.chars().count() <= NAME_LIMIT
        && !name.contains(char::is_control);
    (!fits).then(|| format!("{} is no name for a project", quoted(name)))
}

/// A key as a person would write it.
fn key_text(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let quoted = quoted(name);
    let name = quoted.trim_matches('`');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}
