//! `mpgd service`, with a service manager that only writes down what it is told; completions and
//! manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tokio::process::Command;

use crate::home::{Home, output, shown};

const UNIT: &str = ".config/systemd/user/mpgd.service";

/// A call in which `systemctl` is a script that says what it was told.
fn command(home: &Home, arguments: &[&str]) -> Command {
    let programs = home.path("programs");
    let systemctl = programs.join("systemctl");
    if !programs.exists() {
        fs::create_dir(&programs).unwrap();
        fs::write(&systemctl, "#!/bin/sh\necho systemctl \"$@\"\n").unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = home.command(arguments);
    command
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("MPG_HOME", home.path(".mpg"));
    command
}

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut command(home, arguments)).await, &home.path(""))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_service_is_written_started_shown_and_removed() {
    let home = Home::new("").await;
    let none = run(&home, &["service", "status"]).await;
    assert!(none.starts_with("exit 1"), "{none}");
    assert!(none.contains("run: mpgd service install"), "{none}");

    let said = run(&home, &["service", "install"]).await;
    insta::assert_snapshot!("service_install", said);
    let unit = fs::read_to_string(home.path(UNIT)).unwrap();
    let printed = run(&home, &["service", "install", "--print"]).await;
    let root = home.path("").display().to_string();
    let shown = unit.replace(root.trim_end_matches('/'), "[home]");
    assert!(printed.contains(&shown), "{printed}");
    assert!(unit.contains("KillMode=process"), "{unit}");
    assert!(unit.contains(&format!(
        "--config \"{}\" run",
        home.path("mpg.toml").display()
    )));
    assert!(!unit.contains(home.discord.token()), "{unit}");

    let said = run(&home, &["service", "status"]).await;
    assert!(
        said.contains("--user --no-pager status mpgd.service"),
        "{said}"
    );
    let said = run(&home, &["service", "uninstall"]).await;
    assert!(said.contains("disable --now mpgd.service"), "{said}");
    assert!(!home.path(UNIT).exists());
    let again = run(&home, &["daemon", "uninstall"]).await;
    assert!(again.starts_with("exit 0"), "{again}");
}

/// Needs systemd's own verdict; without it, this fails and says so.
#[cfg(all(target_os = "linux", feature = "system-tests"))]
#[tokio::test]
async fn systemd_takes_the_unit() {
    let home = Home::new("").await;
    run(&home, &["service", "install", "--no-start"]).await;
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--user", "--man=no"])
        .arg(home.path(UNIT))
        .env("XDG_RUNTIME_DIR", home.path(""));
    let verdict = verify.output().await;
    let verdict = verdict.expect("systemd-analyze is needed: install systemd");
    let said = String::from_utf8_lossy(&verdict.stderr);
    let about_it: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("mpgd.service"))
        .collect();
    assert!(about_it.is_empty(), "{said}");
    assert!(verdict.status.success(), "{said}");
}

#[tokio::test]
async fn shells_and_readers_are_given_every_command() {
    let home = Home::new("").await;
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&home, &["completions", shell]).await;
        assert!(script.starts_with("exit 0"), "{shell}");
        for word in ["doctor", "service", "uninstall", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // What the gateway calls itself is nobody else's business.
        assert!(!script.contains("Become the agent of a keeper"), "{shell}");
    }
    let page = run(&home, &["man"]).await;
    assert!(page.contains(".TH mpgd 1"), "{page}");
    let written = run(&home, &["man", "pages"]).await;
    assert!(written.starts_with("exit 0"), "{written}");
    let pages: Vec<_> = fs::read_dir(home.path("pages"))
        .unwrap()
        .flatten()
        .collect();
    assert!(
        pages
            .iter()
            .any(|page| page.file_name() == "mpgd-service-install.1")
    );
}
