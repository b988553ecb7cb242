//! A terminal from its input to its output.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::io::{self, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex, mpsc};

use mpg_console::{ConsoleSettings, channel, connect};
use mpg_core::control::{Button, ButtonStyle, Control, Field, Form};
use mpg_core::id::{DeliveryId, MessageId, Place, ThreadId, TurnId};
use mpg_core::interaction::{Action, ActionId};
use mpg_core::message::{AuthorKind, Inbound, Link, Message};
use mpg_core::port::{Connection, DeliveryError, LiveFrame};
use mpg_core::post::{Post, PostKind};
use uuid::Uuid;

type Printed = Arc<Mutex<Vec<u8>>>;

fn terminal(input: impl Read + Send + 'static) -> (Connection, Printed) {
    let printed = Printed::default();
    let connection = connect(ConsoleSettings {
        input: Box::new(BufReader::new(input)),
        output: printed.clone(),
        user: "ada".to_owned(),
        first_message: 1_700_000_000_000,
        interactive: false,
        colour: false,
    });
    (connection, printed)
}

fn text_of(printed: &Printed) -> String {
    String::from_utf8(printed.lock().unwrap().clone()).unwrap()
}

fn turn() -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(1))
}

fn answer(index: u32, text: &str) -> Post {
    let kind = PostKind::Answer {
        turn: turn(),
        agent: None,
    };
    Post::new(DeliveryId::of_turn(turn(), index), kind, text)
}

fn place() -> Place {
    Place::channel(channel())
}

