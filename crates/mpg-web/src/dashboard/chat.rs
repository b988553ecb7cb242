//! The chat in the browser: its channels, and what somebody writes and does there.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use mpg_core::config::Project;
use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, Root, RootId, ThreadId, UserId};
use mpg_core::message::{Author, AuthorKind, Role};
use mpg_core::token::Scope;
use mpg_core::view::{Content, Entry as Stored, TurnQuery};

use super::markup;
use super::notation::{Moment, segment};
use super::page::{Page, Trouble, Visitor, shown};
use super::request::{Means, used};
use super::row::{Link, excerpt};
use crate::auth::{Who, random};
use crate::chat::{Chat, Entry, Said, SayError, platform};
use crate::problem::Problem;
use crate::router::App;
use crate::thread_id;

/// How many turns are looked through for the latest threads of a channel.
const LOOKED_AT: u32 = 200;

/// How many threads of a channel a page lists.
const LISTED: usize = 20;

/// The fields of a form, in order.
type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "chat.html")]
struct ChatPage {
    page: Page,
    rooms: Vec<Room>,
}

/// A channel of the browser.
struct Room {
    name: String,
    project: Link,
    say: String,
    key: String,
    threads: Vec<ThreadRow>,
}

struct ThreadRow {
    thread: Link,
    last: String,
    at: Moment,
}

/// How somebody writes in a thread, and sees what is being written.
pub(crate) struct Composer {
    pub(crate) say: String,
    pub(crate) act: String,
    pub(crate) stream: String,
    pub(crate) thread: String,
    pub(crate) key: String,
}

/// A message or a post of this process, as a page shows it.
pub(crate) struct Shown {
    pub(crate) at: Moment,
    pub(crate) id: String,
    pub(crate) is_post: bool,
    pub(crate) kind: &'static str,
    pub(crate) by: String,
    pub(crate) status: Option<String>,
    pub(crate) footer: Option<String>,
    pub(crate) html: String,
    pub(crate) means: Vec<Means>,
}

impl From<Entry> for Shown {
    fn from(entry: Entry) -> Self {
        let (at, id) = (entry.at.into(), entry.id.to_string());
        match entry.said {
            Said::ByPerson { name, text } => Self {
                at,
                id,
                is_post: false,
                kind: "asked",
                by: name,
                status: entry.status.map(|status| status.to_string()),
                footer: None,
                html: markup::html(&text),
                means: Vec::new(),
            },
            Said::Posted(post) => Self {
                at,
                id,
                is_post: true,
                kind: post.kind.name(),
                by: match &post.persona {
                    Some(persona) => persona.name().to_owned(),
                    None => "agent".to_owned(),
                },
                status: None,
                html: markup::html(post.said()),
                means: post.controls.into_iter().map(Means::from).collect(),
                footer: post.footer,
            },
        }
    }
}

/// All channels of the browser.
pub(crate) async fn rooms(visitor: Visitor, State(app): State<App>) -> Result<Response, Trouble> {
    let rooms = look(&app).await;
    let rooms = rooms.map_err(|problem| visitor.trouble(problem))?;
    Ok(shown(&ChatPage {
        page: visitor.page("Chat", "/chat", Some("/live".to_owned())),
        rooms,
    }))
}

async fn look(app: &App) -> Result<Vec<Room>, Problem> {
    let config = app.config();
    let mut rooms = Vec::new();
    for project in config.routing.projects() {
        let here = project.channels.iter();
        for channel in here.filter(|channel| channel.platform == platform()) {
            rooms.push(room(app, project, channel).await?);
        }
    }
    Ok(rooms)
}

async fn room(app: &App, project: &Project, channel: &ChannelKey) -> Result<Room, Problem> {
    let query = TurnQuery {
        channel: Some(channel.clone()),
        limit: LOOKED_AT,
        ..TurnQuery::default()
    };
    let mut known = BTreeSet::new();
    let mut threads = Vec::new();
    for turn in app.views.recent_turns(&query).await? {
        let root = turn.conversation.root;
        if threads.len() < LISTED && known.insert(root.clone()) {
            threads.push(ThreadRow {
                thread: Link::to_thread(&root),
                last: excerpt(&turn.prompt),
                at: turn.queued_at.into(),
            });
        }
    }
    Ok(Room {
        name: channel.channel.to_string(),
        project: Link::to_project(&project.name),
        say: address(&channel.channel, "messages"),
        key: random()?,
        threads,
    })
}

