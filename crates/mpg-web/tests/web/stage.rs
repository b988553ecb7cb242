//! A gateway that says what it is told to, what it stored, and the router in front of both.

mod audit;
mod desk;
mod past;
mod scenery;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use mpg_core::config::{Config, Limits, RoutingTable};
use mpg_core::port::Connection;
use mpg_core::token::Scope;
use mpg_web::chat::Chat;
use mpg_web::{Backing, Configured, Invitations, Watch};
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) use self::desk::FakeDesk;
pub(crate) use self::past::Past;
pub(crate) use self::scenery::{
    busy, channel, chat, dead_letter, desk, idle, root, routing, turn_id,
};
use self::scenery::{listing, with_desk};
pub(crate) use crate::asking::{ask_id, open_request, past_requests, permission, questions};

/// The router with everything behind it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) desk: Arc<FakeDesk>,
    pub(crate) past: Arc<Past>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) invitations: Arc<Invitations>,
    pub(crate) configured: Configured,
    pub(crate) chat: Option<Chat>,
    pub(crate) router: Router,
    /// What holders of each scope show.
    pub(crate) read: String,
    pub(crate) write: String,
    pub(crate) admin: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(routing(), |_| None)
    }

    /// One with a chat in the browser, and what the gateway has of it.
    pub(crate) fn with_chat() -> (Self, Connection) {
        let mut connection = None;
        let stage = Self::with(with_desk(), |configured| {
            let (chat, made) = mpg_web::chat::connect(configured.clone(), 1_000);
            connection = Some(made);
            Some(chat)
        });
        (stage, connection.unwrap())
    }

    fn with(routing: RoutingTable, chat: impl FnOnce(&Configured) -> Option<Chat>) -> Self {
        let desk = Arc::new(FakeDesk {
            status: Mutex::new(Some(idle())),
            orders: Mutex::default(),
            open: Mutex::default(),
            answers: Mutex::default(),
            prompts: Mutex::default(),
            actors: Mutex::default(),
        });
        let past = Arc::new(Past {
            tokens: Mutex::default(),
            audited: 250,
            events: Mutex::default(),
        });
        let watch = Arc::new(Watch::new(&routing, [self::chat()].into()));
        let config = Config {
            routing,
            limits: Limits::default(),
        };
        let configured = Configured::new(Arc::new(config), vec![listing()]);
        let chat = chat(&configured);
        let invitations = Arc::new(Invitations::default());
        let [read, write, admin] = Scope::ALL.map(|scope| past.admit(scope, None));
        let router = mpg_web::router(Backing {
            desk: desk.clone(),
            views: past.clone(),
            tokens: past.clone(),
            audit: past.clone(),
            invitations: invitations.clone(),
            watch: watch.clone(),
            configured: configured.clone(),
            chat: chat.clone(),
            hosts: Vec::new(),
            version: "1.2.3",
        });
        Self {
            desk,
            past,
            watch,
            invitations,
            configured,
            chat,
            router,
            read,
            write,
            admin,
        }
    }

    /// Asks as somebody who may look.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, Some(&self.read)).await
    }

    /// Asks by showing a token, or nothing.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: Option<&str>) -> Answer {
        self.send(request(method, path, token)).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::empty()).unwrap()
}
