//! Files that come with messages.

use mpg_core::message::{Attachment, Inbound};
use mpg_core::port::{FetchError, Outbox};

use crate::conformance::adapter::{AdapterHarness, Subject, next};

/// How many bytes a file may have here.
const LIMIT: u64 = 100_000;

/// A file that a person attaches is described, and fetched as it is; one that is elsewhere is not.
pub(super) async fn files_are_fetched<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let content: Vec<u8> = (0..70_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let sends = harness.person_attaches(&subject.platform, &channel, "a.bin", &content);
    if !sends.await {
        return;
    }
    let file = loop {
        if let Inbound::Message(mut message) = next(subject.connection.inbox.as_mut()).await
            && let Some(file) = message.attachments.pop()
        {
            break file;
        }
    };
    assert_eq!(file.name, "a.bin");
    assert_eq!(file.size, content.len() as u64);
    let outbox = subject.connection.outbox.as_ref();
    assert_eq!(fetch(outbox, &file).await, Ok(content));
    let elsewhere = Attachment {
        url: "https://elsewhere.invalid/a.bin".to_owned(),
        ..file
    };
    let refused = fetch(outbox, &elsewhere).await;
    assert!(
        matches!(refused, Err(FetchError::Host(_) | FetchError::Gone(_))),
        "an address is untrusted: {refused:?}"
    );
}

async fn fetch(outbox: &dyn Outbox, file: &Attachment) -> Result<Vec<u8>, FetchError> {
    let mut download = outbox.fetch(file, LIMIT).await?;
    let mut content = Vec::new();
    while let Some(bytes) = download.next().await? {
        content.extend(bytes);
    }
    Ok(content)
}
