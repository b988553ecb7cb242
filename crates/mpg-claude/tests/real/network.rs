//! Agents that reach their model and nothing else on the network.

use std::collections::BTreeMap;

use mpg_core::agent::{AgentSpec, Network, PermissionMode, Sandbox};
use mpg_core::port::{OpenError, SessionStart};

use crate::fixture::{Fixture, new_session};
use crate::sandbox::path_without_bubblewrap;

/// An agent that runs whatever it is told to, and reaches its model alone.
fn narrowed() -> AgentSpec {
    AgentSpec {
        network: Network::Model,
        permission_mode: PermissionMode::BypassPermissions,
        ..AgentSpec::default()
    }
}

/// Why such an agent is not started.
async fn refused(fixture: &Fixture) -> String {
    let opened = fixture
        .open_as(new_session(), SessionStart::New, narrowed())
        .await;
    match opened.map(|running| running.id) {
        Err(OpenError::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn landlock_alone_starts_none() {
    let (_folder, path) = path_without_bubblewrap();
    let mut fixture = Fixture::walled(&path).await;
    for sandbox in [Sandbox::Strict, Sandbox::Auto] {
        fixture.sandbox = sandbox;
        let why = refused(&fixture).await;
        assert!(
            why.contains("`network = \"model\"` needs bubblewrap"),
            "{why}"
        );
    }
    fixture.sandbox = Sandbox::Off;
    let why = refused(&fixture).await;
    assert!(why.contains("does not hold without a sandbox"), "{why}");
}

#[tokio::test]
async fn none_is_started_whose_model_is_not_known() {
    for (name, value, said) in [
        (
            "https_proxy",
            "http://127.0.0.1:1",
            "`https_proxy` out of `pass-env`",
        ),
        ("CLAUDE_CODE_USE_BEDROCK", "1", "`CLAUDE_CODE_USE_BEDROCK`"),
        (
            "ANTHROPIC_BASE_URL",
            "http://192.0.2.7:80",
            "address 192.0.2.7",
        ),
        ("ANTHROPIC_BASE_URL", "model", "no http or https address"),
    ] {
        let variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let fixture = Fixture::walled_with(&std::env::var("PATH").unwrap(), variables).await;
        let why = refused(&fixture).await;
        assert!(why.contains(said), "{name}: {why}");
    }
}

#[cfg(feature = "system-tests")]
mod bubblewrap {
    use std::fs;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use mpg_claude::ClaudeRuntime;
    use mpg_core::agent::Seq;
    use mpg_core::port::AgentRuntime as _;
    use mpg_testkit::messages_api::cli_environment;

    use super::*;
    use crate::fixture::Running;
    use crate::sandbox::bubblewrap::path;
    use crate::sandbox::shell;

    /// Has a shell knock at a port of loopback.
    async fn knock(fixture: &Fixture, running: &mut Running, port: u16) -> (String, bool) {
        let command = format!("bash -c ': < /dev/tcp/127.0.0.1/{port}'");
        shell(fixture, running, &command).await
    }

    #[tokio::test]
    async fn an_agent_reaches_its_model_and_nothing_else() {
        let fixture = Fixture::walled(&path()).await;
        let mut running = fixture.open(narrowed()).await;
        assert_eq!(running.answer("SAY:reached").await, "reached");

        let interfaces = "tail -n +3 /proc/net/dev | cut -d: -f1";
        let (output, is_error) = shell(&fixture, &mut running, interfaces).await;
        assert!(!is_error && output.trim() == "lo", "{output}");

        let api = fixture.api.url();
        let (_, model) = api.rsplit_once(':').unwrap();
        let (output, is_error) = knock(&fixture, &mut running, model.parse().unwrap()).await;
        assert!(!is_error, "it can knock, and its model opens: {output}");
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = outside.local_addr().unwrap().port();
        let (output, is_error) = knock(&fixture, &mut running, port).await;
        assert!(is_error && output.contains("refused"), "{output}");

        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let port = datagrams.local_addr().unwrap().port();
        let attempt = format!("bash -c 'echo x > /dev/udp/127.0.0.1/{port}'; true");
        shell(&fixture, &mut running, &attempt).await;
        assert!(datagrams.recv(&mut [0; 8]).is_err(), "nothing came");
        let attempt = "bash -c 'echo x > /dev/udp/192.0.2.1/53'";
        let (output, is_error) = shell(&fixture, &mut running, attempt).await;
        assert!(is_error && output.contains("unreachable"), "{output}");

        let own = "const net = require(\"net\");
            const server = net.createServer((one) => one.end(\"of its own\"));
            server.listen(0, \"127.0.0.1\", () => {
                const { port } = server.address();
                net.connect(port, \"127.0.0.1\").on(\"data\", (data) => {
                    console.log(String(data));
                    server.close();
                });
            });";
        let (output, is_error) = shell(&fixture, &mut running, &format!("node -e '{own}'")).await;
        assert!(!is_error && output.contains("of its own"), "{output}");

        assert_eq!(running.answer("SAY:still there").await, "still there");
        running.close().await;
    }

    /// What keeps sessions, as on a machine on which this test's model has a name.
    fn with_names(fixture: &Fixture, keeper: &Path) -> PathBuf {
        let hosts = fixture.outside().join("hosts");
        fs::write(&hosts, "127.0.0.1 localhost model.test\n").unwrap();
        let script = fixture.outside().join("keeper");
        let text = format!(
            "#!/bin/sh\nkeeper={}\n[ \"$1\" = exec ] && exec \"$keeper\" \"$@\"\n\
             exec bwrap --dev-bind / / --ro-bind {} /etc/hosts -- \"$keeper\" \"$@\"\n",
            keeper.display(),
            hosts.display()
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    #[tokio::test]
    async fn a_model_is_reached_by_its_name() {
        let mut fixture = Fixture::walled(&path()).await;
        let model = fixture.api.url().replace("127.0.0.1", "model.test");
        let mut environment = cli_environment(&fixture.outside(), &model);
        environment.insert("PATH".to_owned(), path());
        let mut config = fixture.config(environment);
        let keeper = config.keeper.program.clone();
        config.keeper.program = with_names(&fixture, &keeper);
        config.shown.push(keeper);
        fixture.runtime = Arc::new(ClaudeRuntime::new(config));
        let mut running = fixture.open(narrowed()).await;
        assert_eq!(running.answer("SAY:reached").await, "reached");
        let hosts = "getent hosts model.test";
        let (output, is_error) = shell(&fixture, &mut running, hosts).await;
        assert!(!is_error && output.starts_with("127.0.0.2"), "{output}");
        running.close().await;
    }

    #[tokio::test]
    async fn it_keeps_its_walls_and_gets_out_by_no_right_of_the_superuser() {
        let fixture = Fixture::walled(&path()).await;
        let mut running = fixture.open(narrowed()).await;
        let secret = format!("cat {}", fixture.secret().display());
        for attempt in [
            secret.as_str(),
            "mount -o remount,rw /",
            "ip link add outside type dummy",
            "nsenter --net=/proc/1/ns/net --target 1 --mount true",
        ] {
            let (output, is_error) = shell(&fixture, &mut running, attempt).await;
            assert!(is_error, "{attempt}: {output}");
        }
        let (output, is_error) = shell(&fixture, &mut running, "env").await;
        assert!(!is_error && !output.contains("MPG_FORWARD"), "{output}");
        running.close().await;
    }

    #[tokio::test]
    async fn a_turn_goes_on_while_its_gateway_is_away() {
        let fixture = Fixture::walled(&path()).await;
        let mut running = fixture.open(narrowed()).await;
        running.answer("SAY:before").await;
        running.ask("away\nHOLD:back\nSAY:kept").await;
        fixture.api.asked("away").await;
        let session = running.id;
        let agent = running.processes();
        drop(running);

        let gateway = fixture.gateway(2);
        let attached = gateway.attach(session, Seq::default()).await.unwrap();
        let mut running = Running {
            id: session,
            control: attached.control,
            events: attached.events,
        };
        fixture.api.release("back");
        let mut said = Vec::new();
        while !said.contains(&"kept".to_owned()) {
            said.push(running.turn().await.1.result.unwrap());
        }
        assert_eq!(running.answer("SAY:after").await, "after");
        let still = running.processes();
        assert!(agent.iter().any(|one| still.contains(one)), "{still:?}");
        running.close().await;
    }
}
