//! Files that come with messages, and that go out with posts.

use mpg_core::capability::Reconcile;
use mpg_core::message::{Attachment, Inbound};
use mpg_core::out_file::OutFile;
use mpg_core::port::{DeliveryError, FetchError, Outbox, Upload};

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

/// Files go out with a post, which a repetition shows once, and which is found by what it says; where
/// none can, nothing is posted.
pub(super) async fn files_go_out_with_their_post<H: AdapterHarness>(harness: &H) {
    let mut subject = Subject::connect(harness).await;
    let channel = subject.channel();
    let outbox = subject.connection.outbox.clone();
    let can = outbox.capabilities(&channel);
    let before = harness.shown(&subject.platform, &channel).await.len();
    let mut post = subject.post("the report");
    post.files = vec![OutFile::text("report.md", "# all is well")];
    let files = [Upload {
        name: "report.md".to_owned(),
        bytes: b"# all is well".as_slice().into(),
    }];
    let uploaded = outbox.upload(&channel, &post, &files).await;
    // What a place can do may be known better by now.
    if let Err(DeliveryError::Unsupported) = uploaded {
        let shown = harness.shown(&subject.platform, &channel).await;
        assert_eq!(shown.len(), before, "refused and posted: {shown:?}");
        return;
    }
    let limits = can.files.expect("what takes files claims to");
    assert!(limits.size > 0 && limits.count > 0, "{limits:?}");
    let message = uploaded.expect("it takes files");
    if can.reconcile == Reconcile::Nonce {
        let again = outbox.upload(&channel, &post, &files).await;
        assert_eq!(again.expect("it is there"), message);
    }
    if let Ok(found) = outbox.sent(&channel, None, &post).await {
        assert_eq!(found, Some(message.clone()));
        let mut without = post.clone();
        without.files.clear();
        let found = outbox.sent(&channel, None, &without).await;
        assert_eq!(found.expect("it can look"), None, "that one has no files");
    }
    let shown = harness.shown(&subject.platform, &channel).await;
    assert_eq!(shown.len(), before + 1, "{shown:?}");
    let last = shown.last().expect("it was posted");
    assert_eq!((&last.id, last.notified), (&message, false));
}

async fn fetch(outbox: &dyn Outbox, file: &Attachment) -> Result<Vec<u8>, FetchError> {
    let mut download = outbox.fetch(file, LIMIT).await?;
    let mut content = Vec::new();
    while let Some(bytes) = download.next().await? {
        content.extend(bytes);
    }
    Ok(content)
}
