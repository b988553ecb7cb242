//! The arguments for the agent's command line, sorted by what they are here.

use std::ops::Range;

use mpg_core::agent::PermissionMode;

use super::sheet::Sheet;
use crate::args::{KEYED, OWNED, SKIP_PERMISSIONS, bundles_owned};
use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::{listed, quoted};

/// The flags that the gateway sets itself and that have a value behind them.
const VALUED: [&str; 6] = [
    "--input-format",
    "--output-format",
    "--permission-prompt-tool",
    "--session-id",
    "--settings",
    "--setting-sources",
];

/// Those that may have one.
const PERHAPS_VALUED: [&str; 2] = ["--resume", "-r"];

/// Those that stand in nearly every file and that nobody misses.
const EXPECTED: [&str; 4] = ["-p", "--print", "--output-format", "--verbose"];

/// The arguments of one level.
#[derive(Debug)]
pub(super) struct Flags {
    /// Where they stand.
    pub(super) span: Range<usize>,
    rest: Vec<At<String>>,
    pub(super) mode: Option<At<String>>,
    /// Where all permissions are waived.
    pub(super) skip: Option<Range<usize>>,
    pub(super) allowed: Option<Vec<At<String>>>,
    pub(super) disallowed: Option<Vec<At<String>>>,
    model: Option<At<String>>,
    system_prompt: Option<At<String>>,
}

impl Flags {
    /// Sorts the arguments; drops what the gateway sets itself, and says so.
    pub(super) fn read(
        name: &str,
        args: Vec<At<String>>,
        span: Range<usize>,
        problems: &mut Problems,
    ) -> Self {
        let mut flags = Self {
            span,
            rest: Vec::new(),
            mode: None,
            skip: None,
            allowed: None,
            disallowed: None,
            model: None,
            system_prompt: None,
        };
        let mut args = Arguments(args.into_iter().peekable());
        while let Some(arg) = args.0.next() {
            let (flag, inline) = match arg.value.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
                None => (arg.value.clone(), None),
            };
            let inline = inline.map(|value| At::new(value, arg.span.clone()));
            let keyed = KEYED.iter().find(|(keyed, _)| *keyed == flag);
            match keyed.map(|(_, key)| *key) {
                Some(_) if flag == "--tools" => problems.error(
                    Problem::new(arg.span, format!("\"--tools\" cannot be in {name}"))
                        .with_help("name the tools in \"allowedTools\" instead"),
                ),
                Some("permission-mode") => flags.mode = args.value(inline, &arg, problems),
                Some("allowed-tools") => flags.allowed = Some(args.tools(inline.as_ref())),
                Some("disallowed-tools") => flags.disallowed = Some(args.tools(inline.as_ref())),
                Some("model") => flags.model = args.value(inline, &arg, problems),
                Some(_) => flags.system_prompt = args.value(inline, &arg, problems),
                None if flag == SKIP_PERMISSIONS => {
                    flags.skip = Some(arg.span.clone());
                    flags.rest.push(arg);
                }
                None if OWNED.contains(&flag.as_str()) => {
                    if inline.is_none() {
                        args.skip_value(&flag);
                    }
                    dropped(name, &flag, arg.span, problems);
                }
                None if bundles_owned(&flag) => dropped(name, &flag, arg.span, problems),
                None => flags.rest.push(arg),
            }
        }
        flags.check_mode(problems);
        flags
    }

    /// Whether the arguments themselves say which tools there are.
    pub(super) fn name_tools(&self) -> bool {
        self.allowed.is_some() || self.disallowed.is_some()
    }

    /// The mode that the arguments ask for.
    pub(super) fn permission_mode(&self) -> Option<PermissionMode> {
        if self.skip.is_some() {
            return Some(PermissionMode::BypassPermissions);
        }
        let mode = self.mode.as_ref()?;
        PermissionMode::ALL
            .into_iter()
            .find(|known| known.name() == mode.value)
    }

    pub(super) fn put_mode(&self, table: &mut Sheet<'_>) {
        if let Some(mode) = &self.mode {
            let span = mode.span.clone();
            table.put_text("permission-mode", span.clone(), &mode.value, span);
        }
    }

    /// Whether nothing is left that is passed on to the command line.
    pub(super) fn is_bare(&self) -> bool {
        self.rest.is_empty()
    }

    /// Puts down everything but the mode and the tools. An empty list of arguments is put down too:
    /// it replaces one that would be inherited.
    pub(super) fn put_rest(&self, key: Range<usize>, table: &mut Sheet<'_>) {
        table.put_texts("args", key, self.rest.clone());
        for (key, text) in [
            ("model", &self.model),
            ("system-prompt", &self.system_prompt),
        ] {
            if let Some(text) = text {
                table.put_text(key, text.span.clone(), &text.value, text.span.clone());
            }
        }
    }

    fn check_mode(&mut self, problems: &mut Problems) {
        let Some(mode) = &self.mode else {
            return;
        };
        let names = PermissionMode::ALL.map(PermissionMode::name);
        if self.skip.is_some() {
            let message = format!("the permission mode {} has no effect", quoted(&mode.value));
            problems.warning(Problem::new(mode.span.clone(), message).with_help(format!(
                "{SKIP_PERMISSIONS} beside it waives all permissions"
            )));
            self.mode = None;
        } else if !names.contains(&mode.value.as_str()) {
            let message = format!("{} is no permission mode", quoted(&mode.value));
            problems.error(
                Problem::new(mode.span.clone(), message)
                    .with_help(format!("modes are {}", listed(names))),
            );
            self.mode = None;
        }
    }
}

