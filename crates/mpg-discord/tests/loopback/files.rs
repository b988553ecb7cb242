//! Files of messages, fetched from the content network.

use mpg_core::message::Attachment;
use mpg_core::port::FetchError;
use mpg_testkit::discord::{Discord, FileFault, World};

use crate::subject::Subject;

const LIMIT: u64 = 1000;

/// A message with a file, as the adapter describes it.
async fn attached(subject: &mut Subject, content: &[u8]) -> Attachment {
    let files = [("notes.txt", content)];
    let (channel, person) = (subject.channel, subject.person);
    subject
        .discord
        .say_with_files(channel, person, "look", &files);
    let (mut message, _) = subject.message().await;
    message.attachments.pop().unwrap()
}

async fn fetch(subject: &Subject, file: &Attachment) -> Result<Vec<u8>, FetchError> {
    let mut download = subject.outbox().fetch(file, LIMIT).await?;
    let mut content = Vec::new();
    while let Some(bytes) = download.next().await? {
        content.extend(bytes);
    }
    Ok(content)
}

#[tokio::test]
async fn a_file_comes_as_it_is() {
    let mut subject = Subject::start().await;
    let content: Vec<u8> = (0..LIMIT).map(|byte| byte.to_le_bytes()[0]).collect();
    let file = attached(&mut subject, &content).await;
    assert_eq!(fetch(&subject, &file).await, Ok(content));
    let empty = attached(&mut subject, b"").await;
    assert_eq!(fetch(&subject, &empty).await, Ok(Vec::new()));
}

#[tokio::test]
async fn its_size_is_counted_whatever_was_told() {
    let mut subject = Subject::start().await;
    let long = attached(&mut subject, &[b'x'; 1001]).await;
    assert_eq!(fetch(&subject, &long).await, Err(FetchError::TooLong));
    let short = attached(&mut subject, b"short").await;
    subject.discord.file_fault(FileFault::Longer(1000));
    assert_eq!(fetch(&subject, &short).await, Err(FetchError::TooLong));
    assert_eq!(fetch(&subject, &short).await, Ok(b"short".to_vec()));
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let mut subject = Subject::start().await;
    let file = attached(&mut subject, b"content").await;
    for status in [403, 404, 410] {
        subject.discord.file_fault(FileFault::Status(status));
        let failure = fetch(&subject, &file).await.unwrap_err();
        assert_eq!(failure, FetchError::Gone(format!("HTTP {status}")));
    }
    for fault in [
        FileFault::Status(429),
        FileFault::Status(503),
        FileFault::Cut,
        FileFault::CutInBody,
    ] {
        subject.discord.file_fault(fault.clone());
        let failure = fetch(&subject, &file).await.unwrap_err();
        assert!(matches!(failure, FetchError::Transient(_)), "{fault:?}");
        assert!(!failure.to_string().contains("notes.txt"), "{failure}");
    }
    assert_eq!(fetch(&subject, &file).await, Ok(b"content".to_vec()));
}

#[tokio::test]
async fn redirects_stay_on_hosts_that_somebody_named() {
    let mut subject = Subject::start().await;
    let file = attached(&mut subject, b"content").await;
    let path = &file.url[subject.discord.origin().len()..];
    for to in [file.url.clone(), path.to_owned()] {
        subject.discord.file_fault(FileFault::Redirect(to));
        assert_eq!(fetch(&subject, &file).await, Ok(b"content".to_vec()));
    }
    for _ in 0..4 {
        subject
            .discord
            .file_fault(FileFault::Redirect(file.url.clone()));
    }
    let failure = fetch(&subject, &file).await.unwrap_err();
    assert!(matches!(failure, FetchError::Gone(_)), "{failure}");
    subject
        .discord
        .file_fault(FileFault::Redirect(String::new()));
    let failure = fetch(&subject, &file).await.unwrap_err();
    assert!(matches!(failure, FetchError::Gone(_)), "{failure}");

    let elsewhere = Discord::start().await;
    let to = format!("{}{path}", elsewhere.origin());
    subject.discord.file_fault(FileFault::Redirect(to.clone()));
    let host = elsewhere.origin().replace("http://", "");
    let refused = Err(FetchError::Host(host));
    assert_eq!(fetch(&subject, &file).await, refused);
    let foreign = Attachment { url: to, ..file };
    assert_eq!(fetch(&subject, &foreign).await, refused);
    assert_eq!(elsewhere.look(World::fetch_count), 0);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let mut subject = Subject::start().await;
    let file = attached(&mut subject, b"content").await;
    for (url, host) in [
        ("/etc/passwd", "nowhere"),
        ("https://me:secret@files.example/x", "files.example"),
        ("http://cdn.discordapp.com/x", "cdn.discordapp.com"),
    ] {
        let file = Attachment {
            url: url.to_owned(),
            ..file.clone()
        };
        let failure = fetch(&subject, &file).await.unwrap_err();
        assert_eq!(failure, FetchError::Host(host.to_owned()), "{url}");
    }
    for url in ["file:///etc/passwd", "https://\u{0}", "https://", ""] {
        let none = Attachment {
            url: url.to_owned(),
            ..file.clone()
        };
        let failure = fetch(&subject, &none).await.unwrap_err();
        assert!(matches!(failure, FetchError::Gone(_)), "{url}: {failure}");
    }
}
