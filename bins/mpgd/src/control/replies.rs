//! What is done about each request of an operator's command.

use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{OPERATOR, Prompt, Purpose};
use mpg_core::id::{AgentName, AskId, DeliveryId, ProjectName, UserId};
use mpg_core::snapshot::Answerer;
use mpg_core::token::{Scope, Tokens};
use mpg_engine::ControlHandle;
use uuid::Uuid;

use super::Served;
use super::view::{
    DeadLetterView, ReloadView, RequestView, SentView, StatusView, StopView, TokenView,
};
use super::wire::{Outcome, Verb};
use crate::dashboard::Doorway;
use crate::reload::{ReloadHandle, Reloaded};
use crate::token;

pub(super) async fn answer(verb: Verb, served: &Served, by: &Actor) -> Outcome {
    let (engine, started) = (served.engine.on_behalf_of(by.clone()), served.started);
    let outcome = match verb {
        Verb::Status => engine
            .status()
            .await
            .map(|status| Outcome::Status(Box::new(StatusView::new(&status, started.elapsed())))),
        Verb::Deliveries => engine.status().await.map(|status| {
            let letters = status.dead_letters.iter().map(DeadLetterView::new);
            Outcome::Deliveries {
                deliveries: letters.collect(),
            }
        }),
        Verb::Requests => engine.requests().await.map(|open| {
            let now = Timestamp::now();
            Outcome::Requests {
                requests: open.iter().map(|one| RequestView::new(one, now)).collect(),
            }
        }),
        Verb::Answer {
            request,
            text,
            from,
        } => return answer_request(&engine, &request, text, &from).await,
        Verb::Tokens | Verb::AddToken { .. } | Verb::RemoveToken { .. } => {
            return of_tokens(verb, served.tokens.as_ref(), by).await;
        }
        Verb::Invite { scope } => return invite(&scope, served.doorway.as_ref()),
        Verb::Send {
            key,
            project,
            agent,
            text,
            from,
        } => {
            let prompt = Prompt {
                key,
                earlier: None,
                purpose: Purpose::Ask,
                project: ProjectName::new(project),
                thread: None,
                agent: agent.map(AgentName::new),
                text,
                from,
            };
            engine.prompt(prompt).await.map(|delivery| {
                served.sent.expect(delivery);
                Outcome::Sent {
                    delivery: delivery.to_string(),
                }
            })
        }
        Verb::Sent { delivery } => {
            let delivery = DeliveryId::parse(&delivery);
            let found = delivery.and_then(|delivery| served.sent.stage(delivery));
            return Outcome::SentSoFar(SentView::new(found));
        }
        Verb::Redeliver { delivery } => return redeliver(&engine, &delivery).await,
        Verb::Reload => return reload(&served.reload, by).await,
        Verb::Stop { now } => engine.status().await.map(|status| {
            Outcome::Stopping(StopView {
                turns: status.overview.turns,
                waits: !now,
                limit_seconds: served.ending.drain_limit().as_secs(),
            })
        }),
    };
    outcome.unwrap_or_else(|error| refused(&error))
}

/// Posts again what was given up.
async fn redeliver(engine: &ControlHandle, id: &str) -> Outcome {
    let Some(delivery) = DeliveryId::parse(id) else {
        return Outcome::Refused {
            reason: format!("{id:?} is no id of a delivery; list them first"),
        };
    };
    let planned = engine.redeliver(delivery).await;
    planned.map_or_else(|error| refused(&error), |()| Outcome::Redelivered)
}

async fn reload(handle: &ReloadHandle, by: &Actor) -> Outcome {
    match handle.reload(by.clone()).await {
        Some(Reloaded::Applied { changes, restart }) => Outcome::Reloaded(ReloadView {
            changes,
            needs_restart: restart,
        }),
        Some(Reloaded::Refused(reason)) => Outcome::Refused { reason },
        None => Outcome::Refused {
            reason: "the gateway has ended".to_owned(),
        },
    }
}

/// Answers what an agent asks, in the name of who sits at a shell.
async fn answer_request(engine: &ControlHandle, id: &str, text: String, from: &str) -> Outcome {
    let Ok(request) = Uuid::try_parse(id).map(AskId::from_uuid) else {
        return Outcome::Refused {
            reason: format!("{id:?} is no id of a request; list them first"),
        };
    };
    let by = Answerer::new(UserId::new(OPERATOR), from);
    let answered = engine.answer(request, Given::Written(text), Some(by));
    answered
        .await
        .map_or_else(|error| refused(&error), |()| Outcome::Answered)
}

/// A link into the dashboard.
fn invite(scope: &str, doorway: Option<&Doorway>) -> Outcome {
    let reason = match (Scope::named(scope), doorway) {
        (None, _) => format!("{scope:?} is no scope"),
        (_, None) => {
            "nothing is served over HTTP: set `listen` in [http] to an address that is free"
                .to_owned()
        }
        (Some(scope), Some(doorway)) => match doorway.invite(scope) {
            Ok(link) => return Outcome::Invited { link },
            Err(error) => format!("there are no random numbers: {error}"),
        },
    };
    Outcome::Refused { reason }
}

/// What the state has to do with tokens: the engine has not.
async fn of_tokens(verb: Verb, tokens: &dyn Tokens, by: &Actor) -> Outcome {
    let outcome = match verb {
        Verb::Tokens => tokens.tokens().await.map(|tokens| Outcome::Tokens {
            tokens: tokens.iter().map(TokenView::new).collect(),
        }),
        Verb::AddToken { token, hash } => match token::read(&token, hash) {
            Some(token) => tokens
                .add_token(&token, by)
                .await
                .map(|()| Outcome::TokenAdded),
            None => {
                return Outcome::Refused {
                    reason: "this is no token".to_owned(),
                };
            }
        },
        Verb::RemoveToken { id } => tokens
            .remove_token(&id, by)
            .await
            .map(|removed| Outcome::TokenRemoved { removed }),
        Verb::Status
        | Verb::Deliveries
        | Verb::Redeliver { .. }
        | Verb::Requests
        | Verb::Answer { .. }
        | Verb::Invite { .. }
        | Verb::Reload
        | Verb::Stop { .. }
        | Verb::Send { .. }
        | Verb::Sent { .. } => {
            return Outcome::Refused {
                reason: "the engine answers this".to_owned(),
            };
        }
    };
    outcome.unwrap_or_else(|error| refused(&error))
}

fn refused(error: &impl ToString) -> Outcome {
    Outcome::Refused {
        reason: error.to_string(),
    }
}
