//! The clauses, one function each.

mod control;
mod file;
mod persona;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::capability::{Capabilities, Reconcile, TextLimit, Threads};
use mpg_core::catch_up::MissedRequest;
use mpg_core::id::{MessageId, MessageRef, Place};
use mpg_core::message::{AuthorKind, Inbound};
use mpg_core::port::DeliveryError;
use mpg_core::post::{Post, PostKind, Status};

use self::control::{
    a_form_is_filled_in, a_message_becomes_another_post, a_message_is_pinned,
    what_people_do_with_a_post_comes_in,
};
use self::file::{files_are_fetched, files_go_out_with_their_post};
use self::persona::{
    a_name_leaves_the_room_that_is_claimed, a_post_is_found_by_its_name,
    agents_speak_in_their_names,
};
use super::{AdapterHarness, PATIENCE, Subject};

/// Checks an adapter, each clause on a fresh platform.
///
/// # Panics
///
/// Panics where the adapter does something else than its seam asks for.
pub async fn clauses<H: AdapterHarness>(harness: &H) {
    capabilities_are_known_at_once(harness).await;
    messages_come_in(harness).await;
    posts_keep_their_order(harness).await;
    a_repeat_shows_once(harness).await;
    a_post_is_found_again(harness).await;
    what_was_missed_is_read_back(harness).await;
    replies_reach_who_asked(harness).await;
    the_limit_is_exact(harness).await;
    own_posts_are_no_persons(harness).await;
    other_bots_are_bots(harness).await;
    next_may_be_cancelled(harness).await;
    a_missing_place_is_gone(harness).await;
    a_thread_is_opened_once(harness).await;
    posts_notify_nobody(harness).await;
    signs_are_as_claimed(harness).await;
    files_are_fetched(harness).await;
    files_go_out_with_their_post(harness).await;
    agents_speak_in_their_names(harness).await;
    a_name_leaves_the_room_that_is_claimed(harness).await;
    a_post_is_found_by_its_name(harness).await;
    what_people_do_with_a_post_comes_in(harness).await;
    a_form_is_filled_in(harness).await;
    a_message_becomes_another_post(harness).await;
    a_message_is_pinned(harness).await;
}

/// The capabilities are there before anything was read, and possible.
async fn capabilities_are_known_at_once<H: AdapterHarness>(harness: &H) {
    let subject = Subject::connect(harness).await;
    let can = capabilities(&subject);
    assert!(
        can.post_limit.max >= TextLimit::SMALLEST,
        "a post takes at least {} units",
        TextLimit::SMALLEST
    );
    assert!(
        can.live.is_none_or(|pace| pace.interval > Duration::ZERO),
        "a live text changes at intervals"
    );
    assert!(
        can.edits
            .is_none_or(|pace| { pace.edits > 0 && pace.per > Duration::ZERO && pace.passing > 0 }),
        "messages that can be changed can be changed so often in so much time"
    );
    let missing = harness.missing(&subject.platform);
    // Any place may be asked about.
    let _ = subject.connection.outbox.capabilities(&missing);
}

/// What a person says comes in once, whole, in order, and as a person's.
async fn messages_come_in<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let first = subject.person_says(&channel, "first").await;
    let text = "*second* with `marks`\nand a line — ünïcödé 🦀";
    let second = subject.person_says(&channel, text).await;
    let read = subject.read_until(text).await;
    let messages: Vec<_> = read
        .iter()
        .filter_map(|inbound| {
            if let Inbound::Message(message) = inbound {
                Some(message)
            } else {
                None
            }
        })
        .collect();
    let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!(ids, [first, second], "each message comes in once");
    for message in messages {
        assert_eq!(message.place, channel);
        assert_eq!(message.author.kind, AuthorKind::Human);
        assert!(!message.author.id.as_str().is_empty());
        assert!(!message.author.name.is_empty());
    }
    assert_eq!(
        channel.channel.platform, subject.connection.platform,
        "places name the adapter's platform"
    );
}

/// Posts appear in the order in which they were made, with the ids that were told.
async fn posts_keep_their_order<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let mut told = Vec::new();
    for number in 1..=5 {
        let post = subject.post(format!("post {number}"));
        let id = subject
            .connection
            .outbox
            .post(&channel, &post)
            .await
            .expect("a short text is posted");
        told.push((id, post.text));
    }
    let shown = subject.shown(&channel).await;
    let shown: Vec<_> = shown.into_iter().map(|post| (post.id, post.text)).collect();
    assert_eq!(shown, told);
}

