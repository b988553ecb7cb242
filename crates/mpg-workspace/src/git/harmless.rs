//! The settings by which a repository would run programs, turned off.
//!
//! The agents that work in a repository may write its configuration, and the gateway is not theirs
//! to command. Settings are passed in the environment, which takes any name, wins over all files,
//! and reaches the programs that git starts of itself.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Settings with names that are known.
const FIXED: &[(&str, &str)] = &[
    ("advice.graftFileDeprecated", "false"),
    ("core.alternateRefsCommand", "false"),
    ("core.askPass", "false"),
    // Larger files are handled in pieces and never compared line by line.
    ("core.bigFileThreshold", "16m"),
    ("core.editor", "false"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.safecrlf", "false"),
    ("core.sshCommand", "false"),
    ("core.untrackedCache", "false"),
    ("commit.gpgSign", "false"),
    ("credential.helper", ""),
    ("diff.external", ""),
    ("gc.auto", "0"),
    ("gpg.program", "false"),
    ("gpg.ssh.program", "false"),
    ("gpg.x509.program", "false"),
    ("log.showSignature", "false"),
    ("maintenance.auto", "false"),
    ("merge.autoStash", "false"),
    ("merge.verifySignatures", "false"),
    ("protocol.allow", "never"),
    ("sequence.editor", "false"),
    ("submodule.recurse", "false"),
    ("tag.gpgSign", "false"),
];

/// What finds the settings whose names a repository chooses.
pub(super) const CHOSEN: &str =
    r"^(filter\..*\.(clean|smudge|process|required)|merge\..*\.(driver|recursive))$";

/// What is in the environment of every call.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_ASKPASS", "false"),
    ("GIT_EDITOR", "false"),
    ("GIT_MERGE_AUTOEDIT", "no"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// A setting and its value.
pub(super) type Setting = (OsString, OsString);

/// The settings with names that are known.
pub(super) fn fixed() -> impl Iterator<Item = Setting> {
    FIXED
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
}

/// What turns a setting off that [`CHOSEN`] found.
pub(super) fn off(name: &[u8]) -> Setting {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let value = match last {
        // An empty driver would take one side for the result; one that fails is a conflict.
        b"required" | b"driver" => "false",
        b"recursive" => "binary",
        // An empty filter is none.
        _ => "",
    };
    (OsString::from_vec(name.to_vec()), OsString::from(value))
}

/// Settings, as an environment that git reads them from.
pub(super) fn environment(settings: Vec<Setting>) -> Vec<(OsString, OsString)> {
    let mut variables = vec![(
        OsString::from("GIT_CONFIG_COUNT"),
        OsString::from(settings.len().to_string()),
    )];
    for (number, (name, value)) in settings.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{number}").into(), name));
        variables.push((format!("GIT_CONFIG_VALUE_{number}").into(), value));
    }
    variables
}
