//! The tool lists of a level.

use std::ops::Range;

use mpg_core::agent::PermissionMode;

use super::field::Object;
use super::flags::Flags;
use super::sheet::Sheet;
use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::quoted;

/// What projects inherit.
#[derive(Debug)]
pub(super) struct Inherited {
    pub(super) mode: PermissionMode,
    /// Whether the arguments of `defaults` say which tools there are.
    flags_name_tools: bool,
}

impl Default for Inherited {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Inherited {
    /// What the arguments of `defaults` say, or the built-in ones.
    pub(super) fn new(flags: Option<&Flags>) -> Self {
        Self {
            mode: flags
                .and_then(Flags::permission_mode)
                .unwrap_or(PermissionMode::AcceptEdits),
            flags_name_tools: flags.is_some_and(Flags::name_tools),
        }
    }
}

/// The lists of one level.
#[derive(Debug)]
pub(super) struct Lists {
    allowed: Option<List>,
    extra: Option<List>,
    disallowed: Option<List>,
}

#[derive(Debug)]
struct List {
    key: Range<usize>,
    tools: Vec<At<String>>,
}

impl Lists {
    pub(super) fn read(entries: &Object<'_, '_>, problems: &mut Problems) -> Self {
        let mut list = |name, restricts| {
            let (key, _) = entries.entry(name)?;
            Some(List {
                key: key.span.clone(),
                tools: entries.texts(name, restricts, problems)?,
            })
        };
        Self {
            allowed: list("allowedTools", true),
            extra: list("extraAllowedTools", false),
            disallowed: list("disallowedTools", true),
        }
    }

    /// Puts down what holds: what the arguments say, for then no list counts, else the lists.
    pub(super) fn lower(
        mut self,
        flags: Option<&Flags>,
        inherited: &Inherited,
        mode: PermissionMode,
        table: &mut Sheet<'_>,
        problems: &mut Problems,
    ) {
        let flags = flags.filter(|flags| flags.name_tools());
        if flags.is_some() || inherited.flags_name_tools {
            for list in [&self.allowed, &self.extra, &self.disallowed]
                .into_iter()
                .flatten()
            {
                problems.warning(
                    Problem::new(list.key.clone(), "this list has no effect")
                        .with_help("\"claudeArgs\" name tools themselves, which counts instead"),
                );
            }
            let Some(flags) = flags else {
                return;
            };
            let list = |tools: &Option<Vec<At<String>>>| {
                tools.as_ref().map(|tools| List {
                    key: flags.span.clone(),
                    tools: tools.clone(),
                })
            };
            self = Self {
                allowed: Some(list(&flags.allowed).unwrap_or(List {
                    key: flags.span.clone(),
                    tools: Vec::new(),
                })),
                extra: None,
                disallowed: Some(list(&flags.disallowed).unwrap_or(List {
                    key: flags.span.clone(),
                    tools: Vec::new(),
                })),
            };
        }
        self.allow_over_disallow(problems);
        let denied: Vec<String> = self
            .disallowed
            .iter()
            .flat_map(|list| &list.tools)
            .map(|tool| tool.value.clone())
            .collect();
        if let Some(allowed) = &mut self.allowed
            && allowed.tools.is_empty()
        {
            let unasked = unasked(mode).iter();
            let tools = unasked.map(|tool| At::new((*tool).to_owned(), allowed.key.clone()));
            allowed.tools = tools.filter(|tool| !denied.contains(&tool.value)).collect();
        }
        let lists = [
            ("allowed-tools", self.allowed),
            ("extra-allowed-tools", self.extra),
            ("disallowed-tools", self.disallowed),
        ];
        for (key, list) in lists {
            if let Some(list) = list {
                table.put_texts(key, list.key, list.tools);
            }
        }
    }

    /// A tool that one level both allows and disallows is allowed.
    fn allow_over_disallow(&mut self, problems: &mut Problems) {
        let Some(disallowed) = &mut self.disallowed else {
            return;
        };
        let lists = [&self.allowed, &self.extra].into_iter().flatten();
        let allowed: Vec<&At<String>> = lists.flat_map(|list| &list.tools).collect();
        disallowed.tools.retain(|tool| {
            let both = allowed.iter().find(|other| other.value == tool.value);
            if let Some(other) = both {
                let message = format!("{} is both allowed and disallowed", quoted(&tool.value));
                problems.warning(
                    Problem::new(other.span.clone(), message)
                        .with_label("allowed here")
                        .and_at(tool.span.clone(), "disallowed here")
                        .with_help("it is allowed, as by multi-project-gateway"),
                );
            }
            both.is_none()
        });
    }
}

/// What the agent does unasked when no list allows anything: an empty list leaves it to the mode.
fn unasked(mode: PermissionMode) -> &'static [&'static str] {
    match mode {
        PermissionMode::AcceptEdits => &[
            "Read",
            "Edit",
            "Write",
            "NotebookEdit",
            "Glob",
            "Grep",
            "TodoWrite",
        ],
        PermissionMode::Default | PermissionMode::Plan => &["Read", "Glob", "Grep", "TodoWrite"],
        // Nothing is asked for in any case.
        PermissionMode::BypassPermissions => &[],
    }
}
