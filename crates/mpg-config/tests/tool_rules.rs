//! Which tools run unasked and which never run: the rules, as a table that can be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mpg_config::{Input, Loaded, Overrides, Platform, Style, load};
use mpg_core::agent::AgentSpec;

/// One rule, in the words of a file of ours or of the predecessor's.
struct Rule {
    says: &'static str,
    file: File,
}

enum File {
    /// What stands in `[defaults]`, in the project and in its agent `pm`.
    Own(&'static str, &'static str, &'static str),
    /// What stands in `"defaults"` and in the project.
    Predecessor(&'static str, &'static str),
}

use File::{Own, Predecessor};

const RULES: &[Rule] = &[
    Rule {
        says: "what nobody says: files of the project, git, and the agent's own list",
        file: Own("", "", ""),
    },
    Rule {
        says: "the same in a file of the predecessor",
        file: Predecessor("", ""),
    },
    Rule {
        says: "the defaults hold for every project and agent",
        file: Own(r#"allowed-tools = ["Read"]"#, "", ""),
    },
    Rule {
        says: "a project wins over the defaults, with what it adds",
        file: Own(
            "allowed-tools = [\"Read\"]\nextra-allowed-tools = [\"WebFetch\"]",
            "allowed-tools = [\"Grep\"]\nextra-allowed-tools = [\"Glob\"]",
            "",
        ),
    },
    Rule {
        says: "the same in a file of the predecessor",
        file: Predecessor(
            r#""allowedTools": ["Read"], "extraAllowedTools": ["WebFetch"]"#,
            r#""allowedTools": ["Grep"], "extraAllowedTools": ["Glob"]"#,
        ),
    },
    Rule {
        says: "an agent wins over its project",
        file: Own(
            "",
            r#"allowed-tools = ["Read", "Edit"]"#,
            r#"allowed-tools = ["Read"]"#,
        ),
    },
    Rule {
        says: "extra tools are added to what is inherited, each once",
        file: Own(
            r#"extra-allowed-tools = ["Bash(npm:*)"]"#,
            r#"extra-allowed-tools = ["WebFetch", "Read"]"#,
            r#"extra-allowed-tools = ["Bash(gh:*)"]"#,
        ),
    },
    Rule {
        says: "the same in a file of the predecessor",
        file: Predecessor(
            r#""extraAllowedTools": ["Bash(npm:*)"]"#,
            r#""extraAllowedTools": ["WebFetch", "Read"]"#,
        ),
    },
    Rule {
        says: "a disallowed tool is taken from what is inherited",
        file: Own(
            "",
            r#"disallowed-tools = ["Write"]"#,
            r#"disallowed-tools = ["Edit", "Write"]"#,
        ),
    },
    Rule {
        says: "the same in a file of the predecessor",
        file: Predecessor("", r#""disallowedTools": ["Write"]"#),
    },
    Rule {
        says: "an inherited disallowed tool stays so where it is allowed, and that is said",
        file: Own(
            r#"disallowed-tools = ["WebFetch"]"#,
            r#"extra-allowed-tools = ["WebFetch"]"#,
            "",
        ),
    },
    Rule {
        says: "unless the list is set there as well",
        file: Own(
            r#"disallowed-tools = ["WebFetch"]"#,
            "extra-allowed-tools = [\"WebFetch\"]\ndisallowed-tools = []",
            "",
        ),
    },
    Rule {
        says: "a tool on both lists of one table is an error",
        file: Own(
            "",
            "allowed-tools = [\"Read\", \"Bash\"]\ndisallowed-tools = [\"Bash\"]",
            "",
        ),
    },
    Rule {
        says: "but in a file of the predecessor it is allowed, as there, and that is said",
        file: Predecessor(
            "",
            r#""allowedTools": ["Read", "Bash"], "disallowedTools": ["Bash", "WebFetch"]"#,
        ),
    },
    Rule {
        says: "an empty list clears what is inherited: everything is asked for",
        file: Own("", "allowed-tools = []", ""),
    },
    Rule {
        says: "disallow-only mode of the predecessor: what its mode runs unasked, but for these",
        file: Predecessor(
            "",
            r#""allowedTools": [], "disallowedTools": ["Bash", "Write"]"#,
        ),
    },
    Rule {
        says: "tool flags among the arguments of the defaults replace all lists, and that is said",
        file: Predecessor(
            r#""claudeArgs": ["--permission-mode", "acceptEdits", "--allowed-tools", "Read,Grep"],
               "allowedTools": ["Write"]"#,
            r#""disallowedTools": ["Read"]"#,
        ),
    },
    Rule {
        says: "tool flags among the arguments of a project do",
        file: Predecessor(
            r#""allowedTools": ["Write"], "disallowedTools": ["WebFetch"]"#,
            r#""claudeArgs": ["--disallowed-tools", "Bash"], "extraAllowedTools": ["Edit"]"#,
        ),
    },
    Rule {
        says: "tool flags are refused among our own arguments: there are keys for them",
        file: Own("", r#"args = ["--allowed-tools", "Bash"]"#, ""),
    },
    Rule {
        says: "a flag cannot be a tool",
        file: Own("", r#"extra-allowed-tools = ["--add-dir=/"]"#, ""),
    },
];

#[test]
fn the_rules_of_tool_lists() {
    let mut shown = String::new();
    for Rule { says, file } in RULES {
        let (name, text) = match file {
            Own(defaults, project, agent) => (
                "mpg.toml",
                format!(
                    "[defaults]\n{defaults}\n[projects.a]\ndirectory = \"/srv/a\"\n\
                     channels = [\"discord:1\"]\n{project}\n\
                     [projects.a.agents.pm]\npreset = \"pm\"\n{agent}\n"
                ),
            ),
            Predecessor(defaults, project) => {
                let comma = if project.is_empty() { "" } else { ", " };
                (
                    "config.json",
                    format!(
                        "{{\"defaults\": {{{defaults}}},\n \"projects\": {{\"1\": {{\
                         \"name\": \"a\", \"directory\": \"/srv/a\"{comma}{project}}}}}}}\n"
                    ),
                )
            }
        };
        writeln!(shown, "# {says}").unwrap();
        match file {
            Own(defaults, project, agent) => {
                for (at, lines) in [("defaults", defaults), ("project", project), ("pm", agent)] {
                    for line in lines.lines() {
                        writeln!(shown, "    {at:>8}: {line}").unwrap();
                    }
                }
            }
            Predecessor(defaults, project) => {
                for (at, lines) in [("defaults", defaults), ("project", project)] {
                    for line in lines.lines() {
                        writeln!(shown, "    {at:>8}: {} (JSON)", line.trim()).unwrap();
                    }
                }
            }
        }
        outcome(name, &text, &mut shown);
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}

fn outcome(name: &str, text: &str, shown: &mut String) {
    let env = BTreeMap::new();
    let loaded = load(&Input {
        source_name: name,
        text,
        env: &env,
        platforms: &[Platform::unchecked("discord")],
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    });
    let Loaded {
        config, warnings, ..
    } = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(
                shown,
                " -> refused: {}",
                first_line(&error.report().render(Style::Plain))
            )
            .expect("a string takes everything");
            return;
        }
    };
    let project = config.routing.projects().next();
    let project = project.expect("the file has one project");
    tools("all", &project.agent, shown);
    for (name, named) in &project.agents {
        if named.agent.allowed_tools != project.agent.allowed_tools
            || named.agent.disallowed_tools != project.agent.disallowed_tools
        {
            tools(name.as_str(), &named.agent, shown);
        }
    }
    if !warnings.is_empty() {
        for line in warnings.render(Style::Plain).lines() {
            if let Some(said) = line.trim().strip_prefix('⚠') {
                writeln!(shown, "    said:{said}").expect("a string takes everything");
            }
        }
    }
}

fn tools(who: &str, agent: &AgentSpec, shown: &mut String) {
    let list = |tools: &[String]| tools.join(" ");
    writeln!(
        shown,
        " -> {who}: runs [{}], never [{}]",
        list(&agent.allowed_tools),
        list(&agent.disallowed_tools)
    )
    .expect("a string takes everything");
}

fn first_line(report: &str) -> String {
    let line = report.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default()
        .trim()
        .trim_start_matches('×')
        .trim()
        .to_owned()
}
