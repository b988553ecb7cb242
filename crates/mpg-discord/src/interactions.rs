//! The interactions of this process: acknowledged at once, answered when the core has decided.
//!
//! Discord takes a first answer within three seconds and others for a quarter of an hour, with a
//! token that is kept in memory only: what is still owed after that, or after a restart, is posted
//! in the channel as everything else is.

mod announcement;
mod open;
mod reply;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mpg_core::id::MessageId;
use mpg_core::native::{Audience, NativeCommands};
use mpg_core::post::Post;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use twilight_http::routing::Route;

use self::announcement::Announcements;
pub(crate) use self::open::Open;
use self::open::{ALREADY_ACKNOWLEDGED, Acknowledged};
use crate::controls::{Forms, modal};
use crate::event::interaction::{COMMAND, COMPLETION, COMPONENT, FORM, Interaction};
use crate::render::{EPHEMERAL, snowflake};
use crate::rest::Rest;
use crate::shared::Shared;
use crate::translate::interaction::{author_of, heard, place_of};

/// How many interactions are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 1024;

/// How many first answers are on their way at the same time. What comes beyond that is not
/// acknowledged, and its reply is posted in the channel.
const ANSWERING: usize = 64;

/// The longest suggestion that Discord takes, in characters.
///
/// Source: the page on application commands of Discord's documentation.
const CHOICE_LENGTH: usize = 100;

/// The types of first answers.
///
/// Source: the page on receiving and responding to interactions of Discord's documentation.
const DEFERRED_MESSAGE: u8 = 5;
const DEFERRED_UPDATE: u8 = 6;
const COMPLETIONS: u8 = 8;
const MODAL: u8 = 9;

/// The interactions of this process.
#[derive(Debug)]
pub(crate) struct Interactions {
    rest: Arc<Rest>,
    directory: Shared,
    /// What is known of the commands; unset, everything is announced to who asked alone.
    commands: Option<Arc<NativeCommands>>,
    /// The forms that buttons open.
    pub(crate) forms: Forms,
    open: Mutex<BTreeMap<u64, Arc<Open>>>,
    answering: Arc<Semaphore>,
    announcements: Announcements,
}

impl Interactions {
    pub(crate) fn new(
        rest: Arc<Rest>,
        directory: Shared,
        commands: Option<Arc<NativeCommands>>,
    ) -> Self {
        Self {
            rest,
            directory,
            commands,
            forms: Forms::default(),
            open: Mutex::default(),
            answering: Arc::new(Semaphore::new(ANSWERING)),
            announcements: Announcements::new(),
        }
    }

    /// Sees to the first answer of an interaction, in a task of its own. One that was told before is
    /// not answered again.
    ///
    /// Has to be called inside a runtime.
    pub(crate) fn receive(&self, interaction: &Interaction) {
        let (kind, data) = match interaction.kind {
            COMMAND => match self.audience(interaction) {
                Audience::Everyone => (DEFERRED_MESSAGE, Value::Null),
                Audience::Asker => (DEFERRED_MESSAGE, json!({"flags": EPHEMERAL})),
            },
            COMPONENT => match self.modal(interaction) {
                Some(modal) => (MODAL, modal),
                None => (DEFERRED_UPDATE, Value::Null),
            },
            FORM if interaction.message.is_some() => (DEFERRED_UPDATE, Value::Null),
            FORM => (DEFERRED_MESSAGE, json!({"flags": EPHEMERAL})),
            COMPLETION => (COMPLETIONS, json!({"choices": self.choices(interaction)})),
            _ => return,
        };
        let acknowledged = match (kind, data["flags"].as_u64()) {
            (DEFERRED_MESSAGE, None) => Acknowledged::Announced(Audience::Everyone),
            (DEFERRED_MESSAGE, Some(_)) => Acknowledged::Announced(Audience::Asker),
            (_, _) => Acknowledged::Silently,
        };
        let open = Arc::new(Open::new(interaction));
        if kind != COMPLETIONS && !self.remember(&open) {
            return;
        }
        let Ok(permit) = Arc::clone(&self.answering).try_acquire_owned() else {
            tracing::warn!(
                id = open.id,
                "too many interactions at once; one is not acknowledged"
            );
            open.acknowledge(Acknowledged::Refused);
            return;
        };
        let mut body = json!({"type": kind});
        if !data.is_null() {
            body["data"] = data;
        }
        if let Acknowledged::Announced(_) = acknowledged {
            self.announcements.watch(&self.rest, &open);
        }
        let rest = Arc::clone(&self.rest);
        tokio::spawn(async move {
            open.acknowledge(answer(&rest, &open, &body, acknowledged).await);
            drop(permit);
        });
    }

