use std::fs;
use std::sync::Arc;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::{AgentSpec, Network};
use mpg_core::port::SessionSpec;

use crate::stage::{Running, Stage, is_empty, submission};

#[tokio::test]
async fn a_model_has_its_name_and_its_port_inside() {
    let stage = Stage::new();
    let mut config = stage.config(1);
    let look = "getent hosts model.invalid; getent hosts localhost; cat /proc/net/tcp; \
                echo x > /etc/hosts; getent hosts model.invalid; ls -l /proc/self/fd/0";
    for (name, value) in [
        ("ANTHROPIC_BASE_URL", "https://model.invalid"),
        ("CHECK", look),
    ] {
        config.environment.insert(name.to_owned(), value.to_owned());
    }
    let spec = SessionSpec {
        agent: Arc::new(AgentSpec {
            network: Network::Model,
            ..AgentSpec::default()
        }),
        ..stage.spec(None)
    };
    let mut running = Running::open(&ClaudeRuntime::new(config), spec).await;
    running.turn(&submission(1, "first")).await;
    let said = fs::read_to_string(stage.path("runs")).unwrap();
    let names: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() == 2)
        .collect();
    let model = vec!["127.0.0.2", "model.invalid"];
    assert_eq!(names.first(), Some(&model), "{said}");
    assert_eq!(names.last(), Some(&model), "nobody changes it: {said}");
    assert!(said.contains("127.0.0.1       localhost"), "{said}");
    // 127.0.0.2:443, as `proc_net_tcp` writes it, where somebody listens.
    assert!(said.contains(" 0200007F:01BB 00000000:0000 0A "), "{said}");
    assert!(said.contains("/proc/self/fd/0 -> pipe:"), "{said}");
    running.close().await;
    stage.until_nobody().await;
    stage
        .until("its folder is gone", || is_empty(&stage.path("sessions")))
        .await;
}
