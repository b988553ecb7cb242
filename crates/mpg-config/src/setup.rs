//! How an agent is set up, as one level of the file says it: `[defaults]`, a project or an agent.

use std::time::Duration;

use mpg_core::agent::{
    AgentSpec, Allowance, Network, PermissionMode, Permissions, Persistence, Sandbox,
};

use crate::args::Args;
use crate::problem::{Problem, Problems};
use crate::schema::{
    ARGS, MAX_CPU, MAX_MEMORY, MAX_PROCESSES, MODEL, NETWORK, PERMISSION_MODE, PERMISSIONS,
    PERSISTENCE, SANDBOX, WRITABLE,
};
use crate::section::Table;
use crate::span::At;
use crate::suggestion::quoted;
use crate::tools::{ToolLists, Tools};

/// What one level sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    args: Option<Args>,
    model: Option<String>,
    permission_mode: Option<PermissionMode>,
    permissions: Option<Permissions>,
    pub(crate) tools: ToolLists,
    persistence: Option<Persistence>,
    sandbox: Option<At<Sandbox>>,
    writable: Option<Vec<String>>,
    network: Option<At<Network>>,
    max_memory: Option<u64>,
    max_processes: Option<u32>,
    max_cpu: Option<Duration>,
}

impl Setup {
    /// Reads every key that can be set for all projects, for each, and for each agent.
    pub(crate) fn read(path: &str, table: &Table<'_, '_>, problems: &mut Problems) -> Self {
        let args = table.read(&ARGS, problems);
        let args = args.map(|args| Args::new(&format!("{path}.args"), args, problems));
        let permission_mode = table.read(&PERMISSION_MODE, problems);
        if let (Some(mode), Some(skip)) = (
            &permission_mode,
            args.as_ref().and_then(|args| args.skip_permissions.clone()),
        ) && mode.value != PermissionMode::BypassPermissions
        {
            problems.error(
                Problem::new(mode.span.clone(), "two permission modes at one place")
                    .with_label("this mode")
                    .and_at(skip, "and this waiver of all permissions")
                    .with_help("keep one of the two"),
            );
        }
        let model = table.read(&MODEL, problems);
        if let Some(model) = &model
            && (model.value.starts_with('-') || model.value.contains(char::is_control))
        {
            let message = format!("{} is no model", quoted(&model.value));
            problems.error(Problem::new(model.span.clone(), message));
        }
        let setup = Self {
            args,
            model: model.map(|model| model.value),
            permission_mode: permission_mode.map(|mode| mode.value),
            permissions: table.read(&PERMISSIONS, problems).map(|word| word.value),
            tools: ToolLists::read(table, problems),
            persistence: table.read(&PERSISTENCE, problems).map(|word| word.value),
            sandbox: table.read(&SANDBOX, problems),
            writable: writable(path, table, problems),
            network: table.read(&NETWORK, problems),
            max_memory: table.read(&MAX_MEMORY, problems),
            max_processes: table.read(&MAX_PROCESSES, problems),
            max_cpu: table.read(&MAX_CPU, problems),
        };
        Setups(&[&setup]).check_network(problems);
        setup
    }

    fn skips_permissions(&self) -> bool {
        let args = self.args.as_ref();
        args.is_some_and(|args| args.skip_permissions.is_some())
    }
}

/// Paths that are the same wherever an agent works.
fn writable(path: &str, table: &Table<'_, '_>, problems: &mut Problems) -> Option<Vec<String>> {
    let paths = table.read(&WRITABLE, problems)?;
    for written in &paths.value {
        if !written.value.starts_with('/') && !written.value.starts_with("~/") {
            let message = format!(
                "`{path}.writable`: {} leads nowhere",
                quoted(&written.value)
            );
            let problem = Problem::new(written.span.clone(), message);
            problems.error(problem.with_help("begin it with `/` or `~/`"));
        }
    }
    Some(paths.value.into_iter().map(|path| path.value).collect())
}

/// The levels that hold for an agent, the nearest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setups<'a>(pub(crate) &'a [&'a Setup]);

impl Setups<'_> {
    /// How the agent is set up that may use `tools`.
    pub(crate) fn agent(&self, tools: Tools, system_prompt: Option<String>) -> AgentSpec {
        let (allowed_tools, disallowed_tools) = tools.into_lists();
        let args = self.pick(|setup| setup.args.clone());
        AgentSpec {
            args: args.map_or_else(Vec::new, |args| args.rest),
            model: self.pick(|setup| setup.model.clone()),
            effort: None,
            system_prompt,
            permission_mode: self.permission_mode(),
            permissions: self
                .pick(|setup| setup.permissions)
                .unwrap_or_else(|| PERMISSIONS.default().value),
            allowed_tools,
            disallowed_tools,
            persistence: self
                .pick(|setup| setup.persistence)
                .unwrap_or_else(|| PERSISTENCE.default().value),
            sandbox: self
                .pick(|setup| setup.sandbox.clone())
                .unwrap_or_else(|| SANDBOX.default())
                .value,
            writable: self
                .pick(|setup| setup.writable.clone())
                .unwrap_or_default(),
            network: self
                .pick(|setup| setup.network.clone())
                .unwrap_or_else(|| NETWORK.default())
                .value,
            allowance: Allowance {
                memory: self.pick(|setup| setup.max_memory),
                processes: self.pick(|setup| setup.max_processes),
                cpu: self.pick(|setup| setup.max_cpu),
            },
        }
    }

    /// Nothing keeps an agent from the network that has no sandbox. What one level says of both is
    /// wrong where it alone is looked at, and what others say where they are the nearest.
    pub(crate) fn check_network(&self, problems: &mut Problems) {
        let mut said = self.0.iter().enumerate();
        let sandbox = said.find_map(|(level, setup)| Some((level, setup.sandbox.as_ref()?)));
        let mut said = self.0.iter().enumerate();
        let network = said.find_map(|(level, setup)| Some((level, setup.network.as_ref()?)));
        let (Some((before, sandbox)), Some((level, network))) = (sandbox, network) else {
            return;
        };
        let is_new = before.min(level) == 0 && (before != level || self.0.len() == 1);
        if is_new && (sandbox.value, network.value) == (Sandbox::Off, Network::Model) {
            let message = "without a sandbox, nothing keeps an agent from the network";
            problems.error(
                Problem::new(network.span.clone(), message)
                    .with_label("only the model is to be reached")
                    .and_at(sandbox.span.clone(), "and there is no sandbox")
                    .with_help("set `sandbox = \"auto\"`, or `network = \"all\"`"),
            );
        }
    }

    /// The mode: what the nearest level says that says anything, by key or by flag. A level with
    /// arguments of its own does not take over the flag among those that it replaces.
    fn permission_mode(&self) -> PermissionMode {
        let mut args_replaced = false;
        for setup in self.0 {
            if !args_replaced && setup.skips_permissions() {
                return PermissionMode::BypassPermissions;
            }
            if let Some(mode) = setup.permission_mode {
                return mode;
            }
            args_replaced |= setup.args.is_some();
        }
        PERMISSION_MODE.default().value
    }

    fn pick<T>(&self, field: impl Fn(&Setup) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|setup| field(setup))
    }
}
