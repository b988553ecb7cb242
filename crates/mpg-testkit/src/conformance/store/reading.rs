//! Which messages count as seen.

use mpg_core::id::{MessageId, MessageRef, Place, ThreadId};
use mpg_core::record::Record;
use mpg_core::snapshot::SeenMessages;

use super::clause::{channel, seen, thread_place};
use super::{StoreFactory, Subject};

pub(super) async fn a_message_is_seen_once<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    let elsewhere = Place::thread(channel(), ThreadId::new("9"));
    subject
        .commit(&[seen(&thread_place(), 5), seen(&thread_place(), 5)])
        .await;
    subject.commit(&[seen(&thread_place(), 5)]).await;
    subject.commit(&[seen(&elsewhere, 5)]).await;
    subject.settle("a message counts once in its place").await;
    assert_eq!(subject.expected.seen.len(), 2);
    subject.close().await;
}

pub(super) async fn old_messages_count_as_seen<F: StoreFactory>(factory: &F) {
    let capacity = u64::try_from(SeenMessages::CAPACITY).expect("a capacity is small");
    let mut subject = Subject::open(factory).await;
    let place = thread_place();
    for first in [5000, 100] {
        // The newer ones first, so that most of the others fall below the floor as they come; both
        // across a change of length, where bytes and age are ordered differently.
        let batch: Vec<Record> = (0..capacity)
            .map(|n| seen(&place, first + 20 * n))
            .collect();
        subject.commit(&batch).await;
        subject.settle("seen messages").await;
    }
    subject.commit(&[seen(&place, 1), seen(&place, 4999)]).await;
    subject.settle("what is below the floor adds nothing").await;

    let old = MessageRef {
        place,
        message: MessageId::new("2"),
    };
    assert!(subject.expected.has_seen(&old), "older than all is seen");
    subject.close().await;
}

pub(super) async fn what_was_read_back_counts_as_seen<F: StoreFactory>(factory: &F) {
    let read = |place: &Place, upto: u32| Record::PlaceRead {
        place: place.clone(),
        upto: MessageId::new(upto.to_string()),
    };
    let mut subject = Subject::open(factory).await;
    let elsewhere = Place::channel(channel());
    subject
        .commit(&[seen(&thread_place(), 5), seen(&thread_place(), 20)])
        .await;
    subject
        .commit(&[read(&thread_place(), 10), read(&elsewhere, 3)])
        .await;
    subject.settle("a place is read up to a message").await;
    subject
        .commit(&[seen(&thread_place(), 7), read(&thread_place(), 8)])
        .await;
    subject.settle("it is never read up to less").await;
    let messages = &subject.expected.seen[&thread_place()];
    assert!(messages.contains(&MessageId::new("7")));
    assert!(!messages.contains(&MessageId::new("11")));
    assert_eq!(messages.newest(), Some(&MessageId::new("20")));
    subject.commit(&[read(&thread_place(), 30)]).await;
    let many: Vec<Record> = (0..400).map(|id| seen(&thread_place(), id)).collect();
    subject.commit(&many).await;
    subject
        .settle("what comes after it is told apart as ever")
        .await;
    subject.close().await;
}
