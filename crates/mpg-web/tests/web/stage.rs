//! A gateway that says what it is told to, what it stored, and the router in front of both.

mod audit;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::gateway::{
    ActiveConversation, Activity, AnswerRefusal, AnyRequest, OpenRequest, Order, Overview, Prompt,
    PromptRefusal, RequestEnd,
};
use mpg_core::id::{
    AskId, ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, PlatformId, ProjectName,
    RootId, TurnId, UserId,
};
use mpg_core::port::{Connection, StoreError};
use mpg_core::post::{Post, PostKind};
use mpg_core::snapshot::{Answerer, DeadLetter};
use mpg_core::token::{Scope, Token, Tokens};
use mpg_core::view::{
    Content, Entry, EventView, OwedPost, Stretch, TurnQuery, TurnState, TurnView, Views,
};
use mpg_web::chat::{Chat, PLATFORM};
use mpg_web::{
    AnswerError, Backing, Closed, Configured, Desk, Invitations, Listing, Process, PromptError,
    Refusal, Status, Watch,
};
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

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

/// A gateway that says what it is told to.
#[derive(Debug)]
pub(crate) struct FakeDesk {
    status: Mutex<Option<Status>>,
    /// What it was told to do.
    pub(crate) orders: Mutex<Vec<(RootId, Order)>>,
    /// What waits for people.
    pub(crate) open: Mutex<Vec<OpenRequest>>,
    /// What was answered.
    pub(crate) answers: Mutex<Vec<(AskId, Given, Answerer)>>,
    /// What was asked and told.
    pub(crate) prompts: Mutex<Vec<(Prompt, Actor)>>,
    /// Who told it.
    pub(crate) actors: Mutex<Vec<Actor>>,
}

/// What is stored: one thread with a turn of each state, some events, and tokens.
#[derive(Debug)]
pub(crate) struct Past {
    tokens: Mutex<Vec<Token>>,
    /// How many entries the audit log has.
    audited: u64,
    pub(crate) events: Mutex<Vec<EventView>>,
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

impl FakeDesk {
    /// What it says from now on; `None` as one that has ended.
    pub(crate) fn says(&self, status: Option<Status>) {
        *self.status.lock().unwrap() = status;
    }
}

impl Past {
    /// Makes a token, and returns what its holder shows.
    pub(crate) fn admit(&self, scope: Scope, expires_at: Option<Timestamp>) -> String {
        let minted = mpg_web::mint(scope, "test", Timestamp::UNIX_EPOCH, expires_at);
        let (token, shown) = minted.unwrap();
        self.tokens.lock().unwrap().push(token);
        shown
    }

    pub(crate) fn revoke_all(&self) {
        self.tokens.lock().unwrap().clear();
    }

    pub(crate) fn happened(&self, number: u64, kind: &str) {
        self.events.lock().unwrap().push(EventView {
            number,
            at: Timestamp::UNIX_EPOCH,
            thread: Some(root()),
            kind: kind.to_owned(),
            detail: r#"{"attempt":1}"#.to_owned(),
        });
    }
}

#[async_trait]
impl Desk for FakeDesk {
    async fn status(&self) -> Result<Status, Closed> {
        self.status.lock().unwrap().clone().ok_or(Closed)
    }

    async fn redeliver(&self, delivery: DeliveryId, by: Actor) -> Result<(), Refusal> {
        self.actors.lock().unwrap().push(by);
        let known = delivery == dead_letter().post.id;
        known.then_some(()).ok_or(Refusal::NotThere)
    }

    async fn order(&self, thread: RootId, order: Order, by: Actor) -> Result<String, Refusal> {
        self.actors.lock().unwrap().push(by);
        if thread != root() {
            return Err(Refusal::NotThere);
        }
        self.orders.lock().unwrap().push((thread, order));
        Ok("done".to_owned())
    }

    async fn waiting(&self) -> Result<usize, Closed> {
        self.requests().await.map(|open| open.len())
    }

    async fn requests(&self) -> Result<Vec<OpenRequest>, Closed> {
        self.status().await?;
        Ok(self.open.lock().unwrap().clone())
    }

    async fn request(&self, id: AskId) -> Result<Option<AnyRequest>, Closed> {
        self.status().await?;
        let open = self.open.lock().unwrap();
        let open = open.iter().find(|open| open.ask.id == id).cloned();
        let past = past_requests().into_iter().find(|past| past.id == id);
        let open = open.map(|open| AnyRequest::Open(Box::new(open)));
        Ok(open.or(past.map(AnyRequest::Past)))
    }

