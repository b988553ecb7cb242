//! The chat in the browser, as a browser and the gateway see it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::control::{Button, ButtonStyle, Control, Field, Form};
use mpg_core::id::{ConversationId, DeliveryId, MessageId, Place, RootId, ThreadId};
use mpg_core::interaction::{Action, ActionId};
use mpg_core::message::{Inbound, Message};
use mpg_core::observe::Sight;
use mpg_core::port::{Inbox, LiveFrame, LiveLine};
use mpg_core::post::{Post, PostKind, Status};
use mpg_core::record::{Record, TurnOutcome};
use tower::ServiceExt as _;

use crate::stage::{Answer, Stage, desk, request, turn_id};

/// The number of the first message.
const FIRST: &str = "00000000000000001000";

fn form(path: &str, token: &str, body: &str) -> Request<Body> {
    let mut request = request(Method::POST, path, None);
    let headers = request.headers_mut();
    headers.insert("cookie", format!("mpg_session={token}").parse().unwrap());
    headers.insert("origin", "http://localhost".parse().unwrap());
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    headers.insert("content-type", form);
    *request.body_mut() = Body::from(body.to_owned());
    request
}

async fn heard(inbox: &mut dyn Inbox) -> Message {
    loop {
        let (inbound, position) = inbox.next().await.unwrap();
        if let Some(position) = position {
            inbox.ack(&position);
        }
        if let Inbound::Message(message) = inbound {
            return message;
        }
    }
}

fn root() -> RootId {
    RootId::of_message(desk(), MessageId::new(FIRST))
}

fn thread() -> Place {
    Place::thread(desk(), ThreadId::new(FIRST))
}

fn thread_page() -> String {
    format!("/threads/web:desk~{FIRST}")
}

/// A stage on which a conversation was begun.
async fn begun() -> (Stage, mpg_core::port::Connection) {
    let (stage, mut connection) = Stage::with_chat();
    let say = stage.send(form(
        "/chat/desk/messages",
        &stage.write,
        "text=hello&key=a",
    ));
    let (answer, message) = tokio::join!(say, heard(connection.inbox.as_mut()));
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(message.id.as_str(), FIRST);
    (stage, connection)
}