/// What is left of the arguments.
struct Arguments(std::iter::Peekable<std::vec::IntoIter<At<String>>>);

impl Arguments {
    fn value(
        &mut self,
        inline: Option<At<String>>,
        flag: &At<String>,
        problems: &mut Problems,
    ) -> Option<At<String>> {
        let value = inline.or_else(|| self.0.next());
        if value.is_none() {
            let message = format!("{} has no value", quoted(&flag.value));
            problems.error(Problem::new(flag.span.clone(), message));
        }
        value
    }

    /// The tools behind a flag: everything up to the next one, separated by commas or spaces.
    fn tools(&mut self, inline: Option<&At<String>>) -> Vec<At<String>> {
        let mut tools = Vec::new();
        let mut split = |value: &At<String>| {
            let names = split_tools(&value.value).into_iter();
            tools.extend(names.map(|name| At::new(name, value.span.clone())));
        };
        if let Some(inline) = inline {
            split(inline);
            return tools;
        }
        while let Some(value) = self.0.next_if(|arg| !arg.value.starts_with('-')) {
            split(&value);
        }
        tools
    }

    fn skip_value(&mut self, flag: &str) {
        if VALUED.contains(&flag) {
            self.0.next();
        } else if PERHAPS_VALUED.contains(&flag) {
            self.0.next_if(|arg| !arg.value.starts_with('-'));
        }
    }
}

fn dropped(name: &str, flag: &str, span: Range<usize>, problems: &mut Problems) {
    if !EXPECTED.contains(&flag) {
        let message = format!("{} in {name} is dropped", quoted(flag));
        problems
            .warning(Problem::new(span, message).with_help("the gateway sets this flag itself"));
    }
}

/// Splits at commas and spaces outside of brackets: `Read,Bash(git log:*)`.
fn split_tools(text: &str) -> Vec<String> {
    let mut tools = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' | ' ' if depth == 0 => {
                tools.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = tools.last_mut() {
            last.push(c);
        }
    }
    tools.retain(|tool| !tool.trim().is_empty());
    tools
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> (Flags, Vec<String>) {
        let args = args.iter().map(|arg| At::new((*arg).to_owned(), 0..1));
        let mut problems = Problems::default();
        let flags = Flags::read("claudeArgs", args.collect(), 0..1, &mut problems);
        let said = problems
            .errors
            .kept
            .into_iter()
            .chain(problems.warnings.kept);
        (flags, said.map(|problem| problem.message).collect())
    }

    fn texts(list: Option<&Vec<At<String>>>) -> Vec<&str> {
        let list = list.into_iter().flatten();
        list.map(|text| text.value.as_str()).collect()
    }

    #[test]
    fn the_flags_of_every_file_are_sorted_in_silence() {
        let (flags, said) = read(&[
            "--permission-mode",
            "acceptEdits",
            "--output-format",
            "json",
            "--print",
            "--verbose",
        ]);
        assert_eq!(said, [""; 0]);
        assert_eq!(flags.permission_mode(), Some(PermissionMode::AcceptEdits));
        assert_eq!(texts(Some(&flags.rest)), [""; 0]);
    }

    #[test]
    fn tools_are_split_like_the_cli_does() {
        let (flags, said) = read(&[
            "--allowed-tools",
            "Read,Edit",
            "Bash(git log:*) Bash(a,b)",
            "--disallowedTools=Write",
            "--add-dir",
            "/srv",
        ]);
        assert_eq!(said, [""; 0]);
        let allowed = texts(flags.allowed.as_ref());
        assert_eq!(allowed, ["Read", "Edit", "Bash(git log:*)", "Bash(a,b)"]);
        assert_eq!(texts(flags.disallowed.as_ref()), ["Write"]);
        assert_eq!(texts(Some(&flags.rest)), ["--add-dir", "/srv"]);
    }

    #[test]
    fn what_the_gateway_sets_is_dropped_with_its_value() {
        let (flags, said) = read(&[
            "--resume",
            "abc",
            "--settings",
            "x.json",
            "-c",
            "--session-id=1",
            "-pc",
            "--effort",
            "high",
            "--resume",
            "--model",
            "opus",
            "--append-system-prompt",
            "Be brief.",
        ]);
        insta::assert_snapshot!(said.join("\n"));
        assert_eq!(texts(Some(&flags.rest)), ["--effort", "high"]);
        assert_eq!(
            flags.model.map(|model| model.value).as_deref(),
            Some("opus")
        );
        let prompt = flags.system_prompt.map(|prompt| prompt.value);
        assert_eq!(prompt.as_deref(), Some("Be brief."));
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let (flags, said) = read(&["--permission-mode", "plan", SKIP_PERMISSIONS]);
        assert_eq!(said, ["the permission mode `plan` has no effect"]);
        assert_eq!(
            flags.permission_mode(),
            Some(PermissionMode::BypassPermissions)
        );
        assert_eq!(
            read(&["--permission-mode", "yolo"]).1,
            ["`yolo` is no permission mode"]
        );
        assert_eq!(read(&["--model"]).1, ["`--model` has no value"]);
        assert_eq!(
            read(&["--tools", "Read"]).1,
            ["\"--tools\" cannot be in claudeArgs"]
        );
    }
}
