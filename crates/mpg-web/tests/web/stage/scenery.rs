//! What there is: a channel, a thread, its project, and what a gateway with them says.

use jiff::Timestamp;
use mpg_core::config::{Project, RoutingTable};
use mpg_core::gateway::{ActiveConversation, Activity, Overview};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, DeliveryId, MessageId, PlatformId, ProjectName, RootId,
    TurnId,
};
use mpg_core::post::{Post, PostKind};
use mpg_core::snapshot::DeadLetter;
use mpg_web::chat::PLATFORM;
use mpg_web::{Listing, Status};
use uuid::Uuid;

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

pub(super) fn listing() -> Listing {
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
pub(super) fn with_desk() -> RoutingTable {
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
