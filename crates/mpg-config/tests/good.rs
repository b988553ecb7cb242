//! What files that are in order come out as.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpg_config::{
    ConfigError, Input, Loaded, LogLevel, Overrides, Platform, Section, Style, keys, load,
};
use mpg_core::agent::{AgentSpec, PermissionMode};
use mpg_core::config::NamedAgent;
use mpg_core::id::{AgentName, ProjectName};

fn load_with<'t>(text: &'t str, overrides: &Overrides) -> Result<Loaded<'t>, ConfigError> {
    let env = BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]);
    let accept = |_: &toml::de::DeTable<'_>| Vec::new();
    let platforms = ["discord", "console"].map(|name| Platform {
        check: &accept,
        ..Platform::unchecked(name)
    });
    load(&Input {
        source_name: "mpg.toml",
        text,
        env: &env,
        platforms: &platforms,
        overrides,
        directory_exists: &|_| true,
    })
}

fn load_text(text: &str) -> Loaded<'_> {
    load_with(text, &Overrides::default()).unwrap_or_else(|error| {
        panic!("{}", error.report().render(Style::Plain));
    })
}

/// The agent of the only project of a file that begins with `defaults` and ends in `project`.
fn agent(defaults: &str, project: &str) -> AgentSpec {
    let text = format!(
        "[defaults]\n{defaults}\n[projects.a]\ndirectory = \"/srv/a\"\n\
         channels = [\"discord:1\"]\n{project}\n"
    );
    let loaded = load_text(&text);
    let project = loaded.config.routing.projects().next();
    let project = project.expect("the file has one project");
    AgentSpec::clone(&project.agent)
}

#[test]
fn a_minimal_file_has_every_default() {
    let loaded = load_text(
        "[projects.a]\ndirectory = \"~/a/\"\nchannels = [\"discord:1\", \"console:main\"]\n",
    );
    assert!(loaded.warnings.is_empty());
    insta::assert_debug_snapshot!("minimal", (loaded.config, loaded.settings));
}

#[test]
fn every_key_can_be_set() {
    let text = include_str!("every_key.toml");
    let loaded = load_text(text);
    insta::assert_snapshot!("every_key_warnings", loaded.warnings.render(Style::Plain));
    insta::assert_debug_snapshot!("every_key", (loaded.config, loaded.settings));

    let document = toml::de::DeTable::parse(text).unwrap();
    for key in keys() {
        for section in key.sections {
            let project = document.get_ref()["projects"].get_ref().get("full");
            let table = match section {
                Section::Project => project,
                Section::Agent => project
                    .and_then(|project| project.get_ref().get("agents"))
                    .and_then(|agents| agents.get_ref().get("full")),
                Section::Gateway
                | Section::Log
                | Section::Http
                | Section::Audit
                | Section::Claude
                | Section::Defaults => document.get_ref().get(section.name()),
            };
            let value = table.and_then(|table| table.get_ref().get(key.name));
            assert!(value.is_some(), "{} is not in {section}", key.name);
        }
    }
}

#[test]
fn every_example_is_in_order() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut folders = vec![examples];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "mpg.toml") {
                files.push(path);
            }
        }
    }
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let loaded = load_text(&text);
        assert!(loaded.config.routing.projects().next().is_some());
    }
}

#[test]
fn tool_lists_go_level_by_level() {
    let read = ["Read"].map(str::to_owned).to_vec();
    let table: [(&str, &str, &[&str], &[&str]); 9] = [
        ("", "allowed-tools = [\"Read\"]", &["Read"], &[]),
        ("allowed-tools = [\"Read\"]", "", &["Read"], &[]),
        (
            "allowed-tools = [\"Read\"]",
            "extra-allowed-tools = [\"Edit\", \"Read\"]",
            &["Read", "Edit"],
            &[],
        ),
        (
            "allowed-tools = [\"Read\"]\nextra-allowed-tools = [\"Edit\"]",
            "extra-allowed-tools = [\"Write\"]",
            &["Read", "Edit", "Write"],
            &[],
        ),
        (
            "extra-allowed-tools = [\"WebFetch\"]",
            "allowed-tools = [\"Read\"]",
            &["Read"],
            &[],
        ),
        ("", "allowed-tools = []", &[], &[]),
        (
            "allowed-tools = [\"Read\", \"Edit\"]",
            "disallowed-tools = [\"Edit\", \"Edit\"]",
            &["Read"],
            &["Edit"],
        ),
        (
            "allowed-tools = [\"Read\"]\ndisallowed-tools = [\"Bash\"]",
            "extra-allowed-tools = [\"Bash\"]",
            &["Read"],
            &["Bash"],
        ),
        (
            "allowed-tools = [\"Read\"]\ndisallowed-tools = [\"Bash\"]",
            "extra-allowed-tools = [\"Bash\"]\ndisallowed-tools = []",
            &["Read", "Bash"],
            &[],
        ),
    ];
    for (defaults, project, allowed, disallowed) in table {
        let agent = agent(defaults, project);
        assert_eq!(agent.allowed_tools, allowed, "{defaults} | {project}");
        assert_eq!(agent.disallowed_tools, disallowed, "{defaults} | {project}");
    }
    assert_eq!(agent("allowed-tools = [\"Read\"]", "").allowed_tools, read);
}

