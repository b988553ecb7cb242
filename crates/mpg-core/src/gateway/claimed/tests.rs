use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::id::{ChannelId, ChannelKey, InstallationId, PlatformId, RootId, ThreadId};
use crate::snapshot::Conversations;

fn channel() -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"))
}

fn in_channel() -> Place {
    Place::channel(channel())
}

fn in_thread() -> Place {
    Place::thread(channel(), ThreadId::new("2"))
}

fn delivery(key: &str) -> DeliveryId {
    DeliveryId::of_prompt(InstallationId::from_uuid(Uuid::nil()), key, "")
}

fn message(number: u32) -> MessageId {
    MessageId::new(number.to_string())
}

fn thread(place: Place, confirmed: u32) -> Thread {
    Thread {
        place: Some(place),
        last_agent: None,
        turns_since_human: 0,
        active_at: Timestamp::UNIX_EPOCH,
        conversations: Conversations::default(),
        deliveries: [].into(),
        kept: BTreeMap::new(),
        confirmed: Some(message(confirmed)),
        renamed: false,
        verbosity: None,
        chain: None,
    }
}

#[test]
fn a_message_of_another_post_is_contested_once() {
    let place = in_channel();
    let mut claimed = Claimed::default();
    claimed.claim(Some(&place), delivery("a"), &message(10));
    claimed.claim(Some(&place), delivery("a"), &message(11));
    let contests = |claimed: &mut Claimed, number| {
        claimed.contests(Some(&place), delivery("b"), &message(number))
    };
    assert!(!claimed.contests(Some(&place), delivery("a"), &message(10)));
    assert!(!contests(&mut claimed, 12), "nobody has it");
    assert!(contests(&mut claimed, 10));
    assert_eq!(claimed.passed(delivery("b")), Some(&message(10)));
    assert!(!contests(&mut claimed, 10), "it was said before");
    assert!(contests(&mut claimed, 11), "a newer one is another one");
    assert!(!contests(&mut claimed, 10), "an older one was passed too");
    claimed.claim(Some(&place), delivery("b"), &message(13));
    assert_eq!(claimed.passed(delivery("b")), None);
}

#[test]
fn so_many_messages_are_remembered_in_a_place() {
    let place = in_channel();
    let mut claimed = Claimed::default();
    let first = 100;
    for number in 0..64 {
        claimed.claim(Some(&place), delivery("a"), &message(first + number));
    }
    assert_eq!(claimed.messages[&place].len(), 64);
    claimed.claim(Some(&place), delivery("a"), &message(first + 64));
    assert_eq!(claimed.messages[&place].len(), 64);
    assert!(!claimed.messages[&place].contains_key(&message(first)));
    assert_eq!(claimed.newest(&place), Some(&message(first + 64)));
}

#[test]
fn a_thread_has_its_posts_for_itself_unless_it_is_shared() {
    let place = in_thread();
    let mut claimed = Claimed::default();
    claimed.claim(Some(&place), delivery("a"), &message(10));
    assert!(!claimed.contests(Some(&place), delivery("b"), &message(10)));

    claimed.share(&place, Some(&thread(place.clone(), 9)));
    claimed.claim(Some(&place), delivery("a"), &message(10));
    assert!(claimed.contests(Some(&place), delivery("b"), &message(9)));
    assert!(claimed.contests(Some(&place), delivery("b"), &message(10)));
    // It stays the post's, whoever shares the place too.
    claimed.share(&place, Some(&thread(place.clone(), 10)));
    assert!(!claimed.contests(Some(&place), delivery("a"), &message(10)));

    claimed.forget(&place);
    assert!(!claimed.contests(Some(&place), delivery("c"), &message(10)));
    claimed.claim(Some(&in_channel()), delivery("a"), &message(10));
    claimed.forget(&in_channel());
    assert!(claimed.contests(Some(&in_channel()), delivery("c"), &message(10)));
}

#[test]
fn what_is_stored_of_shared_places_is_known_at_once() {
    let mut snapshot = Snapshot::new(InstallationId::from_uuid(Uuid::nil()));
    let aside = RootId::of_aside(channel(), message(5));
    let of_message = |number| RootId::of_message(channel(), message(number));
    let alone = Place::thread(channel(), ThreadId::new("3"));
    for (root, thread) in [
        (aside, thread(in_thread(), 20)),
        (of_message(2), thread(in_thread(), 10)),
        (of_message(3), thread(alone.clone(), 30)),
        (of_message(4), thread(in_channel(), 40)),
    ] {
        snapshot.threads.insert(root, thread);
    }
    let claimed = Claimed::of(&snapshot);
    assert_eq!(claimed.newest(&in_thread()), Some(&message(20)));
    assert!(claimed.messages[&in_thread()].contains_key(&message(10)));
    assert_eq!(claimed.newest(&in_channel()), Some(&message(40)));
    assert_eq!(claimed.newest(&alone), None);
}
