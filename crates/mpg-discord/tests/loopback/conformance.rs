//! The adapter under the suite that every adapter passes.

use std::collections::BTreeMap;

use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, ThreadId};
use mpg_core::port::Connection;
use mpg_discord::{PLATFORM, Settings, ThreadArchive, Token, connect};
use mpg_testkit::conformance::adapter::{self, Act, AdapterHarness, Shown};
use mpg_testkit::discord::{Discord, Message, Permission, Snowflake};

struct Harness {
    permissions: Vec<Permission>,
}

struct Loopback {
    discord: Discord,
    channel: Snowflake,
    person: Snowflake,
    bot: Snowflake,
}

fn place(id: Snowflake) -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new(PLATFORM),
        ChannelId::new(id.to_string()),
    ))
}

fn snowflake(place: &Place) -> Snowflake {
    let id = place
        .thread
        .as_ref()
        .map_or(place.channel.channel.as_str(), ThreadId::as_str);
    Snowflake(id.parse().unwrap())
}

impl AdapterHarness for Harness {
    type Platform = Loopback;

    async fn platform(&self) -> Loopback {
        let discord = Discord::builder()
            .permissions(&self.permissions)
            .start()
            .await;
        let guild = discord.add_guild("guild");
        let channel = discord.add_channel(guild, "dev");
        let person = discord.add_user("alice");
        let bot = discord.add_bot("beeper");
        Loopback {
            discord,
            channel,
            person,
            bot,
        }
    }

    async fn connect(&self, platform: &Loopback) -> Connection {
        let mut settings = Settings::new(Token::new(platform.discord.token()));
        settings.api_url = Some(platform.discord.origin());
        settings.gateway_url = Some(platform.discord.gateway_url());
        settings.channels.replace(BTreeMap::from([(
            ChannelId::new(platform.channel.to_string()),
            ThreadArchive::default(),
        )]));
        let connection = connect(settings, None).await.unwrap();
        platform
            .discord
            .wait_for(|world| world.ready_count() == 1)
            .await;
        connection
    }

    fn channel(&self, platform: &Loopback) -> Place {
        place(platform.channel)
    }

    fn missing(&self, _platform: &Loopback) -> Place {
        place(Snowflake(4))
    }

    fn mention(&self, platform: &Loopback) -> String {
        format!("<@{}>", platform.person)
    }

    async fn person_says(&self, platform: &Loopback, place: &Place, text: &str) -> MessageId {
        let id = platform
            .discord
            .say(snowflake(place), platform.person, text);
        MessageId::new(id.to_string())
    }

    async fn bot_says(&self, platform: &Loopback, place: &Place, text: &str) -> bool {
        platform.discord.say(snowflake(place), platform.bot, text);
        true
    }

    async fn person_attaches(
        &self,
        platform: &Loopback,
        place: &Place,
        name: &str,
        content: &[u8],
    ) -> bool {
        let (channel, person) = (snowflake(place), platform.person);
        platform
            .discord
            .say_with_files(channel, person, "look", &[(name, content)]);
        true
    }

    async fn person_acts(
        &self,
        platform: &Loopback,
        _place: &Place,
        message: &MessageId,
        act: Act<'_>,
    ) {
        let message = Snowflake(message.as_str().parse().unwrap());
        let (discord, person) = (&platform.discord, platform.person);
        match act {
            Act::Press(label) => {
                discord.press_labelled(message, person, label);
            }
            Act::Choose(values) => {
                discord.choose(message, person, values);
            }
            Act::Fill(label, texts) => {
                let pressed = discord.press_labelled(message, person, label);
                discord.fill(pressed, texts).await;
            }
        }
    }

    async fn shown(&self, platform: &Loopback, place: &Place) -> Vec<Shown> {
        platform.discord.look(|world| {
            world
                .bot_messages(snowflake(place))
                .into_iter()
                .map(|message| Shown {
                    id: MessageId::new(message.id.to_string()),
                    text: message.text().to_owned(),
                    beside: beside(message),
                    notified: message.notified_everyone || !message.notified.is_empty(),
                    controls: controls(message),
                })
                .collect()
        })
    }
}

/// What an embed shows beside its text.
fn beside(message: &Message) -> String {
    let footer = message.embeds.first();
    let footer = footer.and_then(|embed| embed["footer"]["text"].as_str());
    let lines: Vec<&str> = message.embed_author().into_iter().chain(footer).collect();
    lines.join("\n")
}

/// What the components of a message say.
fn controls(message: &Message) -> Vec<String> {
    let rows = message.components.iter();
    let all = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let said = all.map(|component| match component["label"].as_str() {
        Some(label) => label,
        None => component["placeholder"].as_str().unwrap_or_default(),
    });
    said.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_bot_with_the_usual_permissions() {
    let mut permissions = Permission::BOT.to_vec();
    permissions.push(Permission::MentionEveryone);
    adapter::clauses(&Harness { permissions }).await;
}

#[tokio::test]
async fn a_bot_that_may_only_talk() {
    let permissions = vec![
        Permission::ViewChannel,
        Permission::SendMessages,
        Permission::MentionEveryone,
    ];
    adapter::clauses(&Harness { permissions }).await;
}
