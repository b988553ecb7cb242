//! A bot with a connection of its own that embeds the gateway: a chat for one person on TCP, in
//! which a line is a message. The bot answers `ping` itself; everything else goes to an agent.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, ProjectName, UserId};
use mpg_core::message::{Author, AuthorKind, Inbound, Message};
use mpg_core::port::{Connection, DeliveryError, Outbox};
use mpg_core::{capability::Capabilities, post::Post};
use mpg_engine::{Ended, Engine, EngineError, InboxSender, ScriptedRuntime, StopSignal};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, tcp};

/// How many bytes the person may write in all.
const MOST_BYTES: u64 = 1024 * 1024;

/// Serves one person until they leave or `stop` is given, with an agent that works in `dir`.
pub async fn serve(stream: TcpStream, dir: &str, stop: StopSignal) -> Result<Ended, EngineError> {
    let channel = ChannelKey::new(PlatformId::new("tcp"), ChannelId::new("chat"));
    let config = config(channel.clone(), dir);
    let (reader, writer) = stream.into_split();
    let bot = Arc::new(Bot(writer.into()));
    let (sender, inbox) = mpg_engine::channel_inbox();
    let connection = Connection {
        platform: channel.platform.clone(),
        inbox,
        outbox: bot.clone(),
    };
    let agents = Arc::new(ScriptedRuntime::demonstration());
    let engine = Engine::builder(Arc::new(config), agents);
    let mut running = Box::pin(engine.connection(connection).build().run(stop));
    tokio::select! {
        ended = &mut running => ended,
        // With the sender gone, the engine answers what it has and ends.
        () = bot.read(reader, sender, Place::channel(channel)) => running.await,
    }
}

fn config(channel: ChannelKey, dir: &str) -> Config {
    let mut project = Project::new(ProjectName::new("demo"), dir);
    project.channels.insert(channel);
    let routing = RoutingTable::new([project]).expect("one project conflicts with none");
    let limits = Limits::default();
    Config { routing, limits }
}

/// The bot: the part that was there before, and the two places where it meets the gateway.
#[derive(Debug)]
struct Bot(tokio::sync::Mutex<tcp::OwnedWriteHalf>);

impl Bot {
    async fn read(&self, reader: tcp::OwnedReadHalf, sender: InboxSender, place: Place) {
        let mut lines = BufReader::new(reader.take(MOST_BYTES)).lines();
        let mut id = 0_u64;
        while let Ok(Some(text)) = lines.next_line().await {
            if text == "ping" {
                drop(self.write("pong").await);
                continue;
            }
            id += 1;
            let message = Message {
                place: place.clone(),
                id: MessageId::new(id.to_string()),
                author: Author {
                    id: UserId::new("1"),
                    name: "you".to_owned(),
                    kind: AuthorKind::Human,
                    roles: Vec::new(),
                },
                text,
                attachments: Vec::new(),
            };
            // It fails when the engine has ended, and then this ends too.
            let _ = sender.send(Inbound::Message(message), None).await;
        }
    }

    async fn write(&self, text: &str) -> std::io::Result<()> {
        let line = text.replace(|c: char| c.is_control() && c != '\n', " ") + "\n";
        self.0.lock().await.write_all(line.as_bytes()).await
    }
}

#[async_trait]
impl Outbox for Bot {
    fn capabilities(&self, _place: &Place) -> Capabilities {
        Capabilities::default()
    }

    async fn post(&self, _place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        let written = self.write(&post.in_lines()).await;
        written.map_err(|error| DeliveryError::Unknown(error.to_string()))?;
        Ok(MessageId::new(post.id.as_str()))
    }
}
