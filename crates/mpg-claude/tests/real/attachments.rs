use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::{AgentSpec, PermissionMode};
use mpg_core::attachment::ImageType;
use mpg_core::port::{AgentSession, Image, SessionStart, Submission, Submitted};
use mpg_testkit::messages_api::cli_environment;
use serde_json::json;

use crate::fixture::{Fixture, Running, default_agent, new_session, submission, tool, write};
use crate::permissions::call;

/// A PNG of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c,
    0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae,
    0x42, 0x60, 0x82,
];

/// A state that no agent may touch, with files in it that this one may read.
struct State {
    root: PathBuf,
    files: PathBuf,
}

impl State {
    fn of(fixture: &mut Fixture) -> Self {
        let root = fixture.outside().join("state");
        let files = root.join("@files/conversation");
        fs::create_dir_all(files.join("turn")).unwrap();
        fs::create_dir_all(root.join("@files/another")).unwrap();
        fs::create_dir_all(root.join("sessions")).unwrap();
        for secret in [
            "state.db",
            ".env",
            "-x",
            "sessions/1",
            "@files/another/2.txt",
        ] {
            fs::write(root.join(secret), "a secret").unwrap();
        }
        let home = fixture.project().parent().unwrap().join("home");
        let environment = cli_environment(&home, &fixture.api.url());
        let config = fixture.config(environment).protect([root.clone()]);
        fixture.runtime = Arc::new(ClaudeRuntime::new(config));
        Self { root, files }
    }

    async fn open(&self, fixture: &Fixture, agent: AgentSpec) -> Running {
        let mut spec = fixture.session_spec(new_session(), SessionStart::New, agent);
        spec.files = Some(self.files.display().to_string());
        let id = spec.session;
        let opened = mpg_core::port::AgentRuntime::open(fixture.runtime.as_ref(), spec).await;
        let AgentSession {
            control, events, ..
        } = opened.unwrap();
        Running {
            id,
            control,
            events,
        }
    }
}

fn read(path: &Path) -> String {
    tool("Read", &json!({ "file_path": path }))
}

#[tokio::test]
async fn attached_files_are_read_unasked_and_everything_else_is_as_before() {
    let mut fixture = Fixture::start().await;
    let state = State::of(&mut fixture);
    let attached = state.files.join("turn/1-notes.txt");
    fs::write(&attached, "what ann attached").unwrap();
    for mode in [
        PermissionMode::AcceptEdits,
        PermissionMode::BypassPermissions,
    ] {
        let agent = AgentSpec {
            permission_mode: mode,
            ..default_agent()
        };
        let mut running = state.open(&fixture, agent).await;
        let (asked, output, is_error) = call(&fixture, &mut running, &read(&attached)).await;
        assert!(asked.is_empty() && !is_error, "{mode:?}: {output}");
        assert!(output.contains("what ann attached"), "{output}");

        for shut in ["state.db", ".env", "-x", "sessions/1"] {
            let shut = state.root.join(shut);
            for attempt in [read(&shut), write(&shut, "x")] {
                let (asked, output, is_error) = call(&fixture, &mut running, &attempt).await;
                assert!(is_error && asked.is_empty(), "{mode:?} {attempt}: {output}");
                assert!(!output.contains("a secret"), "{output}");
            }
        }
        for new in ["turn/new.txt", ".claude/settings.json", "CLAUDE.md"] {
            let new = state.files.join(new);
            let (asked, output, is_error) = call(&fixture, &mut running, &write(&new, "x")).await;
            assert!(
                is_error && asked.is_empty(),
                "{mode:?} {}: {output}",
                new.display()
            );
            assert!(!new.exists());
        }
        if mode == PermissionMode::AcceptEdits {
            let another = read(&state.root.join("@files/another/2.txt"));
            let outside = write(&fixture.outside().join("new.txt"), "x");
            for attempt in [another, outside] {
                let (asked, output, is_error) = call(&fixture, &mut running, &attempt).await;
                assert!(is_error && asked.len() == 1, "{attempt}: {output}");
                assert!(!output.contains("a secret"), "{output}");
            }
        }
        let inside = fixture.project().join(format!("{mode:?}.txt"));
        let (asked, output, _) = call(&fixture, &mut running, &write(&inside, "x")).await;
        assert!(asked.is_empty() && inside.exists(), "{output}");
        running.close().await;
    }
}

#[tokio::test]
async fn an_image_reaches_the_model_once_however_often_it_is_submitted() {
    let mut fixture = Fixture::start().await;
    let state = State::of(&mut fixture);
    let path = state.files.join("turn/1-pixel.png");
    fs::write(&path, PIXEL).unwrap();
    let mut running = state.open(&fixture, default_agent()).await;
    let shown = Submission {
        images: vec![Image {
            path: path.display().to_string(),
            image_type: ImageType::Png,
        }],
        ..submission("SAY:seen")
    };
    assert_eq!(running.submit(shown.clone()).await, Submitted::New);
    let report = running.turn().await.1;
    assert_eq!(report.submits, [shown.id]);
    assert_eq!(report.result.unwrap(), "seen");
    // What is known already is not read again.
    fs::remove_file(&path).unwrap();
    let again = Submission {
        repeat: true,
        ..shown
    };
    assert_eq!(running.submit(again).await, Submitted::Known);
    assert_eq!(running.answer("SAY:and on").await, "and on");
    let request = fixture.api.turn_requests().pop().unwrap();
    assert_eq!(request.images(), ["image/png"]);
    running.close().await;
}

#[tokio::test]
async fn what_only_looks_like_an_image_does_not_spoil_the_session() {
    let mut fixture = Fixture::start().await;
    let state = State::of(&mut fixture);
    let path = state.files.join("turn/1-broken.png");
    fs::write(&path, &PIXEL[..20]).unwrap();
    let mut running = state.open(&fixture, default_agent()).await;
    let shown = Submission {
        images: vec![Image {
            path: path.display().to_string(),
            image_type: ImageType::Png,
        }],
        ..submission("SAY:seen")
    };
    running.submit(shown).await;
    assert_eq!(running.turn().await.1.result.unwrap(), "seen");
    assert_eq!(running.answer("SAY:and on").await, "and on");
    let request = fixture.api.turn_requests().pop().unwrap();
    assert!(request.images().is_empty());
    running.close().await;
}
