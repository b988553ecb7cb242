//! Arguments for the agent's own command line, and the flags among them that are not the author's
//! to set.

use std::ops::Range;

use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::quoted;

/// Flags that the gateway sets itself: with another value its protocol with the agent breaks.
pub(crate) const OWNED: [&str; 17] = [
    "-p",
    "--print",
    "--input-format",
    "--output-format",
    "--verbose",
    "--permission-prompt-tool",
    "--resume",
    "-r",
    "--continue",
    "-c",
    "--session-id",
    "--replay-user-messages",
    "--include-partial-messages",
    "--fork-session",
    "--no-session-persistence",
    "--settings",
    "--setting-sources",
];

/// Flags that a key stands for, and the key.
pub(crate) const KEYED: [(&str, &str); 8] = [
    ("--permission-mode", "permission-mode"),
    ("--allowed-tools", "allowed-tools"),
    ("--allowedTools", "allowed-tools"),
    ("--disallowed-tools", "disallowed-tools"),
    ("--disallowedTools", "disallowed-tools"),
    ("--tools", "allowed-tools"),
    ("--model", "model"),
    ("--append-system-prompt", "system-prompt"),
];

/// The flag that stands for `permission-mode = "bypassPermissions"`.
pub(crate) const SKIP_PERMISSIONS: &str = "--dangerously-skip-permissions";

/// Arguments that were checked.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// What is appended to the runtime's own arguments.
    pub(crate) rest: Vec<String>,
    /// Where all permissions were waived.
    pub(crate) skip_permissions: Option<Range<usize>>,
}

impl Args {
    /// Sorts out the flags that mean something to the gateway; refuses those that it owns.
    pub(crate) fn new(name: &str, args: At<Vec<At<String>>>, problems: &mut Problems) -> Self {
        let mut checked = Self {
            rest: Vec::new(),
            skip_permissions: None,
        };
        for arg in args.value {
            let flag = arg.value.split('=').next().unwrap_or_default();
            if flag == SKIP_PERMISSIONS {
                checked.skip_permissions = Some(arg.span);
            } else if let Some(help) = refusal(flag) {
                let message = format!("{} cannot be in `{name}`", quoted(flag));
                problems.error(Problem::new(arg.span, message).with_help(help));
            } else if arg.value.contains('\0') {
                let message = format!("`{name}` holds a NUL character");
                problems.error(Problem::new(arg.span, message));
            } else {
                checked.rest.push(arg.value);
            }
        }
        checked
    }
}

fn refusal(flag: &str) -> Option<String> {
    if OWNED.contains(&flag) || bundles_owned(flag) {
        return Some("the gateway sets this flag itself; remove it, with its value".to_owned());
    }
    let (_, key) = KEYED.iter().find(|(keyed, _)| *keyed == flag)?;
    Some(format!("use the key `{key}`"))
}

/// Whether one-letter flags stand together, as in `-pc`, and one of them is the gateway's.
pub(crate) fn bundles_owned(flag: &str) -> bool {
    let letters = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    letters.is_some_and(|letters| {
        letters
            .chars()
            .any(|letter| OWNED.contains(&format!("-{letter}").as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str]) -> (Args, usize) {
        let args = args.iter().map(|arg| At::new((*arg).to_owned(), 0..1));
        let mut problems = Problems::default();
        let args = Args::new("args", At::new(args.collect(), 0..1), &mut problems);
        (args, problems.errors.kept.len())
    }

    #[test]
    fn refuses_every_flag_that_is_not_the_authors() {
        let keyed = KEYED.iter().map(|(flag, _)| *flag);
        for flag in OWNED.into_iter().chain(keyed) {
            assert_eq!(check(&[flag]).1, 1, "{flag}");
            assert_eq!(check(&[&format!("{flag}=x")]).1, 1, "{flag}=x");
        }
    }

    #[test]
    fn refuses_owned_flags_in_a_bundle() {
        for flag in ["-pc", "-dp", "-rsession"] {
            assert_eq!(check(&[flag]).1, 1, "{flag}");
        }
        assert_eq!(check(&["-d"]).1, 0);
    }

    #[test]
    fn passes_other_flags_on_in_order() {
        let (args, problems) = check(&["--add-dir", "/srv", "--effort=high", "--printer"]);
        assert_eq!(
            args.rest,
            ["--add-dir", "/srv", "--effort=high", "--printer"]
        );
        assert_eq!((problems, args.skip_permissions), (0, None));
    }

    #[test]
    fn takes_the_waiver_of_permissions_out() {
        let (args, problems) = check(&["--add-dir", "/srv", SKIP_PERMISSIONS]);
        assert_eq!(args.rest, ["--add-dir", "/srv"]);
        assert_eq!((problems, args.skip_permissions), (0, Some(0..1)));
    }
}
