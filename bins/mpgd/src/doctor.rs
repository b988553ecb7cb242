//! `mpgd doctor`: looks for what is wrong with an installation, and says what to do.
//!
//! Nothing is changed. The chat platform is asked with the token of the configuration, beside a gateway
//! that runs.

mod agents;
mod finding;
mod platform;
mod ports;
mod projects;
mod sessions;
mod state;

use std::process::ExitCode;

use crate::cli::{Global, ListOptions};
use crate::configuration::Configuration;
use crate::exit::{self, Failure};
use crate::{run, state_dir};
use finding::{Finding, Verdict};

pub(crate) fn doctor(global: &Global, options: &ListOptions) -> Result<ExitCode, Failure> {
    let findings = run::runtime()?.block_on(examine(global));
    exit::print(&if options.json {
        exit::json(&findings)
    } else {
        finding::text(&findings)
    });
    let failed = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn examine(global: &Global) -> Vec<Finding> {
    let mut findings = Vec::new();
    let configuration = Configuration::read(global);
    match &configuration {
        Ok(configuration) => {
            let path = &configuration.path;
            let warnings: Vec<_> = configuration.warnings.problems().iter().collect();
            findings.push(match warnings.first() {
                None => Finding::ok("configuration", format!("{path} is in order")),
                Some(first) => Finding::warn(
                    "configuration",
                    format!("{path}: {} ({} in all)", first.message, warnings.len()),
                    "run: mpgd check",
                ),
            });
        }
        Err(failure) => findings.push(Finding::fail(
            "configuration",
            failure.to_string(),
            "run: mpgd check",
        )),
    }
    let directory = match &configuration {
        Ok(configuration) => Ok(configuration.state_dir.clone().into()),
        // Where the state is can be told from a file that is not fit to run.
        Err(_) => state_dir::locate(global),
    };
    match directory {
        Ok(directory) => {
            findings.extend(state::examine(&directory).await);
            findings.extend(sessions::examine(&directory).await);
            if let Ok(configuration) = &configuration {
                findings.extend(ports::examine(configuration, &directory));
            }
        }
        Err(failure) => findings.push(Finding::fail(
            "state",
            format!("where it is cannot be told: {failure}"),
            "name it with --data-dir",
        )),
    }
    if let Ok(configuration) = &configuration {
        findings.extend(platform::examine(configuration).await);
        findings.extend(projects::examine(configuration).await);
        findings.extend(agents::examine(configuration).await);
    }
    findings
}