/// How somebody writes in a thread, where that is one of the browser.
pub(crate) fn composer(app: &App, root: &RootId) -> Result<Option<Composer>, Problem> {
    if app.chat.is_none() || root.channel.platform != platform() || root.is_aside() {
        return Ok(None);
    }
    let thread = thread_id::write(root);
    let channel = &root.channel.channel;
    Ok(Some(Composer {
        say: address(channel, "messages"),
        act: address(channel, "act"),
        stream: format!("/chat/live?thread={}", segment(&thread)),
        key: random()?,
        thread,
    }))
}

/// What was said and posted in a thread: what this process knows as it is now, and what is stored
/// besides.
pub(crate) fn said(chat: &Chat, root: &RootId, stored: Vec<Stored>) -> Both {
    let place = place_of(root);
    let here = place.map_or_else(Vec::new, |place| chat.entries(&place));
    let since = here.first().map(|entry| entry.at);
    let rest = stored.into_iter().filter(|entry| match &entry.content {
        Content::Asked { by_person, .. } => {
            // From there on people's own messages stand there.
            !by_person || since.is_none_or(|since| entry.at < since)
        }
        Content::Posted { delivery, .. } => !here.iter().any(|known| known.is(delivery)),
    });
    let stored = rest.collect();
    let offered = here.iter().flat_map(|entry| match &entry.said {
        Said::Posted(post) => post.controls.as_slice(),
        Said::ByPerson { .. } => &[],
    });
    let offered = offered.map(|control| control.id().as_str().to_owned());
    Both {
        stored,
        offered: offered.collect(),
        here: here.into_iter().map(Shown::from).collect(),
    }
}

/// What was said in a thread.
pub(crate) struct Both {
    /// What is known from the store alone.
    pub(crate) stored: Vec<Stored>,
    pub(crate) here: Vec<Shown>,
    /// The controls that stand there.
    offered: Vec<String>,
}

impl Both {
    /// Whether a request can be answered by what stands there.
    pub(crate) fn offers(&self, request: &str) -> bool {
        let begins = format!("ask:{request}:");
        self.offered
            .iter()
            .any(|control| control.starts_with(&begins))
    }
}