    /// The interaction that a reply, a thread or a sign is meant for, if it is one of this process.
    pub(crate) fn find(&self, id: &MessageId) -> Option<Arc<Open>> {
        let id = snowflake(id.as_str())?;
        self.all().get(&id).cloned()
    }

    /// Sees to it that nothing announces a reply any more that was posted in the channel.
    pub(crate) async fn answered_by_post(&self, channel: u64, post: &Post, open: Option<&Open>) {
        let announcements = &self.announcements;
        announcements.clear(&self.rest, channel, post, open).await;
    }

    /// Takes an interaction in; not if it is there already.
    fn remember(&self, open: &Arc<Open>) -> bool {
        let mut all = self.all();
        if all.contains_key(&open.id) {
            return false;
        }
        all.insert(open.id, Arc::clone(open));
        while all.len() > REMEMBERED {
            all.pop_first();
        }
        true
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who will see the reply, as far as is known now. If it turns out otherwise, the announcement is
    /// taken back.
    fn audience(&self, interaction: &Interaction) -> Audience {
        let heard = self
            .directory
            .read(|directory| heard(interaction, directory));
        match (&self.commands, heard) {
            (Some(commands), Some(heard)) => commands.audience(&heard),
            (None, _) | (_, None) => Audience::Asker,
        }
    }

    /// The form that a press opens.
    fn modal(&self, interaction: &Interaction) -> Option<Value> {
        let custom_id = interaction.data.custom_id.as_deref()?;
        let message = interaction.message.as_ref().unwrap_or(&Value::Null);
        modal(&self.forms, custom_id, message)
    }

    fn choices(&self, interaction: &Interaction) -> Vec<Value> {
        let names = self.suggestions(interaction).unwrap_or_default();
        names
            .into_iter()
            .filter(|name| (1..=CHOICE_LENGTH).contains(&name.chars().count()))
            .map(|name| json!({"name": name, "value": name}))
            .collect()
    }

    fn suggestions(&self, interaction: &Interaction) -> Option<Vec<String>> {
        let commands = self.commands.as_ref()?;
        let mut options = interaction.data.options.iter();
        let typed = options.find(|option| option.focused)?;
        let (place, author) = self.directory.read(|directory| {
            place_of(interaction, directory).zip(author_of(interaction, directory))
        })?;
        let name = interaction.data.name.as_ref()?;
        let declared = commands.declared();
        let command = declared.iter().find(|command| command.name == name)?;
        let mut parameters = command.parameters.iter();
        let parameter = parameters.find(|parameter| parameter.name == typed.name)?;
        Some(commands.suggest(&place, &author, &parameter.kind, &typed.text()))
    }
}

/// Gives the first answer, and tells what came of it.
async fn answer(
    rest: &Rest,
    open: &Open,
    body: &Value,
    acknowledged: Acknowledged,
) -> Acknowledged {
    let route = Route::InteractionCallback {
        interaction_id: open.id,
        interaction_token: open.token.expose(),
        with_response: false,
    };
    match rest.answer(&route, body).await {
        Ok(()) => acknowledged,
        // By this process before a connection was resumed, or by one that is gone.
        Err(failure) if failure.code() == Some(ALREADY_ACKNOWLEDGED) => acknowledged,
        Err(failure) => {
            tracing::warn!(
                id = open.id,
                ?failure,
                "an interaction could not be acknowledged; its reply is posted in the channel"
            );
            Acknowledged::Refused
        }
    }
}