#[tokio::test]
async fn a_message_is_taken_once_it_is_stored() {
    let (stage, mut connection) = Stage::with_chat();
    let body = "text=+hello+there+&key=a";
    let say = || stage.send(form("/chat/desk/messages", &stage.write, body));
    let mut waits = Box::pin(say());
    let inbox = connection.inbox.as_mut();
    let (position, message) = loop {
        tokio::select! {
            biased;
            answer = &mut waits => panic!("it is not stored yet: {answer:?}"),
            Some((inbound, position)) = inbox.next() => {
                if let Inbound::Message(message) = inbound {
                    break (position.unwrap(), message);
                }
            }
        }
    };
    assert_eq!(message.place, Place::channel(desk()));
    assert_eq!(message.text, "hello there");
    let roles: Vec<&str> = message
        .author
        .roles
        .iter()
        .map(|role| role.id.as_str())
        .collect();
    assert_eq!(
        (message.author.name.as_str(), roles),
        ("test", vec!["read", "write"])
    );
    assert!(
        (&mut waits).now_or_never().is_none(),
        "it is not stored yet"
    );
    inbox.ack(&position);
    let taken = waits.await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
    assert_eq!(taken.headers["location"], thread_page().as_str());
    // What is sent again is there already.
    let again = say().await;
    assert_eq!(again.headers["location"], taken.headers["location"]);
    assert!(inbox.next().now_or_never().is_none());
    // In its thread, what is said next belongs there.
    let inside = format!("text=go+on&key=b&thread=web:desk~{FIRST}");
    let say = stage.send(form("/chat/desk/messages", &stage.admin, &inside));
    let (answer, message) = tokio::join!(say, heard(inbox));
    assert_eq!(answer.headers["location"], taken.headers["location"]);
    assert_eq!(message.place, thread());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_says_why() {
    let (stage, mut connection) = Stage::with_chat();
    let say = async |channel: &str, token: &str, body: &str| -> Answer {
        let path = format!("/chat/{channel}/messages");
        stage.send(form(&path, token, body)).await
    };
    for (channel, token, body, status) in [
        ("desk", &stage.read, "text=x&key=a", 403),
        ("other", &stage.write, "text=x&key=a", 404),
        ("desk", &stage.write, "text=+&key=a", 400),
        ("desk", &stage.write, "", 400),
        ("desk", &stage.write, "text=x&thread=chat:general~1", 404),
        ("desk", &stage.write, "text=x&thread=web:desk~here", 404),
        (
            "desk",
            &stage.write,
            "text=x&thread=web:desk~09999999999999999999",
            404,
        ),
    ] {
        let refused = say(channel, token, body).await;
        assert_eq!(
            refused.status.as_u16(),
            status,
            "{channel} {body}: {refused:?}"
        );
    }
    let long = format!("text={}&key=a", "x".repeat(200_000));
    let long = say("desk", &stage.write, &long).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Nobody stores it.
    let lost = say("desk", &stage.write, "text=x&key=z").await;
    assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(lost.body.contains("did not say in time"), "{}", lost.body);
    // Nobody reads them: there is an end to how many wait.
    let mut full = 0;
    for number in 0..70 {
        let chat = stage.chat.as_ref().unwrap();
        let author = mpg_core::message::Author {
            id: mpg_core::id::UserId::new("ann"),
            name: "ann".to_owned(),
            kind: mpg_core::message::AuthorKind::Human,
            roles: Vec::new(),
        };
        let said = chat.say(&Place::channel(desk()), author, "x", &number.to_string());
        full += usize::from(said.is_err());
    }
    assert!((1..70).contains(&full), "{full}");
    assert_eq!(heard(connection.inbox.as_mut()).await.text, "x");
}

#[tokio::test]
async fn what_is_posted_is_shown_and_answered_in_its_thread() {
    let (stage, mut connection) = begun().await;
    let button = |id: &str, opens| {
        let id = ActionId::parse(id).unwrap();
        Control::Button(Button {
            opens,
            ..Button::new(id, "Deny with a reason", ButtonStyle::Danger)
        })
    };
    let why = Form {
        id: ActionId::parse("ask:1:why").unwrap(),
        title: "Deny".to_owned(),
        fields: vec![Field {
            name: "text".to_owned(),
            label: "Reason".to_owned(),
            long: true,
            required: true,
        }],
    };
    let post = Post {
        controls: vec![button("ask:1:deny", Some(why))],
        footer: Some("for a moment".to_owned()),
        ..Post::new(
            DeliveryId::of_turn(turn_id(1), 0),
            PostKind::Request { turn: turn_id(1) },
            "May it **run** <script>?",
        )
    };
    let outbox = Arc::clone(&connection.outbox);
    let message = outbox.post(&thread(), &post).await.unwrap();
    let first = mpg_core::id::MessageRef {
        place: Place::channel(desk()),
        message: MessageId::new(FIRST),
    };
    outbox.set_status(&first, Status::Waiting).await.unwrap();
    let page = stage.get(&thread_page()).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for expected in [
        "<p>hello</p>",
        "May it <strong>run</strong> &lt;script&gt;?",
        "for a moment",
        "waiting</span>",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert!(
        !page.body.contains("Deny with a reason"),
        "who only reads presses nothing"
    );
    let page = stage
        .ask(Method::GET, &thread_page(), Some(&stage.write))
        .await;
    assert!(page.body.contains("Deny with a reason"), "{}", page.body);

    let act = |message: &str| {
        let body =
            format!("thread=web:desk~{FIRST}&message={message}&control=ask:1:deny&field.text=no");
        stage.send(form("/chat/desk/act", &stage.write, &body))
    };
    let acts = async {
        let (inbound, position) = connection.inbox.next().await.unwrap();
        connection.inbox.ack(&position.unwrap());
        inbound
    };
    let (answer, inbound) = tokio::join!(act(message.as_str()), acts);
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let Inbound::Interaction(interaction) = inbound else {
        panic!("{inbound:?}");
    };
    assert_eq!(interaction.place, thread());
    let expected = Action::Submit {
        id: ActionId::parse("ask:1:why").unwrap(),
        fields: vec![("text".to_owned(), "no".to_owned())],
    };
    assert_eq!(interaction.action, expected);
    let told = Post::new(
        DeliveryId::of_turn(turn_id(1), 1),
        PostKind::Notice,
        "denied",
    );
    outbox.edit(&thread(), &message, &told).await.unwrap();
    let gone = act(message.as_str()).await;
    assert_eq!(gone.status, StatusCode::GONE, "{gone:?}");
    let page = stage.get(&thread_page()).await;
    assert!(
        page.body.contains("denied") && !page.body.contains("May it"),
        "{}",
        page.body
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_turn_writes_is_streamed_until_it_ends() {
    let (stage, connection) = begun().await;
    let path = format!("/chat/live?thread=web:desk~{FIRST}");
    let ask = request(Method::GET, &path, Some(&stage.read));
    let response = stage.router.clone().oneshot(ask).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut next = async || {
        let bytes = body.next().await.unwrap().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let frame = |text: &str| LiveFrame {
        turn: turn_id(1),
        text: text.to_owned(),
        lines: vec![LiveLine {
            number: 0,
            at: 4,
            text: "read `a.rs`".to_owned(),
        }],
        activity: Some("reads <x>".to_owned()),
        persona: None,
    };
    let outbox = Arc::clone(&connection.outbox);
    outbox.show(&thread(), &frame("The <b>half")).await.unwrap();
    let said = next().await;
    assert!(said.contains("&lt;b&gt;half"), "{said}");
    assert!(said.contains("read <code>a.rs</code>"), "{said}");
    assert!(said.contains("reads &") && !said.contains("<x>"), "{said}");
    let ended = Record::TurnEnded {
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        turn: turn_id(1),
        outcome: TurnOutcome::Answered,
        usage: Usage::default(),
        at: Timestamp::UNIX_EPOCH,
    };
    let observer = stage.chat.as_ref().unwrap().observer(stage.watch.clone());
    let committed = Sight::Committed {
        records: &[ended],
        took: Duration::ZERO,
    };
    observer.see(Timestamp::UNIX_EPOCH, &committed);
    let said = next().await;
    assert!(
        said.starts_with("data:") && !said.contains("article"),
        "{said}"
    );
    // A frame that comes late says nothing.
    outbox.show(&thread(), &frame("late")).await.unwrap();
    assert_eq!(next().await, ":\n\n", "the next is a sign of life");
    let wrong = stage.get("/chat/live?thread=x").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_chat_is_there_where_a_channel_is_mapped() {
    let (stage, _connection) = Stage::with_chat();
    let page = stage.ask(Method::GET, "/chat", Some(&stage.write)).await;
    assert!(
        page.body.contains("action=\"/chat/desk/messages\""),
        "{}",
        page.body
    );
    assert!(page.body.contains("href=\"/chat\""), "{}", page.body);
    let read = stage.get("/chat").await;
    assert!(!read.body.contains("/chat/desk/messages"), "{}", read.body);
    let without = Stage::new();
    let page = without.get("/chat").await;
    assert!(
        page.body.contains("No channel of the browser"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("href=\"/chat\""), "{}", page.body);
    let nowhere = without
        .send(form("/chat/desk/messages", &without.write, "text=x"))
        .await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}