/// Where the id is a nonce, a repeated post is shown once, and told the same message.
async fn a_repeat_shows_once<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    if capabilities(&subject).reconcile != Reconcile::Nonce {
        return;
    }
    let channel = subject.channel();
    let post = subject.post("once");
    let outbox = &subject.connection.outbox;
    let first = outbox.post(&channel, &post).await.expect("it is posted");
    let again = outbox.post(&channel, &post).await.expect("it is known");
    assert_eq!(first, again);
    assert_eq!(subject.texts(&channel).await, ["once"]);
    let other = subject.post("once");
    let outbox = &subject.connection.outbox;
    outbox.post(&channel, &other).await.expect("it is posted");
    assert_eq!(subject.texts(&channel).await, ["once", "once"]);
}

/// Where own posts can be looked for, one is found behind the one before it, once it is made and not
/// before, and nobody else's message is taken for it.
async fn a_post_is_found_again<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let text = "**found** again\n\n- `one`\n- @everyone";
    let earlier = subject.post("earlier");
    let post = subject.post(text);
    // Connected for sure: an adapter may have to know who it is.
    subject.person_says(&channel, text).await;
    subject.read_until(text).await;
    let outbox = &subject.connection.outbox;
    let none = match outbox.sent(&channel, None, &post).await {
        Err(DeliveryError::Unsupported) => {
            let claimed = matches!(
                capabilities(&subject).reconcile,
                Reconcile::History | Reconcile::Marker
            );
            assert!(!claimed, "looking for posts is claimed");
            return;
        }
        other => other.expect("a place can be looked through"),
    };
    assert_eq!(none, None, "what was not made is not found");
    let before = outbox.post(&channel, &earlier).await.expect("it is posted");
    let none = outbox.sent(&channel, Some(&before), &post).await;
    assert_eq!(none.expect("a place can be looked through"), None);
    let made = outbox.post(&channel, &post).await.expect("it is posted");
    for after in [None, Some(&before)] {
        let found = outbox.sent(&channel, after, &post).await;
        assert_eq!(
            found.expect("a place can be looked through").as_ref(),
            Some(&made),
            "behind {after:?}"
        );
    }
    let none = outbox.sent(&channel, Some(&made), &post).await;
    assert_eq!(
        none.expect("a place can be looked through"),
        None,
        "nothing is behind the last one"
    );
    let missing = harness.missing(&subject.platform);
    let refused = outbox.sent(&missing, None, &post).await;
    assert!(
        matches!(refused, Err(DeliveryError::Gone(_))),
        "a missing place is gone: {refused:?}"
    );
}

/// Where the past can be read, it is what people said in the channel and its threads behind what was
/// read before, oldest first, and of too much the newest.
async fn what_was_missed_is_read_back<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let before = subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let mut request = MissedRequest {
        channel: channel.channel.clone(),
        read: [(channel.clone(), before)].into(),
        since: Timestamp::UNIX_EPOCH,
        limit: 10,
    };
    let outbox = Arc::clone(&subject.connection.outbox);
    match outbox.missed(&request).await {
        Err(DeliveryError::Unsupported) => return,
        nothing => assert_eq!(nothing.expect("the past can be read").messages, []),
    }
    let root = subject.person_says(&channel, "*first* `one`").await;
    let own = subject.post("own");
    outbox.post(&channel, &own).await.expect("it is posted");
    harness.bot_says(&subject.platform, &channel, "beep").await;
    let mut said: Vec<(Place, MessageId)> = vec![(channel.clone(), root.clone())];
    if capabilities(&subject).threads != Threads::None {
        let from = MessageRef {
            place: channel.clone(),
            message: root,
        };
        let thread = outbox.open_thread(&from, "a thread").await;
        let thread = thread.expect("threads are claimed");
        let inside = subject.person_says(&thread, "inside").await;
        said.push((thread, inside));
    }
    let last = subject.person_says(&channel, "last").await;
    said.push((channel.clone(), last));

    let missed = outbox.missed(&request).await.expect("it can be read");
    let found: Vec<_> = missed
        .messages
        .iter()
        .map(|message| (message.place.clone(), message.id.clone()))
        .collect();
    assert_eq!(found, said, "what people said, oldest first");
    assert_eq!(missed.skipped, 0);
    assert_eq!(missed.messages[0].text, "*first* `one`");
    for message in &missed.messages {
        assert_eq!(message.author.kind, AuthorKind::Human);
        assert!(!message.author.id.as_str().is_empty());
        let read = missed.read.get(&message.place);
        assert!(
            read.is_some_and(|read| *read >= message.id),
            "it is said up to where was read"
        );
    }
    request.limit = 1;
    let newest = outbox.missed(&request).await.expect("it can be read");
    let ids: Vec<_> = newest.messages.iter().map(|message| &message.id).collect();
    assert_eq!(ids, [&said[said.len() - 1].1], "the newest one");
    let skipped = u32::try_from(said.len() - 1).expect("a few");
    assert_eq!(newest.skipped, skipped, "the others are counted");
    request.read.extend(missed.read);
    let nothing = outbox.missed(&request).await.expect("it can be read");
    assert_eq!((nothing.messages, nothing.skipped), (Vec::new(), 0));
}

