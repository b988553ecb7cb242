//! The predecessor's files: what they come out as, here and as files of our own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mpg_config::{
    ConfigError, Input, Loaded, Overrides, Platform, Style, import, load, predecessor_fields,
};
use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

fn input<'t, 'a>(
    name: &'a str,
    text: &'t str,
    env: &'a BTreeMap<String, String>,
    platforms: &'a [Platform<'a>],
    overrides: &'a Overrides,
) -> Input<'t, 'a> {
    Input {
        source_name: name,
        text,
        env,
        platforms,
        overrides,
        directory_exists: &|path| path != "/srv/missing",
    }
}

fn platforms() -> [Platform<'static>; 1] {
    [Platform {
        check_channel: &|id| {
            let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
            (!is_number).then(|| "write its number".to_owned())
        },
        ..Platform::unchecked("discord")
    }]
}

fn load_as<'t>(name: &str, text: &'t str) -> Result<Loaded<'t>, ConfigError> {
    load(&input(
        name,
        text,
        &BTreeMap::new(),
        &platforms(),
        &Overrides::default(),
    ))
}

fn files(directory: &str) -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files: Vec<(String, String)> = fs::read_dir(&directory)
        .expect("the directory is there")
        .map(|entry| {
            let path = entry.expect("its entries can be read").path();
            let name = path.file_stem().expect("each has a name");
            let name = name.to_str().expect("names are text").to_owned();
            (name, fs::read_to_string(path).expect("files can be read"))
        })
        .collect();
    files.sort();
    assert!(files.len() > 4, "{}", directory.display());
    files
}

#[test]
fn what_is_written_means_what_was_read() {
    for (name, json) in files("tests/predecessor") {
        let loaded = match load_as("config.json", &json) {
            Ok(loaded) => loaded,
            Err(error) => panic!("{name}: {}", error.report().render(Style::Plain)),
        };
        let overrides = Overrides::default();
        let (env, platforms) = (BTreeMap::new(), platforms());
        let input = input("config.json", &json, &env, &platforms, &overrides);
        let imported = import(&input, None).unwrap();
        let written = match load_as("mpg.toml", &imported.text) {
            Ok(loaded) => loaded,
            Err(error) => panic!("{name}: {}", error.report().render(Style::Plain)),
        };
        assert_eq!(written.config, loaded.config, "{name}");
        assert_eq!(written.settings, loaded.settings, "{name}");
        assert_eq!(imported.config, loaded.config, "{name}");
        assert_eq!(imported.settings, loaded.settings, "{name}");
        let shown = format!(
            "{}\n----- warnings\n{}",
            imported.text,
            imported.warnings.render(Style::Plain)
        );
        insta::assert_snapshot!(format!("import_{name}"), shown);
    }
}

#[test]
fn a_token_file_is_named() {
    let json = "{\"projects\": {\"1001\": {\"directory\": \"/srv/a\"}}}";
    let overrides = Overrides::default();
    let (env, platforms) = (BTreeMap::new(), platforms());
    let input = input("config.json", json, &env, &platforms, &overrides);
    let imported = import(&input, Some("/home/ada/\"token\"")).unwrap();
    let loaded = load_as("mpg.toml", &imported.text).unwrap();
    let token = loaded.platforms["discord"].get("token-file").unwrap();
    assert_eq!(token.get_ref().as_str(), Some("/home/ada/\"token\""));
}

#[test]
fn every_problem_is_shown_in_its_place() {
    for (name, json) in files("tests/predecessor_bad") {
        let error = load_as("config.json", &json).expect_err(&name);
        let shown = format!("{error}\n\n{}", error.report().render(Style::Plain));
        insta::assert_snapshot!(format!("bad_{name}"), shown);
        let overrides = Overrides::default();
        let (env, platforms) = (BTreeMap::new(), platforms());
        let input = input("config.json", &json, &env, &platforms, &overrides);
        let refused = import(&input, None).expect_err(&name);
        assert_eq!(
            refused.report().render(Style::Plain),
            error.report().render(Style::Plain)
        );
    }
}