#[test]
fn a_variable_that_agents_need_and_do_not_get_is_said() {
    let with = |names: &str| {
        format!(
            "[claude]\npass-env = [{names}]\n[projects.a]\ndirectory = \"/srv/a\"\n\
             channels = [\"discord:1\"]\n"
        )
    };
    let text = with("\"ANTHROPIC_*\"");
    let loaded = load_text(&text);
    insta::assert_snapshot!("lost_variables", loaded.warnings.render(Style::Plain));
    assert!(load_text(&with("\"PATH\", \"HO*\"")).warnings.is_empty());
}

#[test]
fn a_tool_that_stays_disallowed_is_said() {
    let loaded = load_text(
        "[defaults]\ndisallowed-tools = [\"Bash\"]\n[projects.a]\ndirectory = \"/srv/a\"\n\
         channels = []\nextra-allowed-tools = [\"Bash\"]\n",
    );
    insta::assert_snapshot!("stays_disallowed", loaded.warnings.render(Style::Plain));
}

#[test]
fn the_nearest_word_on_permissions_holds() {
    const SKIP: &str = "args = [\"--dangerously-skip-permissions\"]";
    const PLAN: &str = "permission-mode = \"plan\"";
    const BYPASS: &str = "permission-mode = \"bypassPermissions\"";
    let table = [
        ("", "", PermissionMode::AcceptEdits),
        (PLAN, "", PermissionMode::Plan),
        (PLAN, BYPASS, PermissionMode::BypassPermissions),
        (PLAN, SKIP, PermissionMode::BypassPermissions),
        (SKIP, "", PermissionMode::BypassPermissions),
        (SKIP, PLAN, PermissionMode::Plan),
        (SKIP, "args = []", PermissionMode::AcceptEdits),
    ];
    for (defaults, project, expected) in table {
        let agent = agent(defaults, project);
        assert_eq!(agent.permission_mode, expected, "{defaults} | {project}");
        assert_eq!(agent.args, [""; 0], "{defaults} | {project}");
    }
    let text = format!("{SKIP}\n{BYPASS}");
    assert_eq!(
        agent(&text, "").permission_mode,
        PermissionMode::BypassPermissions
    );
}

#[test]
fn a_project_wins_over_the_defaults() {
    let loaded = load_text(
        "[defaults]\nidle-timeout = \"1m\"\nallowed-roles = [\"dev\"]\nmodel = \"opus\"\n\
         [projects.a]\ndirectory = \"/srv/a\"\nchannels = [\"discord:1\"]\n\
         idle-timeout = \"2m\"\nallowed-roles = []\nthread-archive = \"24h\"\n\
         [projects.b]\ndirectory = \"/srv/b\"\nchannels = [\"discord:2\"]\n",
    );
    let project = |name: &str| {
        loaded
            .config
            .routing
            .project(&ProjectName::new(name))
            .unwrap()
    };
    assert_eq!(project("a").idle_timeout, Duration::from_mins(2));
    assert!(project("a").access.roles.is_empty());
    assert_eq!(project("a").agent.model.as_deref(), Some("opus"));
    assert_eq!(project("b").idle_timeout, Duration::from_mins(1));
    assert!(project("b").access.roles.contains("dev"));
    let archive = |name: &str| loaded.settings.projects[&ProjectName::new(name)].thread_archive;
    assert_eq!(archive("a"), Duration::from_hours(24));
    assert_eq!(archive("b"), Duration::from_hours(1));
}