/// What replies to a person's message is shown to that person, if to nobody else.
async fn replies_reach_who_asked<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let asked = subject.person_says(&channel, "asked").await;
    subject.read_until("asked").await;
    for (kind, text) in [
        (PostKind::Reply, "for everybody"),
        (PostKind::Private, "for one person"),
    ] {
        let post = Post {
            kind,
            reply_to: Some(asked.clone()),
            ..subject.post(text)
        };
        let outbox = &subject.connection.outbox;
        outbox.post(&channel, &post).await.expect("it is posted");
    }
    let shown = subject.texts(&channel).await;
    assert_eq!(shown, ["for everybody", "for one person"]);
}

/// A text of exactly the limit is posted whole; one more is refused, not cut.
async fn the_limit_is_exact<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let limit = capabilities(&subject).post_limit;
    let full = text_of(limit);
    let post = subject.post(full.clone());
    let outbox = &subject.connection.outbox;
    outbox
        .post(&channel, &post)
        .await
        .expect("a text of exactly the limit is posted");
    let over = subject.post(format!("{full}x"));
    let refused = subject.connection.outbox.post(&channel, &over).await;
    assert!(
        matches!(refused, Err(DeliveryError::Rejected(_))),
        "one more is rejected: {refused:?}"
    );
    assert_eq!(subject.texts(&channel).await, [full]);
}

/// The adapter's own posts come back as a bot's or as an echo with their id, or not at all.
async fn own_posts_are_no_persons<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    // Connected for sure, so that the echo has a chance to come.
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    let post = subject.post("own");
    let outbox = &subject.connection.outbox;
    let id = outbox.post(&channel, &post).await.expect("it is posted");
    subject.person_says(&channel, "after").await;
    for inbound in subject.read_until("after").await {
        if let Inbound::OwnEcho { delivery, message } = &inbound {
            assert_eq!((delivery, &message.message), (&post.id, &id));
        }
        if let Inbound::Message(message) = &inbound
            && message.id == id
        {
            assert_eq!(message.author.kind, AuthorKind::Bot);
        }
    }
}

/// What another bot says is a bot's.
async fn other_bots_are_bots<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    subject.person_says(&channel, "before").await;
    subject.read_until("before").await;
    if !harness.bot_says(&subject.platform, &channel, "beep").await {
        return;
    }
    subject.person_says(&channel, "after").await;
    for inbound in subject.read_until("after").await {
        if let Inbound::Message(message) = &inbound
            && message.text == "beep"
        {
            assert_eq!(message.author.kind, AuthorKind::Bot);
        }
    }
}