#[test]
fn the_fixture_with_every_field_has_every_field() {
    let files = files("tests/predecessor");
    let (_, json) = files
        .iter()
        .find(|(name, _)| name == "every_field")
        .unwrap();
    let (defaults, projects) = json.split_once("\"projects\"").unwrap();
    for (field, _) in predecessor_fields() {
        let (place, name) = field.rsplit_once('.').unwrap();
        let part = if place == "defaults" {
            defaults
        } else {
            projects
        };
        assert!(part.contains(&format!("\"{name}\"")), "{field}");
    }
}

#[test]
fn every_field_has_the_default_that_it_had() {
    let loaded = load_as(
        "config.json",
        "{\"projects\": {\"1\": {\"directory\": \"/srv/a\"}}}",
    );
    let loaded = loaded.unwrap();
    let project = loaded.config.routing.projects().next().unwrap();
    let limits = &loaded.config.limits;
    let mut shown = String::new();
    let mut row = |name: &str, value: &dyn std::fmt::Debug| {
        writeln!(shown, "{name}: {value:?}").unwrap();
    };
    row("idleTimeoutMs", &project.idle_timeout);
    row("maxConcurrentSessions", &limits.max_concurrent_turns);
    row("sessionTtlMs", &limits.session_ttl);
    row("maxPersistedSessions", &limits.max_sessions);
    row(
        "claudeArgs",
        &(project.agent.permission_mode, &project.agent.args),
    );
    row("allowedTools", &project.agent.allowed_tools);
    row("disallowedTools", &project.agent.disallowed_tools);
    row("maxTurnsPerAgent", &project.max_handoffs);
    row("agentTimeoutMs", &project.agent_timeout);
    row("httpPort", &loaded.settings.http.listen);
    row("logLevel", &loaded.settings.log.level);
    row("name", &project.name);
    row("agents", &project.agents.len());
    row("allowedRoles", &project.access.roles);
    row("rateLimitPerUser", &project.rate_limit_per_user);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_long_file_is_refused_unread() {
    let text = " ".repeat(mpg_config::MAX_FILE_LENGTH + 1);
    let error = load_as("config.json", &text).unwrap_err();
    assert!(error.to_string().contains("more than the"), "{error}");
}

#[test]
fn the_table_of_a_platform_is_checked_here_too() {
    let refuse = |_: &DeTable<'_>| vec![mpg_config::Problem::of_file("no token")];
    let platforms = [Platform {
        check: &refuse,
        ..Platform::unchecked("discord")
    }];
    let json = "{\"projects\": {\"1\": {\"directory\": \"/srv/a\"}}}";
    let overrides = Overrides::default();
    let env = BTreeMap::new();
    let error = load(&input("config.json", json, &env, &platforms, &overrides)).unwrap_err();
    assert!(error.to_string().contains("no token"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever texts a file holds, they are the same behind the file that is written.
    #[test]
    fn any_text_is_written_as_it_was_read(
        name in any::<String>(),
        directory in "/[^\\x00]{0,20}",
        role in "[a-z\"'#\\\\]\\PC{0,30}",
        prompt in "[a-z\"'#\\\\](?s:.){0,40}",
        texts in prop::collection::vec("[a-z\"'#=\\\\]\\PC{0,12}", 0..4),
        number in 1..10_000_u32,
    ) {
        let json = json!({
            "defaults": { "claudeArgs": texts.clone(), "idleTimeoutMs": number },
            "projects": { "1": {
                "name": name,
                "directory": directory,
                "allowedRoles": texts.clone(),
                "allowedTools": texts,
                "agents": { "a": { "role": role, "prompt": prompt, "timeoutMs": number } },
                "rateLimitPerUser": number,
            } },
        });
        let json = json.to_string();
        let overrides = Overrides::default();
        let (env, platforms) = (BTreeMap::new(), platforms());
        let input = input("config.json", &json, &env, &platforms, &overrides);
        let read = load(&input);
        prop_assert_eq!(import(&input, None).is_ok(), read.is_ok());
        if let Ok(imported) = import(&input, Some("/token")) {
            let written = match load_as("mpg.toml", &imported.text) {
                Ok(written) => written,
                Err(error) => panic!("{}\n{}", imported.text, error.report().render(Style::Plain)),
            };
            prop_assert_eq!(written.config, imported.config);
            prop_assert_eq!(written.settings, imported.settings);
        }
    }
}