#[test]
fn an_agent_wins_over_its_project_and_that_over_the_defaults() {
    let loaded = load_text(
        "[defaults]\nmodel = \"opus\"\nagent-timeout = \"1m\"\nallowed-tools = [\"Read\"]\n\
         args = [\"--dangerously-skip-permissions\"]\npersistence = \"none\"\n\
         [projects.a]\ndirectory = \"/srv/a\"\nchannels = [\"discord:1\"]\n\
         extra-allowed-tools = [\"Grep\"]\nagent-timeout = \"2m\"\n\
         [projects.a.agents.own]\nrole = \"One of its own\"\nprompt = \"Do it.\"\n\
         model = \"haiku\"\ntimeout = \"3m\"\nargs = []\nextra-allowed-tools = [\"Glob\"]\n\
         [projects.a.agents.qa]\npreset = \"qa\"\ndisallowed-tools = [\"Grep\"]\n",
    );
    let project = loaded.config.routing.projects().next().unwrap();
    let agent = |name: &str| &project.agents[&AgentName::new(name)];

    let own = agent("own");
    assert_eq!(own.timeout, Duration::from_mins(3));
    assert_eq!(own.agent.model.as_deref(), Some("haiku"));
    assert_eq!(own.agent.allowed_tools, ["Read", "Grep", "Glob"]);
    assert_eq!(own.agent.permission_mode, PermissionMode::AcceptEdits);

    let qa = agent("qa");
    assert_eq!(qa.role, "Quality Assurance");
    assert_eq!(qa.timeout, Duration::from_mins(2));
    assert_eq!(qa.agent.model.as_deref(), Some("opus"));
    assert_eq!(qa.agent.allowed_tools, ["Read"]);
    assert_eq!(qa.agent.permission_mode, PermissionMode::BypassPermissions);
    assert_eq!(qa.agent.persistence, project.agent.persistence);
    assert_eq!(project.agent.allowed_tools, ["Read", "Grep"]);
}

#[test]
fn presets_can_be_listed_by_name() {
    let listed = agents("agents = [\"pm\", \"engineer\"]\n");
    let written = agents(
        "[projects.a.agents.pm]\npreset = \"pm\"\n[projects.a.agents.engineer]\npreset = \"engineer\"\n",
    );
    assert_eq!(listed, written);
    assert_eq!(
        listed.keys().map(AgentName::as_str).collect::<Vec<_>>(),
        ["engineer", "pm"]
    );
}

fn agents(lines: &str) -> BTreeMap<AgentName, Arc<NamedAgent>> {
    let text = format!("[projects.a]\ndirectory = \"/srv/a\"\nchannels = [\"discord:1\"]\n{lines}");
    let loaded = load_text(&text);
    let project = loaded.config.routing.projects().next();
    project.expect("the file has one project").agents.clone()
}

#[test]
fn overrides_win_over_the_file() {
    let text = "[gateway]\ndata-dir = \"~/state\"\n[log]\nlevel = \"warn\"\n\
                [projects.a]\ndirectory = \"/srv/a\"\nchannels = [\"discord:1\"]\n";
    let loaded = load_text(text);
    assert_eq!(loaded.settings.data_dir.as_deref(), Some("/home/ada/state"));
    assert_eq!(loaded.settings.log.level, LogLevel::Warn);

    let overrides = Overrides {
        log_level: Some(LogLevel::Trace),
        data_dir: Some("/elsewhere".to_owned()),
    };
    let loaded = load_with(text, &overrides).unwrap();
    assert_eq!(loaded.settings.data_dir.as_deref(), Some("/elsewhere"));
    assert_eq!(loaded.settings.log.level, LogLevel::Trace);
}

#[test]
fn platform_tables_are_handed_on() {
    let loaded = load_text(
        "[discord]\ntoken-env = \"X\"\n\
         [projects.a]\ndirectory = \"/srv/a\"\nchannels = [\"discord:1\"]\n",
    );
    assert_eq!(loaded.platforms.keys().collect::<Vec<_>>(), ["discord"]);
    let token = loaded.platforms["discord"].get("token-env").unwrap();
    assert_eq!(token.get_ref().as_str(), Some("X"));
}