/// Dropping `next` before it is done loses nothing.
async fn next_may_be_cancelled<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let mut said = Vec::new();
    for number in 1..=20 {
        said.push(subject.person_says(&channel, &number.to_string()).await);
    }
    let mut read = Vec::new();
    let reading = async {
        while read.len() < said.len() {
            let inbound = tokio::select! {
                biased;
                inbound = subject.connection.inbox.next() => inbound,
                () = tokio::task::yield_now() => continue,
            };
            let (inbound, _) = inbound.expect("the inbox has not ended");
            if let Inbound::Message(message) = inbound {
                read.push(message.id);
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("all messages come in within 30 s");
    assert_eq!(read, said);
}

/// Nothing can be posted to a place that does not exist, and that is for good.
async fn a_missing_place_is_gone<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let post = subject.post("nowhere");
    let missing = harness.missing(&subject.platform);
    let refused = subject.connection.outbox.post(&missing, &post).await;
    assert!(
        matches!(refused, Err(DeliveryError::Gone(_))),
        "a missing place is gone: {refused:?}"
    );
}

/// Opening a thread twice gives the same thread, which can be posted to and spoken in.
async fn a_thread_is_opened_once<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let message = subject.person_says(&channel, "start here").await;
    subject.read_until("start here").await;
    let threads = capabilities(&subject).threads;
    let from = MessageRef {
        place: channel.clone(),
        message,
    };
    let outbox = &subject.connection.outbox;
    let opened = outbox.open_thread(&from, "a title\nof two lines").await;
    if threads == Threads::None {
        assert!(
            matches!(opened, Err(DeliveryError::Unsupported)),
            "threads were not claimed: {opened:?}"
        );
        return;
    }
    let thread = opened.expect("threads are claimed");
    let again = outbox.open_thread(&from, "another title").await;
    assert_eq!(again.expect("an open thread is a success"), thread);
    assert_eq!(thread.channel, channel.channel);
    let id = thread.thread.as_ref().expect("a thread has an id");
    if threads == Threads::FromMessage {
        assert_eq!(id.as_str(), from.message.as_str());
    }
    let post = subject.post("in the thread");
    let outbox = &subject.connection.outbox;
    outbox
        .post(&thread, &post)
        .await
        .expect("a thread takes posts");
    assert_eq!(subject.texts(&thread).await, ["in the thread"]);
    assert_eq!(subject.texts(&channel).await, Vec::<String>::new());
    subject.person_says(&thread, "inside").await;
    let read = subject.read_until("inside").await;
    let Some(Inbound::Message(inside)) = read.last() else {
        unreachable!("the last one is the message");
    };
    assert_eq!(inside.place, thread, "a thread's place names its channel");
}

/// Whatever a post says, nobody is notified by it, and its text stays.
async fn posts_notify_nobody<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let text = format!(
        "@everyone @here {} look",
        harness.mention(&subject.platform)
    );
    let post = subject.post(text.clone());
    let outbox = &subject.connection.outbox;
    outbox.post(&channel, &post).await.expect("it is posted");
    let shown = subject.shown(&channel).await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].text, text);
    assert!(!shown[0].notified, "a post notifies nobody");
}

/// Status signs and typing work where they are claimed, and are unsupported elsewhere.
async fn signs_are_as_claimed<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let message = subject.person_says(&channel, "sign this").await;
    subject.read_until("sign this").await;
    let can = capabilities(&subject);
    let on = MessageRef {
        place: channel.clone(),
        message,
    };
    let outbox = &subject.connection.outbox;
    for status in [
        Status::Received,
        Status::Received,
        Status::Done,
        Status::Failed,
        Status::Stopped,
    ] {
        let set = outbox.set_status(&on, status).await;
        check_claim("status", can.status, &set);
    }
    let typing = outbox.typing(&channel).await;
    check_claim("typing", can.typing, &typing);
}

fn check_claim(what: &str, claimed: bool, done: &Result<(), DeliveryError>) {
    let as_claimed = match done {
        Ok(()) => claimed,
        Err(DeliveryError::Unsupported) => !claimed,
        Err(
            DeliveryError::Gone(_)
            | DeliveryError::Transient { .. }
            | DeliveryError::Removed(_)
            | DeliveryError::Rejected(_)
            | DeliveryError::Unknown(_),
        ) => false,
    };
    assert!(as_claimed, "{what} (claimed: {claimed}): {done:?}");
}

fn capabilities<H: AdapterHarness>(subject: &Subject<'_, H>) -> Capabilities {
    subject.connection.outbox.capabilities(&subject.channel())
}

/// A text of exactly the limit, with characters that other units count differently.
fn text_of(limit: TextLimit) -> String {
    let wide = "🦀é";
    let room = limit.max - limit.unit.count(wide);
    format!("{wide}{}", "x".repeat(room))
}
