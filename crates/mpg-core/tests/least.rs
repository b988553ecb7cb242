//! What adapters, runtimes and workspaces do that have no more than they must.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::agent::Seq;
use mpg_core::capability::Capabilities;
use mpg_core::catch_up::MissedRequest;
use mpg_core::config::Verbosity;
use mpg_core::id::Position;
use mpg_core::id::{
    ChannelId, ChannelKey, DeliveryId, InstallationId, MessageId, MessageRef, Place, PlatformId,
    ProjectName, RequestId, RootId, SessionId, TurnId,
};
use mpg_core::live::LiveView;
use mpg_core::message::{Attachment, Inbound};
use mpg_core::port::{
    AgentControl, AgentRuntime, AgentSession, DeliveryError, FetchError, Inbox, OpenError, Outbox,
    SessionSpec, Submission, Submitted, Workspace, WorkspaceError, WorkspaceRequest, Workspaces,
};
use mpg_core::post::{Post, PostKind, Status};
use mpg_core::request::Answer;
use uuid::Uuid;

#[derive(Debug)]
struct Least;

#[async_trait]
impl Inbox for Least {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        None
    }
}

#[async_trait]
impl Outbox for Least {
    fn capabilities(&self, _: &Place) -> Capabilities {
        Capabilities::default()
    }

    async fn post(&self, _: &Place, _: &Post) -> Result<MessageId, DeliveryError> {
        Ok(MessageId::new("1"))
    }
}

#[async_trait]
impl AgentRuntime for Least {
    async fn open(&self, _: SessionSpec) -> Result<AgentSession, OpenError> {
        Err(OpenError::NotRunning)
    }
}

#[async_trait]
impl AgentControl for Least {
    async fn submit(&self, _: Submission) -> Result<Submitted, OpenError> {
        Ok(Submitted::New)
    }

    async fn interrupt(&self) {}

    async fn respond(&self, _: &RequestId, _: Answer) {}

    async fn close(&self, _: Duration) {}
}

#[async_trait]
impl Workspaces for Least {
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
        Ok(Workspace::new(request.directory))
    }
}

/// What comes of a future that need not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn place() -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new("chat"),
        ChannelId::new("1"),
    ))
}

#[test]
fn what_a_platform_does_not_do_is_unsupported() {
    let (place, id) = (place(), MessageId::new("1"));
    let message = MessageRef {
        place: place.clone(),
        message: id.clone(),
    };
    let delivery = DeliveryId::of_prompt(InstallationId::from_uuid(Uuid::nil()), "1", "text");
    let post = Post::new(delivery, PostKind::Told, "text");
    let frame = LiveView::new(TurnId::from_uuid(Uuid::nil()), None).frame(Verbosity::Normal);
    let request = MissedRequest {
        channel: place.channel.clone(),
        read: std::iter::empty().collect(),
        since: Timestamp::UNIX_EPOCH,
        limit: 1,
    };
    let outbox: &dyn Outbox = &Least;
    for refused in [
        now(outbox.upload(&place, &post, &[])).map(drop),
        now(outbox.edit(&place, &id, &post)),
        now(outbox.pin(&place, &id)),
        now(outbox.sent(&place, None, &post)).map(drop),
        now(outbox.missed(&request)).map(drop),
        now(outbox.open_thread(&message, "title")).map(drop),
        now(outbox.rename_thread(&place, "title")),
        now(outbox.set_status(&message, Status::Done)),
        now(outbox.typing(&place)),
        now(outbox.show(&place, &frame)),
    ] {
        assert!(matches!(refused, Err(DeliveryError::Unsupported)));
    }
    assert_eq!(outbox.link(&place), None);
    assert_eq!(outbox.moment(Timestamp::UNIX_EPOCH), None);
    let attachment = Attachment {
        name: "a.txt".to_owned(),
        size: 1,
        media_type: None,
        url: "https://files.example/a.txt".to_owned(),
    };
    let fetched = now(outbox.fetch(&attachment, 1));
    assert!(matches!(fetched, Err(FetchError::Unsupported)));
}

#[test]
fn a_runtime_whose_agents_end_with_it_has_nothing_to_take_over() {
    let session = SessionId::from_uuid(Uuid::nil());
    let runtime: &dyn AgentRuntime = &Least;
    let attached = now(runtime.attach(session, Seq(0)));
    assert!(matches!(attached, Err(OpenError::NotRunning)));
    assert!(now(runtime.strays()).is_empty());
    assert_eq!(runtime.resume_line(session, "/srv"), None);
    let control: &dyn AgentControl = &Least;
    assert!(!now(control.is_behind()));
}

#[test]
fn where_threads_share_a_directory_nothing_is_done_to_it() {
    let shared: &dyn Workspaces = &Least;
    let request = WorkspaceRequest {
        project: ProjectName::new("shop"),
        directory: "/srv".to_owned(),
        thread: RootId::of_place(&place()),
        agent: None,
    };
    assert!(matches!(now(shared.locate(&request)), Ok(None)));
    let why = WorkspaceError::shared().message;
    for refused in [
        now(shared.inspect("/srv")).map(drop),
        now(shared.diff("/srv")).map(drop),
        now(shared.merge("/srv")).map(drop),
        now(shared.discard("/srv")).map(drop),
    ] {
        assert_eq!(refused.map_err(|error| error.message), Err(why.clone()));
    }
    assert!(now(shared.open("/srv", "a.txt")).is_err());
}
