//! The command line of a session.

use mpg_core::id::SessionId;
use mpg_core::port::SessionSpec;
use serde_json::json;

use crate::flags::SKIP_PERMISSIONS;
use crate::tools::ToolFlags;

/// Whether the CLI begins a session or goes on with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Begin,
    Resume,
    /// It begins with what another session said: that one's transcript, or its id where none is found.
    ///
    /// A transcript is taken from any directory, an id only from that of its session; the session
    /// itself is left as it is, whatever runs there (seen: 2.1.197).
    Fork(&'a str),
}

/// The arguments that the CLI is started with. No prompt is among them: what people write is not
/// for process lists.
///
/// `prompt` is appended to the CLI's own system prompt.
pub(crate) fn arguments(
    spec: &SessionSpec,
    entry: Entry<'_>,
    tools: &ToolFlags,
    prompt: Option<&str>,
) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "-p",
        "--verbose",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--include-partial-messages",
        "--replay-user-messages",
        "--permission-prompt-tool",
        "stdio",
    ]
    .map(str::to_owned)
    .into();
    session(&mut arguments, spec.session, entry);
    // A project's own settings could allow tools and run hooks that nobody configured here.
    option(&mut arguments, "--setting-sources", "user");
    if let Some(model) = &spec.agent.model {
        option(&mut arguments, "--model", model);
    }
    if let Some(effort) = spec.agent.effort {
        option(&mut arguments, "--effort", effort.name());
    }
    if let Some(prompt) = prompt {
        option(&mut arguments, "--append-system-prompt", prompt);
    }
    if let Some(names) = &tools.tools {
        option(&mut arguments, "--tools", &names.join(","));
    }
    list(&mut arguments, "--allowed-tools", &tools.allowed);
    list(&mut arguments, "--disallowed-tools", &tools.disallowed);
    if !tools.ask.is_empty() || !tools.deny.is_empty() {
        let mut permissions = json!({ "ask": tools.ask });
        if !tools.deny.is_empty() {
            permissions["deny"] = json!(tools.deny);
        }
        let settings = json!({ "permissions": permissions });
        option(&mut arguments, "--settings", &settings.to_string());
    }
    // Behind the lists, so that an argument of the configuration is never taken for a tool.
    option(&mut arguments, "--permission-mode", tools.mode.name());
    arguments.extend(
        spec.agent
            .args
            .iter()
            .filter(|argument| *argument != SKIP_PERMISSIONS)
            .cloned(),
    );
    arguments
}

fn session(arguments: &mut Vec<String>, session: SessionId, entry: Entry<'_>) {
    let session = session.to_string();
    match entry {
        Entry::Begin => option(arguments, "--session-id", &session),
        Entry::Resume => option(arguments, "--resume", &session),
        Entry::Fork(from) => {
            option(arguments, "--resume", from);
            arguments.push("--fork-session".to_owned());
            option(arguments, "--session-id", &session);
        }
    }
}

fn option(arguments: &mut Vec<String>, flag: &str, value: &str) {
    arguments.extend([flag.to_owned(), value.to_owned()]);
}

fn list(arguments: &mut Vec<String>, flag: &str, values: &[String]) {
    if !values.is_empty() {
        arguments.push(flag.to_owned());
        arguments.extend_from_slice(values);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use mpg_core::agent::{AgentSpec, PermissionMode, Permissions, Persistence};
    use mpg_core::id::{
        ChannelId, ChannelKey, ConversationId, PlatformId, ProjectName, Root, RootId,
    };
    use mpg_core::port::SessionStart;
    use uuid::Uuid;

    use super::*;
    use crate::flags::OWNED_FLAGS;

    fn lines(agent: AgentSpec, entry: Entry<'_>, root: bool) -> String {
        let tools = ToolFlags::new(&agent, root, &[]);
        let spec = SessionSpec {
            session: SessionId::from_uuid(Uuid::from_u128(7)),
            start: SessionStart::New,
            directory: "/srv/project".to_owned(),
            files: None,
            hands_files: false,
            agent: Arc::new(agent),
            conversation: ConversationId {
                root: RootId {
                    channel: ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1")),
                    root: Root::Channel,
                },
                agent: None,
            },
            project: ProjectName::new("demo"),
            turn_limit: Duration::from_mins(30),
            owed: None,
        };
        let prompt = spec.agent.system_prompt.as_deref();
        arguments(&spec, entry, &tools, prompt).join("\n")
    }

    fn rules(rules: &[&str]) -> Vec<String> {
        rules.iter().map(|&rule| rule.to_owned()).collect()
    }

    #[test]
    fn every_flag_that_is_set_is_known_as_the_runtimes_own() {
        let agent = AgentSpec {
            permissions: Permissions::Deny,
            allowed_tools: rules(&["Read", "Bash(git:*)"]),
            disallowed_tools: rules(&["WebFetch"]),
            model: Some("opus".to_owned()),
            system_prompt: Some("Be brief.".to_owned()),
            ..AgentSpec::default()
        };
        let asking = AgentSpec {
            permissions: Permissions::Ask,
            ..agent.clone()
        };
        for entry in [Entry::Begin, Entry::Resume, Entry::Fork("x")] {
            for agent in [agent.clone(), asking.clone()] {
                let lines = lines(agent, entry, false);
                let mut flags = lines.lines().filter(|line| line.starts_with('-'));
                let unknown = flags.find(|flag| !OWNED_FLAGS.contains(flag));
                assert_eq!(unknown, None);
            }
        }
    }

    #[test]
    fn a_default_project() {
        let agent = AgentSpec {
            permission_mode: PermissionMode::AcceptEdits,
            allowed_tools: rules(&[
                "Read",
                "Edit",
                "Write",
                "Glob",
                "Grep",
                "Bash(git:*)",
                "TodoWrite",
            ]),
            ..AgentSpec::default()
        };
        insta::assert_snapshot!(lines(agent, Entry::Begin, false));
    }

    #[test]
    fn a_read_only_project() {
        let agent = AgentSpec {
            permission_mode: PermissionMode::AcceptEdits,
            permissions: Permissions::Deny,
            allowed_tools: rules(&["Read", "Glob", "Grep"]),
            disallowed_tools: rules(&["Read(./secrets/**)", "WebFetch"]),
            persistence: Persistence::Keeper,
            model: Some("opus".to_owned()),
            system_prompt: Some("You review.\nBe brief.".to_owned()),
            args: rules(&["--effort", "high"]),
            ..AgentSpec::default()
        };
        insta::assert_snapshot!(lines(agent, Entry::Resume, false));
    }

    #[test]
    fn nothing_allowed() {
        let agent = AgentSpec {
            permissions: Permissions::Deny,
            ..AgentSpec::default()
        };
        insta::assert_snapshot!(lines(agent, Entry::Begin, false));
    }

    #[test]
    fn a_fork() {
        let from = "/srv/projects/-srv-project/x.jsonl";
        let agent = AgentSpec {
            permissions: Permissions::Deny,
            ..AgentSpec::default()
        };
        insta::assert_snapshot!(lines(agent, Entry::Fork(from), false));
    }

    #[test]
    fn bypassing_as_a_user_and_as_root() {
        let agent = AgentSpec {
            args: rules(&[SKIP_PERMISSIONS]),
            ..AgentSpec::default()
        };
        insta::assert_snapshot!(
            "bypassing_as_a_user",
            lines(agent.clone(), Entry::Begin, false)
        );
        insta::assert_snapshot!("bypassing_as_root", lines(agent, Entry::Begin, true));
    }
}
