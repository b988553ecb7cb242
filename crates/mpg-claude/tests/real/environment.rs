use std::collections::BTreeMap;
use std::sync::Arc;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::AgentSpec;
use mpg_testkit::messages_api::cli_environment;
use serde_json::json;

use crate::fixture::{Fixture, default_agent, rules, tool};

#[tokio::test]
async fn an_agent_sees_the_variables_that_it_is_given_alone() {
    let mut fixture = Fixture::start().await;
    let home = fixture.project().parent().unwrap().join("home");
    let mut gateway = cli_environment(&home, &fixture.api.url());
    gateway.extend(
        [("CLAUDECODE", "very-nested"), ("LC_TIME", "C")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let config = fixture.config(gateway);
    fixture.runtime = Arc::new(ClaudeRuntime::new(config));
    let agent = AgentSpec {
        allowed_tools: rules(&["Bash"]),
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    let call = tool("Bash", &json!({ "command": "env" }));
    running.answer(&format!("{call}\nSAY:done")).await;
    let request = fixture.api.turn_requests().pop().unwrap();
    let (output, is_error) = request.tool_results().pop().unwrap();
    assert!(!is_error, "{output}");
    let seen: BTreeMap<&str, &str> = output
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(seen.get("LC_TIME"), Some(&"C"));
    assert_eq!(seen.get("DISABLE_AUTOUPDATER"), Some(&"1"));
    assert!(seen["MPG_AGENT"].starts_with(&running.id.to_string()));
    assert_ne!(seen.get("CLAUDECODE"), Some(&"very-nested"));
    // Cargo sets this for every test; the test's own environment must not shine through.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!seen.contains_key("CARGO_MANIFEST_DIR"));
    running.close().await;
}
