//! Which of the CLI's flags are not for the configuration's `args`.

/// The flag that turns every permission off. It works in `args`, and is passed on as a mode.
pub(crate) const SKIP_PERMISSIONS: &str = "--dangerously-skip-permissions";

/// A flag in `args` that the gateway sets itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFlag {
    /// Which of the arguments it is.
    pub index: usize,
    /// The flag as it was written, without a value.
    pub flag: String,
    /// The configuration key that does it instead, where there is one.
    pub key: Option<&'static str>,
    /// How many of the arguments behind it are its values.
    pub values: usize,
}

/// How many values a flag takes.
#[derive(Clone, Copy)]
enum Takes {
    None,
    One,
    Maybe,
    Many,
}

const OWNED: &[(&str, Takes, Option<&str>)] = &[
    ("-p", Takes::None, None),
    ("--print", Takes::None, None),
    ("-c", Takes::None, None),
    ("--continue", Takes::None, None),
    ("-r", Takes::Maybe, None),
    ("--resume", Takes::Maybe, None),
    ("--fork-session", Takes::None, None),
    ("--session-id", Takes::One, None),
    ("--no-session-persistence", Takes::None, None),
    ("--input-format", Takes::One, None),
    ("--output-format", Takes::One, None),
    ("--include-partial-messages", Takes::None, None),
    ("--replay-user-messages", Takes::None, None),
    ("--permission-prompt-tool", Takes::One, None),
    ("--verbose", Takes::None, None),
    ("--settings", Takes::One, None),
    ("--permission-mode", Takes::One, Some("permission-mode")),
    ("--tools", Takes::Many, Some("allowed-tools")),
    ("--allowedTools", Takes::Many, Some("allowed-tools")),
    ("--allowed-tools", Takes::Many, Some("allowed-tools")),
    ("--disallowedTools", Takes::Many, Some("disallowed-tools")),
    ("--disallowed-tools", Takes::Many, Some("disallowed-tools")),
];

/// Finds the flags in `args` that the gateway owns, in order.
pub fn owned_flags(args: &[String]) -> Vec<OwnedFlag> {
    let mut found = Vec::new();
    for (index, argument) in args.iter().enumerate() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, _)) if flag.starts_with("--") => (flag, true),
            _ => (argument.as_str(), false),
        };
        let Some((_, takes, key)) = OWNED.iter().find(|(name, _, _)| *name == flag) else {
            continue;
        };
        let behind = &args[index + 1..];
        found.push(OwnedFlag {
            index,
            flag: flag.to_owned(),
            key: *key,
            values: if inline { 0 } else { values(*takes, behind) },
        });
    }
    found
}

fn values(takes: Takes, behind: &[String]) -> usize {
    let plain = behind
        .iter()
        .take_while(|argument| !argument.starts_with('-'))
        .count();
    match takes {
        Takes::None => 0,
        Takes::One => behind.len().min(1),
        Takes::Maybe => plain.min(1),
        Takes::Many => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_flags_are_found_with_their_values() {
        let table = [
            ("--effort high", ""),
            ("-p --verbose", "0 -p 0, 1 --verbose 0"),
            ("--output-format=text", "0 --output-format 0"),
            ("--resume --effort", "0 --resume 0"),
            ("--resume id x", "0 --resume 1"),
            (
                "--allowedTools Read Bash --effort low",
                "0 --allowedTools 2",
            ),
        ];
        for (args, expected) in table {
            let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
            let found: Vec<String> = owned_flags(&args)
                .iter()
                .map(|flag| format!("{} {} {}", flag.index, flag.flag, flag.values))
                .collect();
            assert_eq!(found.join(", "), expected, "{args:?}");
        }
    }
}
