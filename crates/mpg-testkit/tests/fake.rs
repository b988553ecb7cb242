//! The platform in memory under the suite that every adapter passes.

use mpg_core::capability::{Capabilities, TextLimit, TextUnit, Threads};
use mpg_core::id::{MessageId, Place};
use mpg_core::persona::Persona;
use mpg_core::port::Connection;
use mpg_core::post::Post;
use mpg_testkit::conformance::adapter::{self, AdapterHarness, Shown};
use mpg_testkit::fake::FakePlatform;

struct Harness {
    capabilities: Option<Capabilities>,
}

impl AdapterHarness for Harness {
    type Platform = FakePlatform;

    async fn platform(&self) -> FakePlatform {
        let chat = match &self.capabilities {
            Some(capabilities) => FakePlatform::with(capabilities.clone()),
            None => FakePlatform::new(),
        };
        chat.add_channel("general");
        chat
    }

    async fn connect(&self, platform: &FakePlatform) -> Connection {
        platform.connect()
    }

    fn channel(&self, platform: &FakePlatform) -> Place {
        Place::channel(platform.key("general"))
    }

    fn missing(&self, platform: &FakePlatform) -> Place {
        Place::channel(platform.key("nowhere"))
    }

    fn mention(&self, _platform: &FakePlatform) -> String {
        "@ann".to_owned()
    }

    async fn person_says(&self, platform: &FakePlatform, place: &Place, text: &str) -> MessageId {
        platform.say(place, "ann", text).message
    }

    async fn bot_says(&self, platform: &FakePlatform, place: &Place, text: &str) -> bool {
        platform.bot_says(place, "beeper", text);
        true
    }

    async fn person_attaches(
        &self,
        platform: &FakePlatform,
        place: &Place,
        name: &str,
        content: &[u8],
    ) -> bool {
        platform.say_with_files(place, "ann", "look", &[(name, content)]);
        true
    }

    async fn shown(&self, platform: &FakePlatform, place: &Place) -> Vec<Shown> {
        platform.look(|world| {
            let posts = world.posts().iter().filter(|post| post.place == *place);
            posts
                .map(|posted| Shown {
                    id: posted.id.clone(),
                    text: posted.post.text.clone(),
                    beside: beside(&posted.post),
                    notified: false,
                    controls: Vec::new(),
                })
                .collect()
        })
    }
}

fn beside(post: &Post) -> String {
    let name = post.persona.as_ref().map(Persona::name);
    let lines: Vec<&str> = name.into_iter().chain(post.footer.as_deref()).collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_platform_that_can_do_much() {
    adapter::clauses(&Harness { capabilities: None }).await;
}

#[tokio::test]
async fn a_platform_that_can_do_little() {
    let capabilities = Some(Capabilities::default());
    adapter::clauses(&Harness { capabilities }).await;
}

#[tokio::test]
async fn a_platform_that_names_threads_itself() {
    let capabilities = Some(Capabilities {
        threads: Threads::Assigned,
        post_limit: TextLimit {
            max: 100,
            unit: TextUnit::Utf16,
        },
        ..Capabilities::default()
    });
    adapter::clauses(&Harness { capabilities }).await;
}

#[tokio::test]
async fn what_was_not_acknowledged_is_told_again() {
    let chat = FakePlatform::new();
    let general = chat.add_channel("general");
    let mut first = chat.connect();
    chat.say(&general, "ann", "one");
    chat.say(&general, "ann", "two");
    let (_, position) = first.inbox.next().await.unwrap();
    first.inbox.ack(&position.unwrap());
    let (two, _) = first.inbox.next().await.unwrap();
    let mut second = chat.connect();
    let (again, _) = second.inbox.next().await.unwrap();
    assert_eq!(again, two);
    assert!(first.inbox.next().await.is_none());
}
