//! Files that go out with posts.

use mpg_core::out_file::OutFile;
use mpg_core::persona::Persona;
use mpg_core::port::{DeliveryError, Upload};
use mpg_core::post::Post;
use mpg_testkit::discord::{Fault, Permission};
use serde_json::json;

use crate::subject::{Subject, place, post};

fn upload(name: &str, bytes: &[u8]) -> Upload {
    Upload {
        name: name.to_owned(),
        bytes: bytes.into(),
    }
}

fn with_files(number: u32, text: &str, files: &[Upload]) -> Post {
    Post {
        files: files
            .iter()
            .map(|file| OutFile::text(&*file.name, ""))
            .collect(),
        ..post(number, text)
    }
}

fn fetched(subject: &Subject, path: &serde_json::Value) -> Vec<u8> {
    let path = path["url"].as_str().unwrap();
    let path = path[path.find("/attachments").unwrap()..].to_owned();
    subject
        .discord
        .look(|world| world.uploaded(&path).unwrap().to_vec())
}

#[tokio::test]
async fn files_stand_in_one_message_with_the_text() {
    let subject = Subject::start().await;
    let image: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let files = [
        upload("chart.png", &image),
        upload("\u{fc}ber \"x\".md", b"# hi\r\n"),
    ];
    let post = with_files(1, "@everyone see", &files);
    let channel = place(subject.channel);
    let message = subject
        .outbox()
        .upload(&channel, &post, &files)
        .await
        .unwrap();
    let again = subject
        .outbox()
        .upload(&channel, &post, &files)
        .await
        .unwrap();
    assert_eq!(message, again);
    let shown = subject.discord.messages(subject.channel);
    let [shown] = shown.as_slice() else {
        panic!("it stands there {} times", shown.len());
    };
    assert_eq!(shown.text(), "@everyone see");
    assert!(!shown.notified_everyone);
    let names: Vec<_> = shown
        .attachments
        .iter()
        .map(|file| &file["filename"])
        .collect();
    assert_eq!(names, [&json!("chart.png"), &json!("\u{fc}ber _x_.md")]);
    assert_eq!(fetched(&subject, &shown.attachments[0]), image);
    assert_eq!(fetched(&subject, &shown.attachments[1]), b"# hi\r\n");
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_found() {
    let subject = Subject::start().await;
    let files = [upload("a.txt", b"a")];
    let post = Post {
        persona: Some(Persona::new("QA", None)),
        ..with_files(1, "see", &files)
    };
    subject
        .discord
        .fault("POST", "/channels/*/messages", Fault::CutAfterHandling, 1);
    let channel = place(subject.channel);
    let lost = subject.outbox().upload(&channel, &post, &files).await;
    assert!(matches!(lost, Err(DeliveryError::Unknown(_))), "{lost:?}");
    let found = subject.outbox().sent(&channel, None, &post).await.unwrap();
    assert!(found.is_some());
    let other = Post {
        files: Vec::new(),
        ..post
    };
    let found = subject.outbox().sent(&channel, None, &other).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn the_limits_of_a_channel_are_told_and_kept() {
    let subject = Subject::start().await;
    let channel = place(subject.channel);
    let limits = subject.outbox().capabilities(&channel).files.unwrap();
    let size = usize::try_from(limits.size).unwrap();
    let mut files = vec![upload("large.bin", &vec![b'x'; size - 9])];
    files.extend((1..limits.count).map(|number| upload(&format!("{number}"), b"y")));
    let post = with_files(1, &"\u{e9}".repeat(2000), &files);
    subject
        .outbox()
        .upload(&channel, &post, &files)
        .await
        .unwrap();
    assert_eq!(subject.discord.messages(subject.channel).len(), 1);

    let files = [upload("larger.bin", &vec![b'x'; 10 << 20])];
    let refused = subject
        .outbox()
        .upload(&channel, &with_files(2, "see", &files), &files)
        .await;
    assert!(
        matches!(refused, Err(DeliveryError::Unsupported)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn without_the_permission_files_are_not_supported() {
    let mut subject = Subject::start().await;
    let files = [upload("a.txt", b"a")];
    let channel = place(subject.channel);
    assert!(subject.outbox().capabilities(&channel).files.is_some());
    subject
        .discord
        .deny_permission(subject.channel, Permission::AttachFiles);
    // What is said afterwards comes behind the change.
    subject.say("hello");
    subject.message().await;
    assert_eq!(subject.outbox().capabilities(&channel).files, None);
    let refused = subject
        .outbox()
        .upload(&channel, &with_files(1, "see", &files), &files)
        .await;
    assert!(
        matches!(refused, Err(DeliveryError::Unsupported)),
        "{refused:?}"
    );
    assert_eq!(
        subject.discord.bot_texts(subject.channel),
        Vec::<String>::new()
    );
}
