//! Posts that speak for an agent, and lines below posts.

use mpg_core::capability::{Capabilities, TextLimit};
use mpg_core::persona::Persona;
use mpg_core::port::DeliveryError;
use mpg_core::post::Post;

use super::{AdapterHarness, Subject, capabilities, text_of};

/// A line below posts.
const FOOTER: &str = "tools are not limited";

/// A post appears under the name that it is given, with its footer, whatever its text is; nobody is
/// notified by any of that, and one without a name has none.
pub(super) async fn agents_speak_in_their_names<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let mention = harness.mention(&subject.platform);
    let text = format!("@everyone {mention} **look**\n\n```rs\nfn main() {{}}\n```");
    let qa = Persona::new("QA and tests", Some(0x0040_c057));
    let pm = Persona::new(&format!("Product {mention} @here"), None);
    let cases = [
        (Some(qa.clone()), None),
        (Some(pm), Some(FOOTER.to_owned())),
        (Some(qa), Some(format!("{FOOTER} @everyone {mention}"))),
        (None, Some(FOOTER.to_owned())),
        (None, None),
    ];
    let can = capabilities(&subject);
    let fits = |persona: Option<&Persona>, footer: Option<&str>| {
        let room = can.room(persona, footer);
        room.unit.count(&text) <= room.max
    };
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|(persona, footer)| fits(persona.as_ref(), footer.as_deref()))
        .collect();
    assert!(!cases.is_empty(), "a short text fits");
    let mut told = Vec::new();
    for (persona, footer) in cases.clone() {
        let post = Post {
            persona,
            footer,
            ..subject.post(text.clone())
        };
        let outbox = &subject.connection.outbox;
        told.push(outbox.post(&channel, &post).await.expect("it is posted"));
    }
    let shown = subject.shown(&channel).await;
    let ids: Vec<_> = shown.iter().map(|post| post.id.clone()).collect();
    assert_eq!(ids, told, "each is one post");
    for (post, (persona, footer)) in shown.iter().zip(&cases) {
        let all = format!("{}\n{}", post.text, post.beside);
        assert!(post.text.contains(&text), "the text stays: {all}");
        assert!(!post.notified, "nobody is notified: {all}");
        let names = persona.iter().map(Persona::name);
        for line in names.chain(footer.as_deref()) {
            assert!(all.contains(line), "{line:?} is shown: {all}");
        }
        if persona.is_none() && footer.is_none() {
            assert_eq!((post.text.as_str(), post.beside.as_str()), (&*text, ""));
        }
    }
}

/// A text that fills the room of its post is posted whole; what no post holds is refused, not cut.
pub(super) async fn a_name_leaves_the_room_that_is_claimed<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    // Connected for sure: an adapter may have to know what it may do.
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let can = capabilities(&subject);
    let longest = Persona::new(&"n".repeat(Persona::LONGEST_NAME), Some(0x00ff_ffff));
    let footer = "f".repeat(Post::LONGEST_FOOTER);
    for (persona, footer) in [
        (Some(Persona::new("QA", None)), None),
        (Some(Persona::new("QA", None)), Some(footer.clone())),
        (Some(longest.clone()), Some(footer.clone())),
        (None, Some(footer.clone())),
    ] {
        let room = can.room(persona.as_ref(), footer.as_deref());
        if room.max < TextLimit::SMALLEST {
            continue;
        }
        let full = text_of(room);
        let posted = Post {
            persona: persona.clone(),
            footer: footer.clone(),
            ..subject.post(full.clone())
        };
        let outbox = &subject.connection.outbox;
        let done = outbox.post(&channel, &posted).await;
        done.expect("what there is room for is posted");
        let shown = subject.shown(&channel).await;
        let last = shown.last().expect("it was posted");
        assert!(last.text.contains(&full), "it is whole");
        // As lines of the text, both may take less than is kept for them.
        let kept = 2 * Capabilities::LINE_MARKS + 1;
        let over = Post {
            persona,
            footer,
            ..subject.post(format!("{full}{}", "x".repeat(kept)))
        };
        let refused = subject.connection.outbox.post(&channel, &over).await;
        assert!(
            matches!(refused, Err(DeliveryError::Rejected(_))),
            "more is rejected: {refused:?}"
        );
        assert_eq!(subject.shown(&channel).await.len(), shown.len());
    }
}

/// Where own posts can be looked for, one is found under its own name and footer, and no other one of
/// the same text.
pub(super) async fn a_post_is_found_by_its_name<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    // Connected for sure: an adapter may have to know who it is.
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let text = "  **done**\n\n- `one`\n";
    let qa = Some(Persona::new("QA", Some(0x0040_c057)));
    let footer = Some(FOOTER.to_owned());
    let cases = [
        (None, None),
        (qa.clone(), None),
        (Some(Persona::new("PM", None)), None),
        (qa, footer.clone()),
        (None, footer),
    ];
    let posts = cases.map(|(persona, footer)| Post {
        persona,
        footer,
        ..subject.post(text)
    });
    let mut made = Vec::new();
    for post in &posts {
        let outbox = &subject.connection.outbox;
        match outbox.sent(&channel, None, post).await {
            Err(DeliveryError::Unsupported) => return,
            found => assert_eq!(
                found.expect("a place can be looked through"),
                None,
                "what was not made is not found"
            ),
        }
        made.push(outbox.post(&channel, post).await.expect("it is posted"));
    }
    for (post, made) in posts.iter().zip(&made) {
        let found = subject.connection.outbox.sent(&channel, None, post).await;
        let found = found.expect("a place can be looked through");
        assert_eq!(found.as_ref(), Some(made), "{:?}", post.persona);
    }
}
