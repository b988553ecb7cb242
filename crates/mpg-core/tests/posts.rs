//! What posts are, apart from what becomes of them.

use mpg_core::capability::{Capabilities, TextLimit, TextUnit};
use mpg_core::id::{DeliveryId, InstallationId, TurnId};
use mpg_core::persona::Persona;
use mpg_core::post::{Post, PostKind, Status};
use uuid::Uuid;

fn turn() -> TurnId {
    TurnId::from_uuid(Uuid::nil())
}

fn post(text: &str) -> Post {
    let installation = InstallationId::from_uuid(Uuid::nil());
    let id = DeliveryId::of_prompt(installation, "key", text);
    Post::new(id, PostKind::Notice, text)
}

#[test]
fn a_name_and_a_footer_are_lines_around_the_text() {
    let plain = post("text");
    let named = Post {
        persona: Some(Persona::new("Ann", None)),
        ..plain.clone()
    };
    let noted = Post {
        footer: Some("note".to_owned()),
        ..plain.clone()
    };
    let both = Post {
        footer: Some("note".to_owned()),
        ..named.clone()
    };
    assert_eq!(plain.in_lines(), "text");
    assert_eq!(named.in_lines(), "Ann:\ntext");
    assert_eq!(noted.in_lines(), "text\n(note)");
    assert_eq!(both.in_lines(), "Ann:\ntext\n(note)");
}

#[test]
fn a_post_fits_up_to_its_limit() {
    let can = Capabilities {
        post_limit: TextLimit {
            max: 4,
            unit: TextUnit::CodePoints,
        },
        ..Capabilities::default()
    };
    assert_eq!(can.fits(&post("four")), Ok(()));
    let error = can.fits(&post("fiver")).unwrap_err();
    assert_eq!((error.length, error.max), (5, 4));
}

#[test]
fn somebody_waits_for_what_answers() {
    let (turn, agent) = (turn(), None);
    for (kind, awaited) in [
        (PostKind::Answer { turn, agent: None }, true),
        (PostKind::Failure { turn }, true),
        (PostKind::Request { turn }, true),
        (PostKind::Told, true),
        (PostKind::Notice, false),
        (PostKind::Progress { turn }, false),
        (PostKind::Live { turn }, false),
        (PostKind::Prompt { agent }, false),
        (PostKind::Board, false),
        (PostKind::Reply, false),
        (PostKind::Private, false),
    ] {
        assert_eq!(kind.is_awaited(), awaited, "{kind:?}");
    }
}

#[test]
fn a_sign_of_what_became_of_it_does_not_pass() {
    let lasting: Vec<Status> = Status::ALL
        .into_iter()
        .filter(|status| !status.is_passing())
        .collect();
    assert_eq!(
        lasting,
        [
            Status::Received,
            Status::Done,
            Status::Failed,
            Status::Stopped
        ]
    );
}
