//! The commands as Discord shows them, declared when they are not what it has.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::native::{NativeCommand, NativeCommands, Parameter, ParameterKind};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::ApplicationMarker;

use crate::backoff::Backoff;
use crate::rest::{Failure, Rest};

/// The limits of a command.
///
/// Source: the page on application commands of Discord's documentation.
const DESCRIPTION: usize = 100;
const CHOICES: usize = 25;

/// The type of a command that is typed, and of an option that is a text.
const CHAT_INPUT: u8 = 1;
const TEXT: u8 = 3;

/// How often it is tried to declare the commands.
const ATTEMPTS: u32 = 5;

/// The shortest time between two attempts.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);

/// Declares the commands of a bot, once a process.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) rest: Arc<Rest>,
    pub(crate) commands: Arc<NativeCommands>,
    /// Whether there should be any. If not, those that an earlier process declared are taken back.
    pub(crate) wanted: bool,
}

impl Declaration {
    /// Makes Discord's list of commands what it should be. It is replaced as a whole, and only if
    /// it differs. Text commands work without it, so what fails is logged once.
    pub(crate) async fn declare(self, application: Option<Id<ApplicationMarker>>) {
        let mut backoff = Backoff::default();
        for attempt in 1..=ATTEMPTS {
            let failure = match self.attempt(application).await {
                Ok(declared) => {
                    if let Some(count) = declared {
                        tracing::info!(count, "declared the native commands");
                    }
                    return;
                }
                Err(failure) => failure,
            };
            if !failure.is_passing() || attempt == ATTEMPTS {
                tracing::warn!(
                    ?failure,
                    "native commands could not be declared; text commands work all the same. The \
                     bot needs the scope applications.commands: invite it again with it"
                );
                return;
            }
            let wait = failure.retry_after().unwrap_or_default();
            sleep(backoff.failed().max(SHORTEST_WAIT).max(wait)).await;
        }
    }

    async fn attempt(
        &self,
        application: Option<Id<ApplicationMarker>>,
    ) -> Result<Option<usize>, Failure> {
        #[derive(Deserialize)]
        struct Application {
            id: Id<ApplicationMarker>,
        }
        let application = if let Some(application) = application {
            application
        } else {
            let route = Route::GetCurrentUserApplicationInfo;
            self.rest.get::<Application>(&route).await?.id
        };
        let ours: Vec<Value> = self.commands.declared().iter().map(command).collect();
        let theirs: Vec<Value> = self
            .rest
            .get(&Route::GetGlobalCommands {
                application_id: application.get(),
                with_localizations: None,
            })
            .await?;
        let wanted = if self.wanted {
            ours
        } else if is_part_of(&theirs, &ours) {
            Vec::new()
        } else {
            // Somebody else's.
            return Ok(None);
        };
        if is_same(&wanted, &theirs) {
            return Ok(None);
        }
        let route = Route::SetGlobalCommands {
            application_id: application.get(),
        };
        self.rest.post::<Vec<Value>>(&route, &wanted).await?;
        Ok(Some(wanted.len()))
    }
}

/// A command as Discord takes it: in guilds only, and with what it needs before what it takes.
fn command(command: &NativeCommand) -> Value {
    let (required, optional): (Vec<_>, Vec<_>) = command
        .parameters
        .iter()
        .partition(|parameter| parameter.required);
    let options: Vec<Value> = required.into_iter().chain(optional).map(option).collect();
    json!({
        "name": command.name,
        "type": CHAT_INPUT,
        "description": short(command.help),
        "contexts": [0],
        "options": options,
    })
}

fn option(parameter: &Parameter) -> Value {
    let mut option = json!({
        "name": parameter.name,
        "type": TEXT,
        "description": short(parameter.help()),
        "required": parameter.required,
    });
    match &parameter.kind {
        ParameterKind::Project | ParameterKind::Agent => option["autocomplete"] = true.into(),
        ParameterKind::Choice(words) => {
            let choices = words.iter().take(CHOICES);
            option["choices"] = choices
                .map(|word| json!({"name": word, "value": word}))
                .collect();
        }
        ParameterKind::Text => {}
    }
    option
}

/// At most as long as Discord takes it.
fn short(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION {
        return text.to_owned();
    }
    let kept: String = text.chars().take(DESCRIPTION - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Whether all of `theirs` are among `ours`, by their names.
fn is_part_of(theirs: &[Value], ours: &[Value]) -> bool {
    theirs
        .iter()
        .all(|theirs| ours.iter().any(|ours| ours["name"] == theirs["name"]))
}

/// Whether Discord's list says what ours says. What Discord adds does not count, and neither does
/// the order of the commands.
fn is_same(ours: &[Value], theirs: &[Value]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().all(|ours| {
            theirs
                .iter()
                .any(|theirs| theirs["name"] == ours["name"] && says(theirs, ours))
        })
}

/// Whether `theirs` says all that `ours` says. What is left out is false or empty.
fn says(theirs: &Value, ours: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let said = |key: &String| theirs.get(key).unwrap_or(&Value::Null);
            let more = |key: &str| theirs.contains_key(key) && !ours.contains_key(key);
            ours.iter().all(|(key, ours)| says(said(key), ours))
                && !["choices", "autocomplete"]
                    .into_iter()
                    .any(|key| more(key) && !says(&theirs[key], &Value::Null))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| says(theirs, ours))
        }
        (ours, theirs) => ours == theirs || (is_nothing(ours) && is_nothing(theirs)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(kind: ParameterKind) -> Value {
        command(&NativeCommand {
            name: "kill",
            help: "end the session of this thread, or all of the channel, and drop what waits; the \
                   next message starts afresh",
            parameters: vec![
                Parameter {
                    name: "first".to_owned(),
                    kind,
                    required: false,
                },
                Parameter {
                    name: "second".to_owned(),
                    kind: ParameterKind::Text,
                    required: true,
                },
            ],
        })
    }

    #[test]
    fn forms() {
        let kinds = [
            ParameterKind::Project,
            ParameterKind::Choice(vec!["on".to_owned(), "off".to_owned()]),
        ];
        let forms: Vec<String> = kinds
            .into_iter()
            .map(|kind| format!("{:#}", declared(kind)))
            .collect();
        insta::assert_snapshot!(forms.join("\n"));
    }

    #[test]
    fn what_discord_adds_makes_no_difference() {
        let ours = declared(ParameterKind::Project);
        let mut theirs = ours.clone();
        for (key, value) in [
            ("id", json!("7")),
            ("version", json!("8")),
            ("nsfw", json!(false)),
            ("name_localizations", json!(null)),
            ("integration_types", json!([0])),
        ] {
            theirs[key] = value;
        }
        // False is what a field that is left out means.
        let options = theirs["options"].as_array_mut().unwrap();
        options[1].as_object_mut().unwrap().remove("required");
        let same =
            |theirs: &Value| is_same(std::slice::from_ref(&ours), std::slice::from_ref(theirs));
        assert!(same(&theirs));
        let changes: [fn(&mut Value); 6] = [
            |theirs| theirs["description"] = "another".into(),
            |theirs| theirs["name"] = "another".into(),
            |theirs| theirs["contexts"] = json!(null),
            |theirs| theirs["options"][0]["required"] = false.into(),
            |theirs| theirs["options"][0]["autocomplete"] = true.into(),
            |theirs| theirs["options"] = json!([]),
        ];
        for change in changes {
            let mut other = theirs.clone();
            change(&mut other);
            assert!(!same(&other), "{other}");
        }
        assert!(!is_same(&[], &[theirs]));
    }
}
