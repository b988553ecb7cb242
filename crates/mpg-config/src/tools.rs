//! Which tools an agent may use, level by level.

use crate::problem::{Problem, Problems};
use crate::schema::{ALLOWED_TOOLS, DISALLOWED_TOOLS, EXTRA_ALLOWED_TOOLS};
use crate::section::Table;
use crate::span::At;
use crate::suggestion::quoted;

/// The tool lists of one level, as they stand in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolLists {
    allowed: Option<Vec<At<String>>>,
    extra: Vec<At<String>>,
    disallowed: Option<Vec<At<String>>>,
}

/// What holds at one level: its own lists over those of the level below.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    allowed: Vec<String>,
    disallowed: Vec<String>,
}

impl ToolLists {
    /// Reads the lists; refuses a tool that is on both sides.
    pub(crate) fn read(table: &Table<'_, '_>, problems: &mut Problems) -> Self {
        let lists = Self {
            allowed: table.read(&ALLOWED_TOOLS, problems).map(|list| list.value),
            extra: table
                .read(&EXTRA_ALLOWED_TOOLS, problems)
                .map_or_else(Vec::new, |list| list.value),
            disallowed: table
                .read(&DISALLOWED_TOOLS, problems)
                .map(|list| list.value),
        };
        let disallowed = lists.disallowed.iter().flatten();
        for tool in lists.allowing().chain(disallowed) {
            if tool.value.starts_with('-') || tool.value.contains(char::is_control) {
                let message = format!("{} is no tool", quoted(&tool.value));
                problems
                    .error(Problem::new(tool.span.clone(), message).with_help(
                        "write its name or a rule, such as \"Read\" or \"Bash(git:*)\"",
                    ));
            }
        }
        for tool in lists.allowing() {
            let mut disallowed = lists.disallowed.iter().flatten();
            if let Some(opposite) = disallowed.find(|other| other.value == tool.value) {
                let message = format!("{} is both allowed and disallowed", quoted(&tool.value));
                problems.error(
                    Problem::new(tool.span.clone(), message)
                        .with_label("allowed here")
                        .and_at(opposite.span.clone(), "disallowed here")
                        .with_help("keep one of the two"),
                );
            }
        }
        lists
    }

    fn allowing(&self) -> impl Iterator<Item = &At<String>> {
        self.allowed.iter().flatten().chain(&self.extra)
    }
}

impl Tools {
    /// What holds when nobody says anything.
    pub(crate) fn built_in() -> Self {
        Self {
            allowed: texts(&ALLOWED_TOOLS.default().value),
            disallowed: texts(&DISALLOWED_TOOLS.default().value),
        }
    }

    /// Puts a level's lists over this one: a list that is set replaces, extra tools are added.
    /// Warns of a tool that is allowed there but stays disallowed from here.
    pub(crate) fn under(&self, lists: &ToolLists, problems: &mut Problems) -> Self {
        let mut allowed = match &lists.allowed {
            Some(allowed) => texts(allowed),
            None => self.allowed.clone(),
        };
        allowed.extend(texts(&lists.extra));
        let disallowed = lists.disallowed.as_deref().map(texts);
        let stays = |tool: &&At<String>| {
            lists.disallowed.is_none() && self.disallowed.contains(&tool.value)
        };
        for tool in lists.allowing().filter(stays) {
            let message = format!("{} stays disallowed", quoted(&tool.value));
            problems.warning(Problem::new(tool.span.clone(), message).with_help(
                "a table that this one inherits from disallows it; set \
                                `disallowed-tools` here as well",
            ));
        }
        let disallowed = disallowed.unwrap_or_else(|| self.disallowed.clone());
        Self {
            allowed,
            disallowed,
        }
    }

    /// The final lists: allowed, disallowed; no tool twice, none on both.
    pub(crate) fn into_lists(self) -> (Vec<String>, Vec<String>) {
        let mut allowed: Vec<String> = Vec::with_capacity(self.allowed.len());
        for tool in self.allowed {
            if !allowed.contains(&tool) && !self.disallowed.contains(&tool) {
                allowed.push(tool);
            }
        }
        let mut disallowed: Vec<String> = Vec::with_capacity(self.disallowed.len());
        for tool in self.disallowed {
            if !disallowed.contains(&tool) {
                disallowed.push(tool);
            }
        }
        (allowed, disallowed)
    }
}

fn texts(tools: &[At<String>]) -> Vec<String> {
    tools.iter().map(|tool| tool.value.clone()).collect()
}
