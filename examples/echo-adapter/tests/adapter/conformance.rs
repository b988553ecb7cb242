//! The adapter under the suite that every adapter passes.

use echo_adapter::{Config, connect};
use mpg_core::id::{MessageId, Place};
use mpg_core::port::Connection;
use mpg_testkit::conformance::adapter::{self, AdapterHarness, Shown};

use crate::room::{Room, channel, names};

struct Harness;

impl AdapterHarness for Harness {
    type Platform = Room;

    async fn platform(&self) -> Room {
        Room::default()
    }

    async fn connect(&self, room: &Room) -> Connection {
        let (reader, writer) = room.streams();
        let mut connection = connect(&Config::new("mpg").unwrap(), None, reader, writer);
        // The welcome: what happens from now on comes in.
        connection.inbox.next().await.unwrap();
        connection
    }

    fn channel(&self, _room: &Room) -> Place {
        channel("dev")
    }

    fn missing(&self, _room: &Room) -> Place {
        channel("nowhere")
    }

    fn mention(&self, _room: &Room) -> String {
        "@ann".to_owned()
    }

    async fn person_says(&self, room: &Room, place: &Place, text: &str) -> MessageId {
        room.says(place, "human", text)
    }

    async fn bot_says(&self, room: &Room, place: &Place, text: &str) -> bool {
        room.says(place, "bot", text);
        true
    }

    async fn shown(&self, room: &Room, place: &Place) -> Vec<Shown> {
        let posts = room.change(|world| world.posts.clone());
        posts
            .into_iter()
            .filter(|post| (post.channel.as_str(), post.thread.as_str()) == names(place))
            .map(|post| Shown {
                id: MessageId::new(post.id),
                text: post.text,
                beside: String::new(),
                notified: post.notified,
                controls: Vec::new(),
            })
            .collect()
    }
}

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    adapter::clauses(&Harness).await;
}