async fn next_message(connection: &mut Connection) -> Option<Message> {
    match connection.inbox.next().await? {
        (Inbound::Message(message), None) => Some(message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn lines_come_in_as_messages_of_the_user() {
    let (mut connection, _) = terminal(Cursor::new("first\n\nsecond \\\nline\n/quit\nnever\n"));
    assert_eq!(connection.platform, channel().platform);
    let first = next_message(&mut connection).await.unwrap();
    let second = next_message(&mut connection).await.unwrap();
    assert_eq!(first.place, place());
    assert_eq!(first.author.kind, AuthorKind::Human);
    assert_eq!(first.author.name, "ada");
    assert_eq!(first.id, MessageId::new("00000001700000000000"));
    assert_eq!(
        (first.text.as_str(), second.text.as_str()),
        ("first", "second \nline")
    );
    assert!(first.id < second.id);
    assert!(next_message(&mut connection).await.is_none());
    assert!(next_message(&mut connection).await.is_none());
}

#[tokio::test]
async fn the_end_of_input_ends_the_inbox() {
    let (mut connection, _) = terminal(Cursor::new("unfinished"));
    assert_eq!(
        next_message(&mut connection).await.unwrap().text,
        "unfinished"
    );
    assert!(next_message(&mut connection).await.is_none());
}

#[tokio::test]
async fn an_overlong_line_is_refused_and_the_rest_read() {
    let input = "x".repeat(100_000) + "\nshort\n";
    let (mut connection, printed) = terminal(Cursor::new(input));
    assert_eq!(next_message(&mut connection).await.unwrap().text, "short");
    connection
        .outbox
        .post(&place(), &answer(0, "ok"))
        .await
        .unwrap();
    let expected = "note: not sent, because it is longer than 65536 bytes\nok\n";
    assert_eq!(text_of(&printed), expected);
}

#[tokio::test]
async fn a_repeated_post_is_printed_once() {
    let (connection, printed) = terminal(io::empty());
    let first = connection
        .outbox
        .post(&place(), &answer(0, "once"))
        .await
        .unwrap();
    let again = connection
        .outbox
        .post(&place(), &answer(0, "once"))
        .await
        .unwrap();
    let other = connection
        .outbox
        .post(&place(), &answer(1, "twice"))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert!(first < other);
    assert_eq!(text_of(&printed), "once\ntwice\n");
}

#[tokio::test]
async fn frames_and_answer_print_each_word_once() {
    let (connection, printed) = terminal(io::empty());
    for text in ["Look", "Looking.\n\nIt is", "Looking.\n\nIt is done."] {
        let frame = LiveFrame {
            turn: turn(),
            text: text.to_owned(),
            lines: Vec::new(),
            activity: None,
            persona: None,
        };
        connection.outbox.show(&place(), &frame).await.unwrap();
    }
    connection
        .outbox
        .post(&place(), &answer(0, "It is done."))
        .await
        .unwrap();
    assert_eq!(text_of(&printed), "Looking.\n\nIt is done.\n");
}

#[tokio::test]
async fn other_places_are_not_here() {
    let (connection, printed) = terminal(io::empty());
    let elsewhere = Place::thread(channel(), ThreadId::new("1"));
    let refused = connection.outbox.post(&elsewhere, &answer(0, "lost")).await;
    assert!(matches!(refused, Err(DeliveryError::Gone(_))));
    assert_eq!(text_of(&printed), "");
}

/// An input that cannot be read.
struct Unreadable;

impl Read for Unreadable {
    fn read(&mut self, _bytes: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::IsADirectory.into())
    }
}

#[tokio::test]
async fn an_input_that_cannot_be_read_is_reported() {
    let (mut connection, _) = terminal(Cursor::new("first\n").chain(Unreadable));
    let first = next_message(&mut connection).await.unwrap();
    assert_eq!(first.text, "first");
    let failed = connection.inbox.next().await;
    let Some((Inbound::Link(Link::Failed { reason }), None)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(reason, "the terminal cannot be read: is a directory");
    assert!(connection.inbox.next().await.is_none());
}

/// An output that takes nothing until it is let go.
struct Stuck(mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_terminal_that_stands_still_holds_up_nobody() {
    let (release, stuck) = mpsc::channel();
    let connection = connect(ConsoleSettings {
        input: Box::new(io::empty()),
        output: Arc::new(Mutex::new(Stuck(stuck))),
        user: "ada".to_owned(),
        first_message: 1,
        interactive: false,
        colour: false,
    });
    // Far more than the queue takes, and each call returns.
    for length in 1..500 {
        let frame = LiveFrame {
            turn: turn(),
            text: "x".repeat(length),
            lines: Vec::new(),
            activity: None,
            persona: None,
        };
        connection.outbox.show(&place(), &frame).await.unwrap();
    }
    drop(release);
    connection
        .outbox
        .post(&place(), &answer(0, "done"))
        .await
        .unwrap();
}

/// An output whose other end is gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_terminal_that_is_gone_is_reported() {
    let connection = connect(ConsoleSettings {
        input: Box::new(io::empty()),
        output: Arc::new(Mutex::new(Broken)),
        user: "ada".to_owned(),
        first_message: 1,
        interactive: true,
        colour: false,
    });
    let lost = connection.outbox.post(&place(), &answer(0, "lost")).await;
    assert!(matches!(lost, Err(DeliveryError::Gone(_))));
}

async fn next_action(connection: &mut Connection) -> Action {
    let (inbound, _) = connection.inbox.next().await.unwrap();
    let Inbound::Interaction(interaction) = inbound else {
        panic!("{inbound:?}");
    };
    interaction.action
}

#[tokio::test]
async fn a_request_is_answered_by_keys_and_a_form_line_by_line() {
    let id = |text: &str| ActionId::parse(text).unwrap();
    let (typed, mut keyboard) = io::pipe().unwrap();
    let (mut connection, printed) = terminal(typed);
    let opens = Some(Form {
        id: id("ask:1:why"),
        title: "Deny".to_owned(),
        fields: vec![Field {
            name: "reason".to_owned(),
            label: "Why not?".to_owned(),
            long: true,
            required: true,
        }],
    });
    let button = |name: &str, label: &str| Button::new(id(name), label, ButtonStyle::Plain);
    let post = Post {
        controls: vec![
            Control::Button(button("ask:1:yes", "Allow once")),
            Control::Button(Button {
                opens,
                ..button("ask:1:no", "Deny with a reason")
            }),
        ],
        ..Post::new(
            DeliveryId::of_turn(turn(), 0),
            PostKind::Request { turn: turn() },
            "Bash wants to run: cargo test",
        )
    };
    connection.outbox.post(&place(), &post).await.unwrap();
    keyboard
        .write_all(b"1\nwhich tests?\n2\n\nnot now\n")
        .unwrap();
    let press = Action::Press {
        id: id("ask:1:yes"),
        values: Vec::new(),
    };
    let submit = Action::Submit {
        id: id("ask:1:why"),
        fields: vec![("reason".to_owned(), "not now".to_owned())],
    };
    assert_eq!(next_action(&mut connection).await, press);
    let message = next_message(&mut connection).await.unwrap();
    assert_eq!(message.text, "which tests?");
    assert_eq!(next_action(&mut connection).await, submit);
    let told = Post {
        replaces: Some(post.id),
        ..Post::new(
            DeliveryId::of_turn(turn(), 1),
            PostKind::Notice,
            "ada denied it",
        )
    };
    connection.outbox.post(&place(), &told).await.unwrap();
    keyboard.write_all(b"1\n").unwrap();
    assert_eq!(next_message(&mut connection).await.unwrap().text, "1");
    let expected = "Bash wants to run: cargo test\n[1] Allow once\n[2] Deny with a reason\n\
                    | Why not?: \n| Why not?: \nnote: ada denied it\n";
    assert_eq!(text_of(&printed), expected);
}