/// Takes what somebody writes.
pub(crate) async fn say(
    visitor: Visitor,
    Who(who): Who,
    State(app): State<App>,
    Path(channel): Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Trouble> {
    visitor.may(Scope::Write)?;
    let taken = async {
        let (chat, place, form) = received(&app, &channel, form)?;
        let author = author(visitor, who.name);
        let message = chat.say(&place, author, value(&form, "text"), value(&form, "key"))?;
        chat.stored(&message).await?;
        Ok(root(&place, message))
    };
    back(visitor, taken.await)
}

/// Takes what somebody does with a post.
pub(crate) async fn act(
    visitor: Visitor,
    Who(who): Who,
    State(app): State<App>,
    Path(channel): Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Trouble> {
    visitor.may(Scope::Write)?;
    let taken = async {
        let (chat, place, form) = received(&app, &channel, form)?;
        let message = MessageId::new(value(&form, "message"));
        let used = used(form)?;
        let id = chat.act(&place, author(visitor, who.name), &message, used)?;
        chat.stored(&id).await?;
        Ok(root(&place, message))
    };
    back(visitor, taken.await)
}

/// What was sent, and the place that it is for.
fn received<'a>(
    app: &'a App,
    channel: &str,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<(&'a Chat, Place, Fields), Problem> {
    let form = form?.0;
    let chat = app.chat.as_ref().ok_or_else(no_chat)?;
    let place = place(channel, value(&form, "thread"))?;
    Ok((chat, place, form))
}

/// Leads back to the thread in which something was taken.
fn back(visitor: Visitor, taken: Result<RootId, Problem>) -> Result<Response, Trouble> {
    let root = taken.map_err(|problem| visitor.trouble(problem))?;
    Ok(Redirect::to(&Link::to_thread(&root).href).into_response())
}

/// Who writes, as the gateway knows them: by the name of their token, with its scopes as roles.
fn author(visitor: Visitor, name: String) -> Author {
    let scopes = Scope::ALL.into_iter().filter(|scope| visitor.is(*scope));
    let roles = scopes.map(|scope| Role {
        id: scope.name().to_owned(),
        name: Some(scope.name().to_owned()),
    });
    Author {
        id: UserId::new(name.as_str()),
        name,
        kind: AuthorKind::Human,
        roles: roles.collect(),
    }
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = form.iter();
    let found = values.find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// Where a form belongs: a thread, or the channel itself.
fn place(channel: &str, thread: &str) -> Result<Place, Problem> {
    let channel = ChannelKey::new(platform(), ChannelId::new(channel));
    if thread.is_empty() {
        return Ok(Place::channel(channel));
    }
    let root = thread_id::read(thread).filter(|root| root.channel == channel);
    let place = root.as_ref().and_then(place_of);
    place.ok_or_else(|| Problem::not_there("there is no such thread in this channel"))
}

/// Where people speak in a thread; nowhere in a side question, which stands in another one.
pub(crate) fn place_of(root: &RootId) -> Option<Place> {
    let channel = root.channel.clone();
    match &root.root {
        Root::Channel => Some(Place::channel(channel)),
        Root::Message(message) => Some(Place::thread(channel, ThreadId::new(message.as_str()))),
        Root::Aside(_) => None,
    }
}

/// The thread that a message in a place belongs to.
fn root(place: &Place, message: MessageId) -> RootId {
    let channel = place.channel.clone();
    match &place.thread {
        Some(thread) => RootId::of_message(channel, MessageId::new(thread.as_str())),
        None => RootId::of_message(channel, message),
    }
}

fn address(channel: &ChannelId, what: &str) -> String {
    format!("/chat/{}/{what}", segment(channel.as_str()))
}

fn no_chat() -> Problem {
    Problem::not_there("no channel of the browser was mapped to a project when the gateway started")
}

impl From<SayError> for Problem {
    fn from(error: SayError) -> Self {
        use axum::http::StatusCode;
        let status = match error {
            SayError::Empty => StatusCode::BAD_REQUEST,
            SayError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            SayError::NoChannel | SayError::NoThread => StatusCode::NOT_FOUND,
            SayError::NoControl => StatusCode::GONE,
            SayError::Busy | SayError::Unsure => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use mpg_core::config::{Config, Limits, RoutingTable};
    use mpg_core::id::{DeliveryId, TurnId};
    use mpg_core::post::{Post, PostKind};
    use uuid::Uuid;

    use super::*;
    use crate::chat::connect;
    use crate::configured::Configured;

    fn turn() -> TurnId {
        TurnId::from_uuid(Uuid::from_u128(1))
    }

    fn asked(at: Timestamp, by_person: bool) -> Stored {
        Stored {
            at,
            content: Content::Asked {
                turn: turn(),
                author: UserId::new("ann"),
                agent: None,
                by_person,
            },
            text: "asked".to_owned(),
        }
    }

    fn posted(index: u32) -> Stored {
        Stored {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Posted {
                delivery: DeliveryId::of_turn(turn(), index),
                kind: "answer".to_owned(),
                persona: None,
                state: "planned".to_owned(),
                turn: Some(turn()),
            },
            text: format!("post {index}"),
        }
    }

    #[tokio::test]
    async fn what_is_stored_and_known_is_shown_once() {
        let channel = ChannelKey::new(platform(), ChannelId::new("desk"));
        let mut project = Project::new(mpg_core::id::ProjectName::new("x"), "/srv/x");
        project.channels.insert(channel.clone());
        let config = Config {
            routing: RoutingTable::new([project]).unwrap(),
            limits: Limits::default(),
        };
        let (chat, connection) = connect(Configured::new(Arc::new(config), Vec::new()), 1_000);
        let root = RootId::of_message(channel, MessageId::new("00000000000000000007"));
        let kind = PostKind::Answer {
            turn: turn(),
            agent: None,
        };
        let post = Post::new(DeliveryId::of_turn(turn(), 1), kind, "post 1");
        let place = place_of(&root).unwrap();
        let message = connection.outbox.post(&place, &post).await.unwrap();
        let later = Timestamp::MAX;
        let stored = || {
            vec![
                asked(Timestamp::UNIX_EPOCH, true),
                posted(0),
                posted(1),
                asked(later, true),
                asked(later, false),
            ]
        };
        let both = said(&chat, &root, stored());
        assert_eq!(
            both.stored,
            [
                asked(Timestamp::UNIX_EPOCH, true),
                posted(0),
                asked(later, false)
            ]
        );
        assert_eq!(both.here.len(), 1);
        // It is the post that it was, too.
        let told = Post::new(DeliveryId::of_turn(turn(), 2), PostKind::Notice, "told");
        connection
            .outbox
            .edit(&place, &message, &told)
            .await
            .unwrap();
        let both = said(&chat, &root, vec![posted(1), posted(2), posted(3)]);
        assert_eq!(both.stored, [posted(3)]);
        // A message of an earlier process is not known here, and what replaces it stands for itself.
        let earlier = MessageId::new("00000000000000000008");
        connection
            .outbox
            .edit(&place, &earlier, &told)
            .await
            .unwrap();
    }
}
