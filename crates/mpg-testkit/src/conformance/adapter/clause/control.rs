//! Posts that people can act on, and posts that become others.

use mpg_core::capability::Controls;
use mpg_core::control::{Button, ButtonStyle, Choice, ChoiceOption, Control, Field, Form};
use mpg_core::id::MessageId;
use mpg_core::interaction::{Action, ActionId, Interaction};
use mpg_core::port::DeliveryError;
use mpg_core::post::Post;

use super::super::Act;
use super::{AdapterHarness, Subject, capabilities};

fn id(text: &str) -> ActionId {
    ActionId::parse(text).expect("it is short")
}

fn button(name: &str, label: &str) -> Button {
    Button::new(id(name), label, ButtonStyle::Plain)
}

/// Two buttons, and a list of which two can be chosen.
fn controls() -> Vec<Control> {
    let option = |value: &str| ChoiceOption {
        value: value.to_owned(),
        label: format!("the {value}"),
        description: None,
    };
    vec![
        Control::Button(button("ask:1:yes", "Allow once")),
        Control::Button(button("ask:1:no", "Deny")),
        Control::Choice(Choice {
            id: id("ask:1:pick"),
            prompt: "Which ones?".to_owned(),
            options: ["first", "second", "third"].map(option).into(),
            most: 2,
        }),
    ]
}

/// A button that opens a form.
fn opener() -> Vec<Control> {
    let field = |name: &str, long, required| Field {
        name: name.to_owned(),
        label: format!("The {name}"),
        long,
        required,
    };
    vec![Control::Button(Button {
        opens: Some(Form {
            id: id("ask:2:why"),
            title: "Deny".to_owned(),
            fields: vec![field("reason", true, true), field("more", false, false)],
        }),
        ..button("ask:2:open", "Deny with a reason")
    })]
}

/// What people can do with a post is shown where that is claimed, and what they do comes in, as
/// often as they do it; elsewhere the text stands alone.
pub(super) async fn what_people_do_with_a_post_comes_in<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    // Connected for sure.
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let post = Post {
        controls: controls(),
        ..subject.post("May it run?\n1. yes\n2. no")
    };
    let outbox = &subject.connection.outbox;
    let made = outbox.post(&channel, &post).await.expect("it is posted");
    let shown = subject.shown(&channel).await;
    let shown = shown.last().expect("it is shown");
    assert!(shown.text.contains(&post.text), "{}", shown.text);
    if capabilities(&subject).controls == Controls::None {
        assert_eq!(shown.controls, Vec::<String>::new(), "none are claimed");
        return;
    }
    assert_eq!(shown.controls, ["Allow once", "Deny", "Which ones?"]);
    for _ in 0..2 {
        let pressed = subject.acts(&made, Act::Press("Deny")).await;
        let expected = Action::Press {
            id: id("ask:1:no"),
            values: Vec::new(),
        };
        assert_eq!(pressed.action, expected);
        assert_eq!(pressed.place, channel);
        assert!(!pressed.author.id.as_str().is_empty());
    }
    let chosen = subject.acts(&made, Act::Choose(&["first", "third"])).await;
    let expected = Action::Press {
        id: id("ask:1:pick"),
        values: vec!["first".to_owned(), "third".to_owned()],
    };
    assert_eq!(chosen.action, expected);
}

/// Where forms are claimed, a button opens one; what is heard of is the form that was sent.
pub(super) async fn a_form_is_filled_in<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    if capabilities(&subject).controls != Controls::Forms {
        return;
    }
    let post = Post {
        controls: opener(),
        ..subject.post("May it run?")
    };
    let outbox = &subject.connection.outbox;
    let made = outbox.post(&channel, &post).await.expect("it is posted");
    let act = Act::Fill(
        "Deny with a reason",
        &[("reason", "too slow"), ("more", "")],
    );
    let sent = subject.acts(&made, act).await;
    let Action::Submit { id: form, fields } = sent.action else {
        panic!("the form is sent: {sent:?}");
    };
    assert_eq!(form, id("ask:2:why"));
    let said: Vec<_> = fields.iter().filter(|(_, text)| !text.is_empty()).collect();
    assert_eq!(said, [&("reason".to_owned(), "too slow".to_owned())]);
}

/// Where messages can be changed, one becomes another post, with nothing left of the one before, and
/// saying it again changes nothing; one that is not there cannot.
pub(super) async fn a_message_becomes_another_post<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let asks = Post {
        controls: controls(),
        footer: Some("for a moment".to_owned()),
        ..subject.post("May it run?")
    };
    let told = subject.post("Ann allowed it");
    let outbox = &subject.connection.outbox;
    let made = outbox.post(&channel, &asks).await.expect("it is posted");
    let edited = outbox.edit(&channel, &made, &told).await;
    if capabilities(&subject).edits.is_none() {
        assert!(
            matches!(edited, Err(DeliveryError::Unsupported)),
            "{edited:?}"
        );
        return;
    }
    edited.expect("it is changed");
    let again = outbox.edit(&channel, &made, &told).await;
    again.expect("it may be said again");
    let shown = subject.shown(&channel).await;
    let shown: Vec<_> = shown
        .iter()
        .map(|post| {
            (
                post.id.clone(),
                post.text.as_str(),
                post.beside.as_str(),
                post.controls.len(),
            )
        })
        .collect();
    assert_eq!(shown, [(made.clone(), told.text.as_str(), "", 0)]);
    let outbox = &subject.connection.outbox;
    let missing = MessageId::new("1");
    let refused = outbox.edit(&channel, &missing, &told).await;
    assert!(
        matches!(
            refused,
            Err(DeliveryError::Removed(_) | DeliveryError::Gone(_))
        ),
        "{refused:?}"
    );
}

/// A message is pinned where that is claimed, however often it is said; elsewhere nothing is.
pub(super) async fn a_message_is_pinned<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let post = subject.post("nothing runs");
    let outbox = &subject.connection.outbox;
    let made = outbox.post(&channel, &post).await.expect("it is posted");
    let pinned = outbox.pin(&channel, &made).await;
    if !capabilities(&subject).pins {
        assert!(
            matches!(pinned, Err(DeliveryError::Unsupported)),
            "{pinned:?}"
        );
        return;
    }
    pinned.expect("it is pinned");
    let again = outbox.pin(&channel, &made).await;
    again.expect("it may be said again");
    let refused = outbox.pin(&channel, &MessageId::new("1")).await;
    assert!(
        matches!(
            refused,
            Err(DeliveryError::Removed(_) | DeliveryError::Gone(_))
        ),
        "{refused:?}"
    );
}

impl<H: AdapterHarness> Subject<'_, H> {
    /// Lets the person act on a post, and waits until that comes in.
    async fn acts(&mut self, message: &MessageId, act: Act<'_>) -> Interaction {
        let channel = self.channel();
        self.harness
            .person_acts(&self.platform, &channel, message, act)
            .await;
        self.read_interaction().await
    }
}
