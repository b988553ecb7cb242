//! Scripted agents under the suite that every agent runtime passes.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::AgentSpec;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, PlatformId, ProjectName, Root, RootId, SessionId,
};
use mpg_core::port::{AgentRuntime, SessionSpec, SessionStart};
use mpg_engine::{ScriptStep, ScriptedRuntime};
use mpg_testkit::conformance::runtime::{self, RuntimeHarness};

const ENDLESS: &str = "never end";
const ASKING: &str = "ask, then say ";

struct Scripted(ScriptedRuntime);

impl RuntimeHarness for Scripted {
    fn runtime(&self) -> Arc<dyn AgentRuntime> {
        Arc::new(self.0.clone())
    }

    fn spec(&self, session: SessionId, start: SessionStart) -> SessionSpec {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
        SessionSpec {
            session,
            start,
            directory: "/srv/demo".to_owned(),
            files: None,
            hands_files: false,
            agent: Arc::new(AgentSpec::default()),
            conversation: ConversationId {
                root: RootId {
                    channel,
                    root: Root::Channel,
                },
                agent: None,
            },
            project: ProjectName::new("demo"),
            turn_limit: Duration::from_mins(30),
            owed: None,
        }
    }

    fn prompt_for_text(&self, text: &str) -> String {
        text.to_owned()
    }

    fn prompt_with_request(&self, text: &str) -> String {
        format!("{ASKING}{text}")
    }

    fn prompt_without_end(&self) -> String {
        ENDLESS.to_owned()
    }
}

fn runtime() -> ScriptedRuntime {
    let runtime = ScriptedRuntime::new(|prompt| {
        if prompt.text == ENDLESS {
            vec![ScriptStep::Say("so far".to_owned()), ScriptStep::Hang]
        } else if let Some(text) = prompt.text.strip_prefix(ASKING) {
            vec![
                ScriptStep::Ask("Bash".to_owned()),
                ScriptStep::Say(text.to_owned()),
            ]
        } else {
            vec![ScriptStep::Say(prompt.text.to_owned())]
        }
    });
    runtime.directories(|directory| directory == "/srv/demo")
}

#[tokio::test]
async fn every_clause_holds() {
    runtime::run_all(&Scripted(runtime())).await;
}

#[tokio::test]
async fn requests_outlive_the_gateway_of_a_surviving_agent() {
    let harness = Scripted(runtime().surviving());
    runtime::a_request_waits_for_whoever_comes_next(&harness).await;
}
