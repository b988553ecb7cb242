//! Which of the CLI's flags are the runtime's own.

/// The flag that turns every permission off. It works among an agent's arguments, and is passed on
/// as a mode.
pub(crate) const SKIP_PERMISSIONS: &str = "--dangerously-skip-permissions";

/// The flags that the runtime sets, or that would take a session out of its hands. Among an agent's
/// own arguments they break the protocol or replace what was configured, so whoever reads a
/// configuration refuses them there.
pub const OWNED_FLAGS: &[&str] = &[
    "-p",
    "--print",
    "-c",
    "--continue",
    "-r",
    "--resume",
    "--fork-session",
    "--session-id",
    "--no-session-persistence",
    "--input-format",
    "--output-format",
    "--include-partial-messages",
    "--replay-user-messages",
    "--permission-prompt-tool",
    "--verbose",
    "--settings",
    "--setting-sources",
    "--model",
    "--append-system-prompt",
    "--permission-mode",
    "--tools",
    "--allowedTools",
    "--allowed-tools",
    "--disallowedTools",
    "--disallowed-tools",
];
