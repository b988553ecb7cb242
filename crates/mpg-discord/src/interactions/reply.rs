//! A post as the reply to an interaction.

use mpg_core::id::MessageId;
use mpg_core::native::Audience;
use mpg_core::port::DeliveryError;
use mpg_core::post::{Post, PostKind};
use serde::Deserialize;
use serde_json::Value;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::MessageMarker;

use super::Interactions;
use super::announcement::{DEAD, UNKNOWN_MESSAGE, withdraw};
use super::open::{Acknowledged, Open, Reply};
use crate::render::{self, PersonaForm, Unpostable};
use crate::rest::{Failure, Verb};

/// The part of an answer that matters.
#[derive(Deserialize)]
struct Shown {
    id: Id<MessageMarker>,
}

impl Interactions {
    /// Shows a post as the reply to an interaction. `None`: it has to be posted as any other.
    ///
    /// Filling in what was announced may be repeated. A reply that could only be added is shown once
    /// more where the answer to it was lost, which happens to what is private alone.
    pub(crate) async fn reply(
        &self,
        open: &Open,
        post: &Post,
        form: PersonaForm,
    ) -> Result<Option<MessageId>, DeliveryError> {
        let audience = if post.kind == PostKind::Private {
            Audience::Asker
        } else {
            Audience::Everyone
        };
        let _shown = open.shown.lock().await;
        let reply = open.reply();
        if let Reply::Made(delivery, message) = &reply {
            return Ok((*delivery == post.id).then(|| message.clone()));
        }
        let acknowledged = open.acknowledged().await;
        if acknowledged == Acknowledged::Refused || !open.is_alive() {
            return otherwise(audience);
        }
        if acknowledged == Acknowledged::Announced(audience) && reply != Reply::Withdrawn {
            let route = Route::UpdateInteractionOriginal {
                application_id: open.application,
                interaction_token: open.token.expose(),
            };
            let body = render::reply(post, form).map_err(rejected)?;
            return self.show(open, &route, &body, post, audience).await;
        }
        if let Acknowledged::Announced(_) = acknowledged
            && reply != Reply::Withdrawn
        {
            withdraw(&self.rest, open).await?;
        }
        match audience {
            Audience::Everyone => Ok(None),
            Audience::Asker => {
                let route = Route::ExecuteWebhook {
                    thread_id: None,
                    token: open.token.expose(),
                    wait: None,
                    with_components: None,
                    webhook_id: open.application,
                };
                let body = render::private_reply(post, form).map_err(rejected)?;
                self.show(open, &route, &body, post, audience).await
            }
        }
    }

    async fn show(
        &self,
        open: &Open,
        route: &Route<'_>,
        body: &Value,
        post: &Post,
        audience: Audience,
    ) -> Result<Option<MessageId>, DeliveryError> {
        let failure = match self.rest.post::<Shown>(route, body).await {
            Ok(shown) => {
                let message = MessageId::new(shown.id.to_string());
                open.set_reply(Reply::Made(post.id, message.clone()));
                if audience == Audience::Everyone {
                    open.shown_as(&message);
                }
                return Ok(Some(message));
            }
            Err(failure) => failure,
        };
        let tried = open.reply() == Reply::Tried;
        match failure.code() {
            Some(code) if DEAD.contains(&code) => otherwise(audience),
            Some(UNKNOWN_MESSAGE) if tried => Err(failure.delivery(Verb::Post)),
            Some(UNKNOWN_MESSAGE) => otherwise(audience),
            Some(_) | None => {
                if matches!(failure, Failure::Unknown(_)) && open.reply() == Reply::Owed {
                    open.set_reply(Reply::Tried);
                }
                Err(failure.delivery(Verb::Post))
            }
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it takes the place of an error"
)]
fn rejected(unpostable: Unpostable) -> DeliveryError {
    DeliveryError::Rejected(unpostable.reason())
}

/// What becomes of a reply that cannot be shown as one: what is for everybody is posted in the
/// channel, what is for one person is not.
fn otherwise(audience: Audience) -> Result<Option<MessageId>, DeliveryError> {
    match audience {
        Audience::Everyone => Ok(None),
        Audience::Asker => Err(DeliveryError::Removed(
            "who asked cannot be answered alone any more".to_owned(),
        )),
    }
}