    async fn answer(&self, id: AskId, given: Given, by: Answerer) -> Result<(), AnswerError> {
        match self.request(id).await? {
            None => return Err(AnswerRefusal::NotKnown.into()),
            Some(AnyRequest::Past(past)) => {
                return Err(match past.end {
                    RequestEnd::Answered { .. } => AnswerRefusal::Answered {
                        by: "bob".to_owned(),
                    },
                    RequestEnd::Expired => AnswerRefusal::Expired,
                    RequestEnd::Over => AnswerRefusal::Over,
                }
                .into());
            }
            Some(AnyRequest::Open(_)) => {}
        }
        if given == Given::Written("perhaps".to_owned()) {
            return Err(AnswerRefusal::NoAnswer.into());
        }
        self.answers.lock().unwrap().push((id, given, by));
        Ok(())
    }

    async fn prompt(&self, prompt: Prompt, by: Actor) -> Result<DeliveryId, PromptError> {
        self.status().await?;
        if let Some(earlier) = prompt.earlier {
            return match prompt.text.as_str() {
                "another" => Err(PromptRefusal::KeyTaken.into()),
                _ => Ok(earlier),
            };
        }
        if routing().project(&prompt.project).is_none() {
            return Err(PromptRefusal::NoProject(prompt.project).into());
        }
        if prompt.text.is_empty() {
            return Err(PromptRefusal::Empty.into());
        }
        let elsewhere = prompt.thread.as_ref().is_some_and(|it| *it != root());
        if elsewhere {
            return Err(PromptRefusal::NoThread(prompt.project).into());
        }
        if prompt.text == "full" {
            return Err(PromptRefusal::Busy.into());
        }
        self.prompts.lock().unwrap().push((prompt, by));
        Ok(DeliveryId::of_turn(turn_id(5), 0))
    }

    async fn processes(&self) -> Vec<Process> {
        let conversation = Some("chat:general#1".to_owned());
        let kept = Process {
            session: "5e55104e".to_owned(),
            project: Some("demo".to_owned()),
            conversation,
            state: "busy",
            orphaned: true,
            unread: false,
            started: Some(Timestamp::UNIX_EPOCH),
            keeper_pid: Some(10),
            agent_pid: Some(11),
            keeper_memory: 1_126_400,
            agent_memory: 188_743_680,
        };
        let left = Process {
            session: "dead".to_owned(),
            project: None,
            conversation: None,
            state: "dead",
            orphaned: false,
            unread: true,
            started: None,
            keeper_pid: None,
            agent_pid: None,
            keeper_memory: 0,
            agent_memory: 0,
        };
        vec![kept, left]
    }

    fn resident_memory(&self) -> Option<u64> {
        Some(4_096)
    }
}

#[async_trait]
impl Views for Past {
    async fn recent_turns(&self, query: &TurnQuery) -> Result<Vec<TurnView>, StoreError> {
        let turns = TurnState::ALL.into_iter().zip([1, 2, 3]).rev();
        let turns = turns.map(|(state, number)| turn(number, state));
        Ok(turns
            .filter(|turn| query.turn.is_none_or(|id| turn.id == id))
            .filter(|turn| query.state.is_none_or(|state| turn.state == state))
            .filter(|turn| {
                let channel = &turn.conversation.root.channel;
                query
                    .channel
                    .as_ref()
                    .is_none_or(|wanted| wanted == channel)
            })
            .filter(|turn| query.before.is_none_or(|before| turn.number < before))
            .filter(|turn| {
                let root = &turn.conversation.root;
                query.thread.as_ref().is_none_or(|wanted| wanted == root)
            })
            .take(query.limit as usize)
            .collect())
    }

    async fn owed(&self, _limit: u32) -> Result<Vec<OwedPost>, StoreError> {
        Ok(vec![OwedPost {
            root: root(),
            id: DeliveryId::of_turn(turn_id(1), 0),
            kind: "answer".to_owned(),
            text: "soon".to_owned(),
            planned_at: Timestamp::UNIX_EPOCH,
        }])
    }

    async fn transcript(
        &self,
        wanted: &RootId,
        _limit: u32,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        if *wanted != root() {
            return Ok(None);
        }
        let asked = Entry {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Asked {
                turn: turn_id(1),
                author: UserId::new("ann"),
                agent: None,
                by_person: true,
            },
            text: "<script>alert(1)</script>".to_owned(),
        };
        let posted = Entry {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Posted {
                delivery: DeliveryId::of_turn(turn_id(1), 0),
                kind: "answer".to_owned(),
                persona: None,
                state: "confirmed".to_owned(),
                turn: Some(turn_id(1)),
            },
            text: "no".to_owned(),
        };
        Ok(Some(vec![asked, posted]))
    }

