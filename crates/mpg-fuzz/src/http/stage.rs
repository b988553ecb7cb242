//! A gateway with something of everything behind its router.

mod desk;
mod past;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::id::{
    AskId, ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, PlatformId, ProjectName,
    RootId, TurnId,
};
use mpg_core::message::Inbound;
use mpg_core::port::Connection;
use mpg_core::token::Scope;
use mpg_web::chat::PLATFORM;
use mpg_web::{Backing, Configured, Invitations, Listing, Watch};
use uuid::Uuid;

use self::desk::Gateway;
use self::past::Past;

/// The router, and what it is told to do.
pub(super) struct Stage {
    pub(super) router: Router,
    /// What holders of the scopes show, in the order of scopes.
    pub(super) tokens: [String; 3],
    gateway: Arc<Gateway>,
    chat: Connection,
    heard: bool,
}

impl Debug for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        let routing = routing();
        let watch = Arc::new(Watch::new(&routing, [root().channel.platform].into()));
        let limits = Limits::default();
        let listing = Listing {
            title: "Chat".to_owned(),
            rows: vec![("token".to_owned(), "from the variable X".to_owned())],
        };
        let config = Arc::new(Config { routing, limits });
        let configured = Configured::new(config, vec![listing]);
        let (chat, connection) = mpg_web::chat::connect(configured.clone(), 1_000);
        let minted = Scope::ALL.map(|scope| {
            mpg_web::mint(scope, "test", Timestamp::UNIX_EPOCH, None).expect("there is chance")
        });
        let tokens = minted.each_ref().map(|(_, shown)| shown.clone());
        let past = Arc::new(Past::new(minted.map(|(token, _)| token)));
        let gateway = Arc::new(Gateway::default());
        let router = mpg_web::router(Backing {
            desk: gateway.clone(),
            views: past.clone(),
            tokens: past.clone(),
            audit: past,
            invitations: Arc::new(Invitations::default()),
            watch,
            configured,
            chat: Some(chat),
            hosts: vec!["mpg.example".to_owned()],
            version: "1.2.3",
        });
        Self {
            router,
            tokens,
            gateway,
            chat: connection,
            heard: false,
        }
    }

    /// Stores what people wrote, as a gateway does.
    pub(super) fn store(&mut self) {
        while let Some(Some((inbound, position))) = self.chat.inbox.next().now_or_never() {
            self.heard |= !matches!(inbound, Inbound::Link(_));
            if let Some(position) = position {
                self.chat.inbox.ack(&position);
            }
        }
    }

    /// Whether anything was changed for whoever asked.
    pub(super) fn acted(&self) -> bool {
        self.heard || self.gateway.acted.load(Ordering::Relaxed)
    }
}

fn routing() -> RoutingTable {
    let mut demo = Project::new(ProjectName::new("demo"), "/srv/demo");
    demo.channels.insert(root().channel);
    let mut desk = Project::new(ProjectName::new("at-desk"), "/srv/desk");
    let channel = ChannelKey::new(PlatformId::new(PLATFORM), ChannelId::new("desk"));
    desk.channels.insert(channel);
    RoutingTable::new([demo, desk]).expect("no channel leads to both")
}

/// The one thread, which is called `chat:general~1`.
fn root() -> RootId {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
    RootId::of_message(channel, MessageId::new("1"))
}

fn conversation() -> ConversationId {
    ConversationId {
        root: root(),
        agent: None,
    }
}

/// The one turn, `00000000-0000-0000-0000-000000000001`.
fn turn_id() -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(1))
}

/// The one request, `00000000-0000-0000-0000-000000000002`.
fn ask_id() -> AskId {
    AskId::from_uuid(Uuid::from_u128(2))
}

/// The one post, of the one turn.
fn delivery() -> DeliveryId {
    DeliveryId::of_turn(turn_id(), 0)
}
