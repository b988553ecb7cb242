//! What agents need: the CLI, a terminal multiplexer where one is asked for, and a token in private.

use std::collections::BTreeMap;
use std::fs;

use mpg_config::expand_home;
use mpg_core::agent::{Network, PermissionMode, Persistence, Sandbox};
use mpg_core::config::Project;
use mpg_discord::config::TokenSource;

use super::finding::Finding;
use crate::configuration::Configuration;
use crate::privacy::is_private;
use crate::programs;

pub(super) async fn examine(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = vec![claude(configuration).await];
    findings.push(multiplexer(configuration).await);
    findings.push(sandbox(configuration).await);
    findings.extend(network(configuration).await);
    findings.extend(unasked(configuration));
    findings.extend(token_file(configuration));
    findings
}

async fn claude(configuration: &Configuration) -> Finding {
    let found = configuration.agent.program().await;
    match (found.usable, found.help) {
        (true, None) => Finding::ok(found.name, found.found),
        (true, Some(help)) => Finding::warn(found.name, found.found, help),
        (false, Some(help)) => Finding::fail(found.name, found.found, help),
        (false, None) => Finding::failed(found.name, found.found),
    }
}

async fn multiplexer(configuration: &Configuration) -> Finding {
    let check = "tmux";
    let projects = names(configuration, |project| {
        project.agent.persistence == Persistence::Tmux
    });
    let help = "install tmux, or set `persistence = \"keeper\"`";
    let found = programs::other(check, "-V", &configuration.environment, help).await;
    match (found.usable, projects) {
        (true, _) => Finding::ok(check, found.found),
        (false, None) => Finding::ok(check, "not found, and not asked for"),
        (false, Some(projects)) => {
            let what = format!("it was not found, and is asked for by {projects}");
            Finding::fail(check, what, help)
        }
    }
}

async fn sandbox(configuration: &Configuration) -> Finding {
    let check = "sandbox";
    let of = |wanted: Sandbox| {
        names(configuration, |project| {
            project.setups().any(|agent| agent.sandbox == wanted)
        })
    };
    let (strict, off) = (of(Sandbox::Strict), of(Sandbox::Off));
    match (configuration.agent.sandbox().await, strict, off) {
        (None, Some(projects), _) => Finding::fail(
            check,
            format!("nothing here makes one, and it is asked for by {projects}"),
            "install bubblewrap, or set `sandbox = \"auto\"`",
        ),
        (None, None, _) => Finding::warn(
            check,
            "nothing here makes one: an agent's shell does what this user can do",
            "install bubblewrap",
        ),
        (Some(_), _, Some(projects)) => Finding::warn(
            check,
            format!(
                "it is off in {projects}: the shell of an agent there does what this user can do"
            ),
            "set `sandbox = \"auto\"`",
        ),
        (Some(means), _, None) => Finding::ok(check, means.name()),
    }
}

/// Whether agents can be kept from the network that are to be; nothing where none is.
async fn network(configuration: &Configuration) -> Option<Finding> {
    let projects = names(configuration, |project| {
        project
            .setups()
            .any(|agent| agent.network == Network::Model)
    })?;
    Some(match configuration.agent.model_alone().await {
        Ok(reached) => Finding::ok("network", format!("agents of {projects} reach {reached}")),
        Err(why) => {
            let what = format!("agents of {projects} are not started");
            Finding::fail("network", what, why)
        }
    })
}

fn unasked(configuration: &Configuration) -> Option<Finding> {
    let projects = names(configuration, |project| {
        project.agent.permission_mode == PermissionMode::BypassPermissions
    })?;
    Some(Finding::warn(
        "permissions",
        format!("every tool runs unasked in {projects}"),
        "set another `permission-mode`, unless each of them is contained",
    ))
}

fn token_file(configuration: &Configuration) -> Option<Finding> {
    let TokenSource::File(file) = &configuration.discord.as_ref()?.token else {
        return None;
    };
    let environment: &BTreeMap<String, String> = &configuration.environment;
    let file = expand_home(file, environment).unwrap_or_else(|| file.clone());
    let found = fs::metadata(&file).ok()?;
    Some(if is_private(&found) {
        Finding::ok("token-file", format!("only its owner can read {file}"))
    } else {
        let help = format!("run: chmod go= {file}");
        Finding::warn("token-file", format!("others can read {file}"), help)
    })
}

/// The projects of which something is true, unless there are none.
fn names(configuration: &Configuration, is: impl Fn(&Project) -> bool) -> Option<String> {
    let projects = configuration.config.routing.projects();
    let names: Vec<&str> = projects
        .filter(|project| is(project))
        .map(|project| project.name.as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}
