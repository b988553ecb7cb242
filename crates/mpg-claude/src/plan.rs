//! What the CLI of a session is started with.

use std::collections::BTreeMap;
use std::path::Path;

use mpg_core::agent::Allowance;
use mpg_core::port::SessionSpec;
use uuid::Uuid;

use crate::argv::{Entry, arguments};
use crate::config::ClaudeConfig;
use crate::environment::process_environment;
use crate::gate;
use crate::instructions::system_prompt;
use crate::terms::milliseconds;
use crate::tools::ToolFlags;

/// What a CLI is started with, but for whether its session begins or goes on.
pub(crate) struct Plan {
    pub(crate) tools: ToolFlags,
    prompt: Option<String>,
    /// Whether it is told how to hand files over.
    hands_files: bool,
    /// What is the same for the same settings.
    pub(crate) fingerprint: String,
}

impl Plan {
    /// The plan for a session; `root` says whether the CLI will run as root.
    pub(crate) async fn of(config: &ClaudeConfig, root: bool, spec: &SessionSpec) -> Self {
        let protected = &config.protected;
        let files = spec.files.as_deref().map(Path::new);
        let tools = ToolFlags::new(&spec.agent, root, protected).with_files(files, protected);
        let configured = spec.agent.system_prompt.as_deref();
        let prompt = system_prompt(configured, &spec.directory, protected).await;
        let hands_files = config.gate.is_some() && spec.hands_files && tools.has_shell();
        let mut plan = Self {
            tools,
            prompt,
            hands_files,
            fingerprint: String::new(),
        };
        if hands_files {
            plan = plan.with_gate();
        }
        let Allowance {
            memory,
            processes,
            cpu,
        } = spec.agent.allowance;
        let allowance = (memory, processes, cpu.map(milliseconds));
        let launch = (
            &config.command,
            plan.arguments(spec, Entry::Resume),
            plan.environment(config, spec, ""),
            &spec.directory,
            spec.agent.persistence.name(),
            (
                spec.agent.sandbox.name(),
                spec.agent.network.name(),
                &spec.agent.writable,
            ),
            allowance,
        );
        let launch = serde_json::to_vec(&launch).unwrap_or_default();
        plan.fingerprint = Uuid::new_v5(&Uuid::NAMESPACE_OID, &launch).to_string();
        plan
    }

    /// The arguments.
    pub(crate) fn arguments(&self, spec: &SessionSpec, entry: Entry<'_>) -> Vec<String> {
        arguments(spec, entry, &self.tools, self.prompt.as_deref())
    }

    /// The environment, with what its processes are marked by.
    pub(crate) fn environment(
        &self,
        config: &ClaudeConfig,
        spec: &SessionSpec,
        marker: &str,
    ) -> BTreeMap<String, String> {
        let mut environment = process_environment(&config.environment, marker);
        if let Some(gate) = config.gate.as_ref().filter(|_| self.hands_files) {
            gate.open(spec.session, &mut environment);
        }
        environment
    }

    fn with_gate(mut self) -> Self {
        let prompt = self.prompt.get_or_insert_default();
        if !prompt.is_empty() {
            prompt.push_str("\n\n");
        }
        prompt.push_str(gate::instruction());
        self.tools = self.tools.with_rule(gate::RULE);
        self
    }
}