    async fn prompted(&self, key: &str) -> Result<Option<DeliveryId>, StoreError> {
        let known = key.ends_with(" as known");
        Ok(known.then(|| DeliveryId::of_turn(turn_id(6), 0)))
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        let events = self.events.lock().unwrap();
        let later = events.iter().filter(|event| event.number > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        let events = self.events.lock().unwrap();
        Ok(events.last().map_or(0, |event| event.number))
    }

    async fn activity(
        &self,
        since: Timestamp,
        _stretch_seconds: u32,
    ) -> Result<Vec<Stretch>, StoreError> {
        Ok(vec![Stretch {
            begins: since,
            channel: channel(),
            agent: None,
            outcome: "answered".to_owned(),
            turns: 2,
            usage: Usage {
                cost_microdollars: 500,
                ..Usage::default()
            },
            waited_ms: 30,
        }])
    }
}

#[async_trait]
impl Tokens for Past {
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        let tokens = self.tokens.lock().unwrap();
        Ok(tokens.iter().find(|token| token.id == id).cloned())
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.tokens.lock().unwrap().clone())
    }

    async fn add_token(&self, token: &Token, _by: &Actor) -> Result<(), StoreError> {
        self.tokens.lock().unwrap().push(token.clone());
        Ok(())
    }

    async fn remove_token(&self, id: &str, _by: &Actor) -> Result<bool, StoreError> {
        let mut tokens = self.tokens.lock().unwrap();
        let before = tokens.len();
        tokens.retain(|token| token.id != id);
        Ok(tokens.len() < before)
    }
}

pub(crate) fn chat() -> PlatformId {
    PlatformId::new("chat")
}

pub(crate) fn channel() -> ChannelKey {
    ChannelKey::new(chat(), ChannelId::new("general"))
}

/// The one thread, which is called `chat:general~1`.
pub(crate) fn root() -> RootId {
    RootId::of_message(channel(), MessageId::new("1"))
}

pub(crate) fn turn_id(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

fn turn(number: u64, state: TurnState) -> TurnView {
    let ended = state == TurnState::Ended;
    TurnView {
        number,
        id: turn_id(number.into()),
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        state,
        author: UserId::new("ann"),
        prompt: "do it".to_owned(),
        by_person: true,
        attempt: Some(1),
        queued_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        ended_at: ended.then_some(Timestamp::UNIX_EPOCH),
        outcome: ended.then(|| "failed".to_owned()),
        failure: ended.then(|| ("other".to_owned(), "it broke".to_owned())),
        usage: Usage::default(),
    }
}

pub(crate) fn dead_letter() -> DeadLetter {
    let turn = turn_id(9);
    let kind = PostKind::Answer { turn, agent: None };
    DeadLetter {
        root: root(),
        post: Post::new(DeliveryId::of_turn(turn, 0), kind, "an answer"),
        reason: "the place is gone".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn listing() -> Listing {
    Listing {
        title: "Chat".to_owned(),
        rows: vec![("token".to_owned(), "from the variable X".to_owned())],
    }
}

pub(crate) fn routing() -> RoutingTable {
    let mut project = Project::new(ProjectName::new("demo"), "/srv/demo");
    project.channels.insert(channel());
    RoutingTable::new([project]).unwrap()
}

/// The same with a project in the browser.
fn with_desk() -> RoutingTable {
    let mut project = Project::new(ProjectName::new("at-desk"), "/srv/desk");
    project.channels.insert(desk());
    let projects = routing();
    let known = projects.projects().map(|known| Project::clone(known));
    RoutingTable::new(known.chain([project])).unwrap()
}

/// The channel of the browser.
pub(crate) fn desk() -> ChannelKey {
    ChannelKey::new(PlatformId::new(PLATFORM), ChannelId::new("desk"))
}

/// A gateway with a turn that runs and a post that was given up.
pub(crate) fn busy() -> Status {
    let mut status = idle();
    status.overview.active.push(ActiveConversation {
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        project: ProjectName::new("demo"),
        session: None,
        directory: Some("/srv/demo".to_owned()),
        active_at: Some(Timestamp::UNIX_EPOCH),
        activity: Activity::Working(Some(Timestamp::UNIX_EPOCH)),
        queued: 3,
    });
    status.dead_letters.push(dead_letter());
    status
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
