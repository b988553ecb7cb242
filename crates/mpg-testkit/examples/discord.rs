//! A Discord to try the daemon against by hand: what is typed here is said by a person, and what
//! the bot writes is printed.
//!
//! `cargo run -p mpg-testkit --example discord`

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::BTreeMap;
use std::io::BufRead as _;

use mpg_testkit::discord::{Discord, Message, Snowflake, World};
use tokio::sync::mpsc;

const HELP: &str = "\
TEXT               says TEXT in the channel
say PLACE TEXT     says TEXT in another channel or thread, by its id
press MESSAGE ID   presses the button ID of a message
disconnect         breaks the gateway's connections off
log                shows the last calls
help               shows this
quit               ends";

/// How many typed lines wait at the most.
const LINES: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let discord = Discord::start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "general");
    let person = discord.add_user("you");
    println!("api-url     = \"{}\"", discord.origin());
    println!("gateway-url = \"{}\"", discord.gateway_url());
    println!("token         {}", discord.token());
    println!("channel       discord:{channel}");
    println!("you           {person}\n\n{HELP}\n");
    let mut lines = typed();
    let mut changes = discord.changes();
    let mut shown = Shown::default();
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { return };
                if line.trim() == "quit" {
                    return;
                }
                obey(&discord, channel, person, line.trim());
            }
            woken = changes.changed() => {
                if woken.is_err() {
                    return;
                }
            }
        }
        for line in discord.look(|world| shown.news(world, channel)) {
            println!("{line}");
        }
    }
}

/// The lines of the terminal, read on a thread of their own so that nothing waits for a key.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn obey(discord: &Discord, channel: Snowflake, person: Snowflake, line: &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let target = rest.split_once(' ').and_then(|(id, text)| {
        let id: Snowflake = id.parse().ok()?;
        Some((id, text))
    });
    match (word, target) {
        ("", _) => {}
        ("help", _) => println!("{HELP}"),
        ("log", _) => println!("{}", discord.transcript()),
        ("disconnect", _) => discord.disconnect(),
        ("say", Some((place, text))) => {
            if discord.look(|world| world.channel(place).is_some()) {
                discord.say(place, person, text);
            } else {
                println!("no such place: {place}");
            }
        }
        ("press", Some((message, action))) => {
            if discord.look(|world| world.message(message).is_some()) {
                discord.press(message, person, action);
            } else {
                println!("no such message: {message}");
            }
        }
        _ => {
            let message = discord.say(channel, person, line);
            println!("  ({message})");
        }
    }
}

/// What was printed already: each message of the bot with its text and its buttons, each sign under
/// a message.
#[derive(Default)]
struct Shown {
    texts: BTreeMap<Snowflake, (String, Vec<String>)>,
    signs: BTreeMap<Snowflake, Vec<String>>,
}

impl Shown {
    /// What is new since the last look, in the channel and in the threads from its messages.
    fn news(&mut self, world: &World, channel: Snowflake) -> Vec<String> {
        let mut lines = Vec::new();
        for message in world.messages(channel) {
            self.message(world, message, "", &mut lines);
            if let Some(thread) = world.thread_of(message.id) {
                for message in world.messages(thread) {
                    self.message(world, message, "    ", &mut lines);
                }
            }
        }
        lines
    }

    fn message(&mut self, world: &World, message: &Message, indent: &str, lines: &mut Vec<String>) {
        let signs = world.reactions(message.id);
        if self.signs.get(&message.id).is_none_or(|old| *old != signs) {
            if !signs.is_empty() {
                lines.push(format!("{indent}  ({}) {}", message.id, signs.concat()));
            }
            self.signs.insert(message.id, signs);
        }
        if message.author != world.bot() {
            return;
        }
        let now = (message.content.clone(), buttons(message));
        let known = self.texts.get(&message.id);
        if known.is_some_and(|old| *old == now) {
            return;
        }
        let mark = if known.is_some() { "edited" } else { "bot" };
        let place = message.channel;
        lines.push(format!("{indent}[{mark} {place}] {}", message.content));
        for embed in &message.embeds {
            let text = embed["description"].as_str().unwrap_or_default();
            lines.push(format!("{indent}  | {text}"));
        }
        lines.extend(now.1.iter().map(|button| format!("{indent}  {button}")));
        self.texts.insert(message.id, now);
    }
}

/// What to type for each button of a message.
fn buttons(message: &Message) -> Vec<String> {
    let rows = message.components.iter();
    rows.flat_map(|row| row["components"].as_array().into_iter().flatten())
        .filter_map(|component| {
            let action = component["custom_id"].as_str()?;
            let label = component["label"].as_str().unwrap_or("a menu");
            Some(format!("press {} {action}   ({label})", message.id))
        })
        .collect()
}
