//! An echo server in memory, with the channel `dev`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, ThreadId};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf,
};
use tokio::sync::Notify;

/// How many bytes are on the way in each direction.
const PIPE: usize = 4096;

/// The longest text of one message, in bytes.
const TEXT_LIMIT: usize = 1000;

/// An echo server, whoever is connected to it.
#[derive(Clone, Default)]
pub(crate) struct Room {
    world: Arc<Mutex<World>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
pub(crate) struct World {
    last_id: u64,
    last_event: u64,
    /// What happened and is not stored, with its number.
    events: VecDeque<(u64, String)>,
    /// The last event that is on the way.
    sent: u64,
    threads: BTreeSet<String>,
    keys: BTreeMap<String, String>,
    /// What the bot posted, oldest first.
    pub(crate) posts: Vec<Posted>,
    /// What the bot said, line by line.
    pub(crate) heard: Vec<String>,
    /// The next answers, in place of the true ones; `None` is silence.
    pub(crate) faults: VecDeque<Option<&'static str>>,
}

#[derive(Clone)]
pub(crate) struct Posted {
    pub(crate) channel: String,
    pub(crate) thread: String,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) notified: bool,
}

pub(crate) fn channel(name: &str) -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new(echo_adapter::PLATFORM),
        ChannelId::new(name),
    ))
}

pub(crate) fn names(place: &Place) -> (&str, &str) {
    let thread = place.thread.as_ref().map_or("", ThreadId::as_str);
    (place.channel.channel.as_str(), thread)
}

impl Room {
    /// A bot's streams to the server.
    pub(crate) fn streams(&self) -> (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) {
        let (bot, server) = tokio::io::duplex(PIPE);
        tokio::spawn(self.clone().serve(server));
        tokio::io::split(bot)
    }

    pub(crate) fn says(&self, place: &Place, kind: &str, text: &str) -> MessageId {
        let id = self.change(|world| {
            let id = world.next_id();
            let (channel, thread) = names(place);
            let text = text.replace('\\', "\\\\").replace('\n', "\\n");
            world.happens(&format!(
                "said\t{channel}\t{thread}\t{id}\t{kind}\tu1\tann\t{text}"
            ));
            id
        });
        MessageId::new(id)
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world.lock().unwrap());
        self.changed.notify_one();
        changed
    }

    async fn serve(self, stream: DuplexStream) {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut lines = BufReader::new(reader).lines();
        let Some(hello) = lines.next_line().await.unwrap() else {
            return;
        };
        let (mut out, window) = self.change(|world| world.greet(&hello));
        loop {
            out.push_str(&self.world.lock().unwrap().due(window));
            if writer.write_all(out.as_bytes()).await.is_err() {
                return;
            }
            out.clear();
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => out = self.world.lock().unwrap().hear(&line),
                    Ok(None) | Err(_) => return,
                },
                () = self.changed.notified() => {}
            }
        }
    }
}

impl World {
    /// Makes something happen that the bot is told.
    pub(crate) fn happens(&mut self, event: &str) {
        self.last_event += 1;
        let number = self.last_event;
        let line = format!("event\t{number}\t{event}\n");
        self.events.push_back((number, line));
    }

    fn next_id(&mut self) -> String {
        self.last_id += 1;
        self.last_id.to_string()
    }

    fn greet(&mut self, hello: &str) -> (String, u64) {
        self.heard.push(hello.to_owned());
        let fields: Vec<&str> = hello.split('\t').collect();
        let ["hello", _, after, window] = fields.as_slice() else {
            panic!("the first line is a hello: {hello:?}");
        };
        let resumed = !after.is_empty();
        if resumed {
            self.store(after.parse().unwrap());
        } else {
            self.store(self.last_event);
        }
        self.sent = self.last_event - self.events.len() as u64;
        let how = if resumed { "resumed" } else { "fresh" };
        (format!("welcome\t{how}\n"), window.parse().unwrap())
    }

    fn store(&mut self, number: u64) {
        self.events.retain(|(event, _)| *event > number);
    }

    /// The lines of the events that may be on the way now.
    fn due(&mut self, window: u64) -> String {
        let stored = self.last_event - self.events.len() as u64;
        let sent = self.sent;
        let due = self.events.iter();
        let due = due.filter(|(number, _)| *number > sent && *number <= stored + window);
        let due: Vec<_> = due.cloned().collect();
        self.sent = due.last().map_or(sent, |(number, _)| *number);
        due.into_iter().map(|(_, line)| line).collect()
    }

    fn hear(&mut self, line: &str) -> String {
        self.heard.push(line.to_owned());
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["stored", number] => {
                self.store(number.parse().unwrap());
                String::new()
            }
            ["call", call, asked @ ..] => match self.faults.pop_front() {
                Some(Some(fault)) => format!("failed\t{call}\t{fault}\n"),
                Some(None) => String::new(),
                None => match self.answer(asked) {
                    Ok(gave) => format!("done\t{call}\t{gave}\n"),
                    Err(failed) => format!("failed\t{call}\t{failed}\n"),
                },
            },
            _ => panic!("the bot says what there is: {line:?}"),
        }
    }

    fn answer(&mut self, asked: &[&str]) -> Result<String, &'static str> {
        let gone = "gone\t0\tthere is no such place";
        match *asked {
            ["post", channel, thread, key, whom, _, text] => {
                if channel != "dev" || !thread.is_empty() && !self.threads.contains(thread) {
                    return Err(gone);
                }
                if let Some(known) = self.keys.get(key) {
                    return Ok(known.clone());
                }
                let text = text.replace("\\n", "\n");
                if text.is_empty() || text.len() > TEXT_LIMIT {
                    return Err("rejected\t0\ta message has 1 to 1000 bytes");
                }
                let id = self.next_id();
                self.keys.insert(key.to_owned(), id.clone());
                self.happens(&format!("echo\t{channel}\t{thread}\t{id}\t{key}"));
                self.posts.push(Posted {
                    channel: channel.to_owned(),
                    thread: thread.to_owned(),
                    id: id.clone(),
                    notified: whom != "nobody" && text.contains('@'),
                    text,
                });
                Ok(id)
            }
            ["thread", "dev", message, _] => {
                self.threads.insert(message.to_owned());
                Ok(message.to_owned())
            }
            ["sign", "dev", ..] | ["typing", "dev", _] => Ok(String::new()),
            _ => Err(gone),
        }
    }
}
