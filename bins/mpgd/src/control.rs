//! The control socket: what an operator's commands ask of the running gateway.
//!
//! Each connection carries lines of JSON, a request and its reply in turn. Only this user is
//! answered, and root, who could do the same anyway.

mod client;
mod socket;
mod user;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{OPERATOR, Prompt, Purpose};
use mpg_core::id::{AgentName, AskId, DeliveryId, ProjectName, UserId};
use mpg_core::snapshot::Answerer;
use mpg_core::token::{Scope, Tokens};
use mpg_engine::ControlHandle;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};
use uuid::Uuid;

pub(crate) use client::{AskError, ask};
pub(crate) use socket::{SocketPath, bind, is_trusted};
pub(crate) use user::local;
#[cfg(test)]
pub(crate) use wire::{ActiveView, LinkView};
pub(crate) use wire::{
    DeadLetterView, Outcome, ReloadView, RequestView, SentView, StatusView, TokenView, Verb,
    is_connected,
};

use crate::dashboard::Doorway;
use crate::reload::{ReloadHandle, Reloaded};
use crate::sent::Sent;
use crate::token;

/// How many clients are served at the same time; the next ones wait.
const CLIENTS: usize = 8;

/// The longest request, in bytes: the longest text that may be asked, escaped.
const MAX_REQUEST: u64 = 1024 * 1024;

/// How long a client may be silent, or not take its reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait where a client cannot be accepted: most likely, too many files are open.
const PAUSE: Duration = Duration::from_millis(500);

/// A bound control socket. Its file is removed with it.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: SocketPath,
    started: Instant,
}

impl Control {
    /// Binds the socket. A file that is there already is replaced: whoever holds the state's lock
    /// knows that its owner is gone.
    pub(crate) fn bind(path: SocketPath) -> io::Result<Self> {
        Ok(Self {
            listener: bind(&path)?,
            path,
            started: Instant::now(),
        })
    }

    /// Serves clients until the future is dropped.
    pub(crate) async fn serve(
        self,
        engine: ControlHandle,
        tokens: Arc<dyn Tokens>,
        reload: ReloadHandle,
        doorway: Option<Doorway>,
        sent: Arc<Sent>,
    ) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept(), if clients.len() < CLIENTS => match accepted {
                    Ok((stream, _)) => {
                        let served = Served {
                            engine: engine.clone(),
                            tokens: Arc::clone(&tokens),
                            reload: reload.clone(),
                            doorway: doorway.clone(),
                            sent: Arc::clone(&sent),
                            started: self.started,
                        };
                        clients.spawn(converse(stream, served));
                    }
                    Err(error) => {
                        warn!(%error, "a client of the control socket was not accepted");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.path.remove();
    }
}

/// What clients are served with.
#[derive(Clone)]
struct Served {
    engine: ControlHandle,
    tokens: Arc<dyn Tokens>,
    reload: ReloadHandle,
    /// Where HTTP is served.
    doorway: Option<Doorway>,
    sent: Arc<Sent>,
    started: Instant,
}

async fn converse(stream: UnixStream, served: Served) {
    let by = match stream.peer_cred() {
        Ok(peer) if is_trusted(peer.uid()) => local(peer.uid()).await,
        Ok(peer) => {
            warn!(
                uid = peer.uid(),
                "another user was refused at the control socket"
            );
            return;
        }
        Err(error) => {
            warn!(%error, "a client of the control socket does not say who it is");
            return;
        }
    };
    let mut stream = BufReader::new(stream);
    while let Ok(Ok(Some(line))) = timeout(PATIENCE, request(&mut stream)).await {
        let outcome = match wire::parse(&line) {
            Ok(verb) => answer(verb, &served, &by).await,
            Err(reason) => Outcome::Refused { reason },
        };
        let reply = wire::reply(&outcome);
        let written = timeout(PATIENCE, stream.get_mut().write_all(reply.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            debug!("a client of the control socket did not take its reply");
            return;
        }
    }
}

/// The next line; `None` at the end, and for one that is too long, which ends the conversation.
async fn request(stream: &mut BufReader<UnixStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream
        .take(MAX_REQUEST)
        .read_until(b'\n', &mut line)
        .await?;
    Ok((line.pop() == Some(b'\n')).then_some(line))
}

async fn answer(verb: Verb, served: &Served, by: &Actor) -> Outcome {
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
        Verb::Redeliver { delivery } => match DeliveryId::parse(&delivery) {
            Some(delivery) => engine
                .redeliver(delivery)
                .await
                .map(|()| Outcome::Redelivered),
            None => {
                return Outcome::Refused {
                    reason: format!("{delivery:?} is no id of a delivery; list them first"),
                };
            }
        },
        Verb::Reload => {
            return match served.reload.reload(by.clone()).await {
                Some(Reloaded::Applied { changes, restart }) => Outcome::Reloaded(ReloadView {
                    changes,
                    needs_restart: restart,
                }),
                Some(Reloaded::Refused(reason)) => Outcome::Refused { reason },
                None => Outcome::Refused {
                    reason: "the gateway has ended".to_owned(),
                },
            };
        }
    };
    outcome.unwrap_or_else(|error| Outcome::Refused {
        reason: error.to_string(),
    })
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
    answered.await.map_or_else(
        |error| Outcome::Refused {
            reason: error.to_string(),
        },
        |()| Outcome::Answered,
    )
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
        | Verb::Send { .. }
        | Verb::Sent { .. } => {
            return Outcome::Refused {
                reason: "the engine answers this".to_owned(),
            };
        }
    };
    outcome.unwrap_or_else(|error| Outcome::Refused {
        reason: error.to_string(),
    })
}
