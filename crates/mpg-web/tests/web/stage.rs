//! A gateway that says what it is told to, and the router in front of it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use mpg_core::config::{Project, RoutingTable};
use mpg_core::gateway::Overview;
use mpg_core::id::{ChannelId, ChannelKey, PlatformId, ProjectName};
use mpg_web::{App, Closed, Desk, Status, Watch};
use serde_json::Value;
use tower::ServiceExt as _;

/// The router with everything behind it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) desk: Arc<FakeDesk>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) router: Router,
}

/// A gateway that says what it is told to.
#[derive(Debug)]
pub(crate) struct FakeDesk {
    status: Mutex<Option<Status>>,
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
        let desk = Arc::new(FakeDesk {
            status: Mutex::new(Some(idle())),
        });
        let watch = Arc::new(Watch::new(&routing(), [chat()].into()));
        let app = App::new(desk.clone(), watch.clone(), "1.2.3");
        Self {
            desk,
            watch,
            router: mpg_web::router(app),
        }
    }

    /// Asks with everything that a well-meant request has.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(
            Request::get(path)
                .header("host", "localhost")
                .body(Body::empty())
                .unwrap(),
        )
        .await
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

impl FakeDesk {
    /// What it says from now on; `None` as one that has ended.
    pub(crate) fn says(&self, status: Option<Status>) {
        *self.status.lock().unwrap() = status;
    }
}

#[async_trait]
impl Desk for FakeDesk {
    async fn status(&self) -> Result<Status, Closed> {
        self.status.lock().unwrap().clone().ok_or(Closed)
    }

    fn resident_memory(&self) -> Option<u64> {
        Some(4_096)
    }
}

pub(crate) fn chat() -> PlatformId {
    PlatformId::new("chat")
}

pub(crate) fn channel() -> ChannelKey {
    ChannelKey::new(chat(), ChannelId::new("general"))
}

pub(crate) fn routing() -> RoutingTable {
    let mut project = Project::new(ProjectName::new("demo"), "/srv/demo");
    project.channels.insert(channel());
    RoutingTable::new([project]).unwrap()
}

/// A gateway that has nothing to do.
pub(crate) fn idle() -> Status {
    Status {
        overview: Overview {
            conversations: 0,
            turns: 0,
            queued: 0,
            posts: 0,
            active: Vec::new(),
        },
        links: [].into(),
        dead_letters: Vec::new(),
        draining: false,
    }
}
