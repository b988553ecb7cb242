//! The agents of a project.

use super::Value;
use super::field::Object;
use super::sheet::Sheet;
use crate::json::{Json, Node};
use crate::preset::PRESETS;
use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::{listed, quoted};

/// Lowers a list of presets or an object of agents. What the predecessor drops in silence is
/// dropped and said.
pub(super) fn lower<'t>(
    path: &str,
    key: &At<String>,
    node: &Node<'t>,
    table: &mut Sheet<'t>,
    problems: &mut Problems,
) {
    match &node.value {
        Json::List(items) => {
            let mut presets: Vec<At<String>> = Vec::new();
            for (at, item) in items.iter().enumerate() {
                let Json::Text(name) = &item.value else {
                    let message = format!("{path}[{at}] takes a string, not {}", item.sort());
                    problems.warning(
                        Problem::new(item.span.clone(), message).with_help("it is ignored"),
                    );
                    continue;
                };
                let name = name.to_lowercase();
                if !is_preset(&name) {
                    problems.warning(unknown_preset(&name, item).with_help(help()));
                } else if presets.iter().all(|preset| preset.value != name) {
                    presets.push(At::new(name, item.span.clone()));
                }
            }
            if !presets.is_empty() {
                table.put_texts("agents", key.span.clone(), presets);
            }
        }
        Json::Object(agents) => {
            let mut sheet = Sheet::default();
            for (name, node) in agents {
                let path = format!("{path}.{}", quoted(&name.value).trim_matches('`'));
                if let Some(agent) = agent(&path, name, node, problems) {
                    sheet.put_table(&name.value.to_lowercase(), name.span.clone(), agent);
                }
            }
            if !sheet.is_empty() {
                table.put_table("agents", key.span.clone(), sheet);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => {
            let message = format!("{path} takes a list or an object, not {}", node.sort());
            problems.warning(Problem::new(node.span.clone(), message).with_help("it is ignored"));
        }
    }
}

fn agent<'t>(
    path: &str,
    name: &At<String>,
    node: &Node<'t>,
    problems: &mut Problems,
) -> Option<Sheet<'t>> {
    let dropped = |what: &str, problems: &mut Problems| {
        let message = format!("agent {} has {what}", quoted(&name.value));
        problems.warning(
            Problem::new(name.span.clone(), message)
                .with_help("it is left out, as by multi-project-gateway"),
        );
    };
    if !matches!(node.value, Json::Object(_)) {
        dropped("no object", problems);
        return None;
    }
    let entries = Object::of(path, node, problems)?;
    entries.warn_of_unknown(&["preset", "role", "prompt", "timeoutMs"], problems);
    let mut agent = Sheet::default();
    let preset = entries.text("preset", problems);
    let role = entries.text("role", problems).filter(has_text);
    let prompt = entries.text("prompt", problems).filter(has_text);
    let known = preset
        .as_ref()
        .is_some_and(|preset| is_preset(&preset.value));
    if let (Some(preset), false) = (&preset, known) {
        let own = role.is_some() && prompt.is_some();
        let problem = unknown_preset(&preset.value, entries.get("preset")?);
        problems.warning(problem.with_help(if own {
            "it is described by its own role and prompt alone".to_owned()
        } else {
            format!("the agent is left out; {}", help())
        }));
        if !own {
            return None;
        }
    } else if preset.is_none() && (role.is_none() || prompt.is_none()) {
        dropped("no preset, and not both a role and a prompt", problems);
        return None;
    }
    let timeout: Option<Value<'t>> = entries.milliseconds("timeoutMs", problems);
    let preset = preset.filter(|_| known);
    for (key, text) in [("preset", preset), ("role", role), ("prompt", prompt)] {
        if let Some(text) = text {
            let at = entries.entry(key).map(|(key, _)| key.span.clone());
            agent.put_text(key, at.unwrap_or_default(), &text.value, text.span);
        }
    }
    if let (Some(timeout), Some((key, _))) = (timeout, entries.entry("timeoutMs")) {
        agent.put("timeout", key.span.clone(), timeout);
    }
    Some(agent)
}

fn has_text(text: &At<String>) -> bool {
    !text.value.trim().is_empty()
}

fn is_preset(name: &str) -> bool {
    PRESETS.iter().any(|(known, _)| *known == name)
}

fn unknown_preset(name: &str, node: &Node<'_>) -> Problem {
    Problem::new(node.span.clone(), format!("{} is no preset", quoted(name)))
}

fn help() -> String {
    format!(
        "presets are {}",
        listed(PRESETS.iter().map(|(name, _)| *name))
    )
}
