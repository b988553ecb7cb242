//! What is asked before there is a connection.

use mpg_core::id::ChannelId;
use mpg_discord::{Probe, ProbeError, Token};
use mpg_testkit::discord::{Discord, Fault, Permission};

fn probe(discord: &Discord, token: &str) -> Probe {
    Probe::new(&Token::new(token), Some(&discord.origin())).unwrap()
}

#[tokio::test]
async fn whose_token_it_is() {
    let discord = Discord::start().await;
    let bot = probe(&discord, discord.token()).bot().await.unwrap();
    assert_eq!(bot.id, discord.bot().to_string());
    assert_eq!(bot.name, "mpg");
    assert!(bot.reads_messages);
    let wrong = probe(&discord, "wrong").bot().await;
    assert_eq!(wrong, Err(ProbeError::Token));

    let discord = Discord::builder().message_content_off().start().await;
    let bot = probe(&discord, discord.token()).bot().await.unwrap();
    assert!(!bot.reads_messages);
}

#[tokio::test]
async fn where_the_bot_is_and_what_it_may_not_do_there() {
    let discord = Discord::start().await;
    let probe = probe(&discord, discord.token());
    assert_eq!(probe.servers().await, Ok(Vec::new()));
    let guild = discord.add_guild("shop").to_string();
    let nobody = discord.bot();
    let servers = probe.servers().await.unwrap();
    assert_eq!(servers.len(), 1);
    assert_eq!(
        (servers[0].id.as_str(), servers[0].name.as_str()),
        (guild.as_str(), "shop")
    );
    let guild_id = guild.parse().unwrap();
    let open = discord.add_channel(guild_id, "open");
    let quiet = discord.add_channel(guild_id, "quiet");
    let hidden = discord.add_channel(guild_id, "hidden");
    discord.add_channel_of_kind(guild_id, "voice", 2);
    discord.deny_permission(quiet, Permission::SendMessages);
    discord.deny_permission(hidden, Permission::ViewChannel);

    let channels = probe.channels(&guild).await.unwrap();
    let lacks: Vec<(&str, Vec<&str>)> = channels
        .iter()
        .map(|channel| {
            let missing = channel.missing.iter().map(|need| need.name);
            (channel.name.as_str(), missing.collect())
        })
        .collect();
    assert_eq!(lacks, [("open", vec![]), ("quiet", vec!["Send Messages"])]);

    let asked = [open, quiet, nobody].map(|id| ChannelId::new(id.to_string()));
    let rights = probe.rights(&asked).await;
    assert!(rights[&asked[0]].as_ref().unwrap().missing.is_empty());
    assert!(rights[&asked[1]].as_ref().unwrap().missing[0].vital);
    assert_eq!(rights[&asked[2]], Err(ProbeError::Unknown));
    let nowhere = probe.channels("7").await;
    assert_eq!(nowhere, Err(ProbeError::Unknown));
}

#[tokio::test]
async fn an_api_that_fails_is_no_refusal() {
    let discord = Discord::start().await;
    let probe = probe(&discord, discord.token());
    discord.fault("GET", "/users/@me", Fault::Status(503), 1);
    let failed = probe.bot().await;
    assert!(
        matches!(failed, Err(ProbeError::Unreachable(_))),
        "{failed:?}"
    );
}
