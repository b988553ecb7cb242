//! Native commands and buttons, as people see them.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::AgentSpec;
use mpg_core::config::NamedAgent;
use mpg_core::id::{AgentName, UserId};
use mpg_testkit::discord::{Discord, Fault, Snowflake};
use serde_json::{Value, json};

use crate::subject::{Gateway, Server, script};

const COMMANDS: &str = "/applications/*/commands";

/// Ann alone may use the second project; both have an agent with a name.
async fn start() -> (Server, Gateway) {
    // What is slow here is the machine.
    let builder = Discord::builder().interaction_deadline(Duration::from_mins(5));
    let mut server = Server::with(builder, script).await;
    server.adjust = |server, project| {
        if project.name.as_str() == "two" {
            let ann = UserId::new(server.ann.to_string());
            project.access.users.insert(ann);
        }
        let pm = NamedAgent {
            role: "plans".to_owned(),
            color: None,
            agent: Arc::new(AgentSpec::default()),
            timeout: Duration::from_mins(3),
            budget: None,
        };
        project.agents.insert(AgentName::new("pm"), Arc::new(pm));
    };
    let gateway = server.gateway().await;
    server
        .discord
        .wait_for(|world| !world.commands(None).is_empty())
        .await;
    (server, gateway)
}

impl Server {
    fn command(&self, channel: Snowflake, name: &str, options: &[(&str, &str)]) -> Snowflake {
        self.discord
            .command(channel, self.ann, name, &options_of(options))
    }

    async fn public_reply(&self, used: Snowflake) -> String {
        self.discord
            .wait_for(|world| {
                let reply = world.interaction(used).and_then(|used| used.reply);
                let message = reply.and_then(|reply| world.message(reply));
                message.is_some_and(|message| !message.is_awaited())
            })
            .await;
        self.discord.public_reply(used).unwrap()
    }

    async fn private_reply(&self, used: Snowflake) -> String {
        self.discord
            .wait_until(|world| {
                let texts = world.interaction(used)?.private_texts();
                texts.first().map(|text| (*text).to_owned())
            })
            .await
    }

    async fn texts(&self, channel: Snowflake, count: usize) -> Vec<String> {
        self.discord
            .wait_until(|world| {
                let posts = world.bot_messages(channel);
                (posts.len() >= count)
                    .then(|| posts.iter().map(|post| post.text().to_owned()).collect())
            })
            .await
    }
}

fn options_of(options: &[(&str, &str)]) -> Value {
    let option = |(name, value): &(&str, &str)| json!({"name": name, "type": 3, "value": value});
    options.iter().map(option).collect()
}

#[tokio::test]
async fn a_native_command_says_what_its_text_says() {
    let (server, gateway) = start().await;
    for (name, options) in [
        ("help", &[("command", "agents")][..]),
        ("agents", &[]),
        ("session", &[]),
        ("session", &[("project", "two")]),
        ("kill", &[("project", "no such one")]),
    ] {
        let values = options.iter().map(|(_, value)| *value);
        let words: Vec<&str> = std::iter::once(name).chain(values).collect();
        let before = server.discord.bot_texts(server.one).len();
        server.say(server.one, &format!("!{}", words.join(" ")));
        let typed = server.texts(server.one, before + 1).await.pop().unwrap();
        let used = server.command(server.one, name, options);
        assert_eq!(server.public_reply(used).await, typed);
        assert_eq!(server.discord.private_replies(used), [""; 0]);
    }
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_for_who_asked_alone() {
    let (server, gateway) = start().await;
    let mallory = server.discord.add_user("mallory");
    let used = server
        .discord
        .command(server.two, mallory, "kill", &json!([]));
    let refused = server.private_reply(used).await;
    assert_eq!(refused, "you are not allowed to use this project");
    let typing = json!([{"name": "project", "type": 3, "value": "", "focused": true}]);
    let typing = server
        .discord
        .complete(server.two, mallory, "kill", &typing);
    let choices = server
        .discord
        .wait_until(|world| Some(world.interaction(typing)?.choices()?.len()))
        .await;
    assert_eq!(choices, 0);
    let elsewhere = server.discord.add_channel(server.guild, "elsewhere");
    let used = server.command(elsewhere, "help", &[]);
    let refused = server.private_reply(used).await;
    assert!(refused.contains("belongs to no project"), "{refused}");
    let message = server.discord.say_as_bot(server.one, "an old question");
    let pressed = server.discord.press(message, server.ann, "allow:1");
    let closed = server.private_reply(pressed).await;
    assert!(closed.contains("no longer open"), "{closed}");
    gateway.stop().await.unwrap();
    for channel in [server.two, elsewhere] {
        assert_eq!(server.discord.bot_texts(channel), [""; 0]);
    }
    assert_eq!(server.discord.bot_texts(server.one), ["an old question"]);
}

#[tokio::test]
async fn what_is_asked_natively_is_answered_in_a_thread_of_its_own() {
    let (server, gateway) = start().await;
    let task = [("agent", "pm"), ("task", "say planned")];
    let used = server.command(server.one, "ask", &task);
    let shown = server.public_reply(used).await;
    assert_eq!(shown, "`ann`: !ask pm say planned");
    let reply = server
        .discord
        .look(|world| world.interaction(used)?.reply)
        .unwrap();
    assert_eq!(server.answers(reply, 1).await, ["planned"]);
    server.sign(reply, "✅").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_interaction_that_comes_twice_is_answered_once() {
    let (server, gateway) = start().await;
    let used = server.command(server.one, "agents", &[]);
    server.discord.duplicate_dispatch();
    server.public_reply(used).await;
    // Behind both of them.
    server.say(server.one, "!agents");
    server.texts(server.one, 2).await;
    gateway.stop().await.unwrap();
    assert_eq!(server.discord.bot_texts(server.one).len(), 2);
    assert_eq!(server.discord.private_replies(used), [""; 0]);
}

#[tokio::test]
async fn a_restart_declares_nothing_anew_and_a_changed_table_does_once() {
    let (server, gateway) = start().await;
    gateway.stop().await.unwrap();
    let puts = || server.discord.call_count("PUT", COMMANDS);
    assert_eq!(puts(), 1);
    let gateway = server.gateway().await;
    server
        .discord
        .wait_for(|world| world.call_count("GET", COMMANDS) == 2)
        .await;
    gateway.stop().await.unwrap();
    assert_eq!(puts(), 1);
    // As an earlier version left it.
    server.discord.forget_command("help");
    let gateway = server.gateway().await;
    server
        .discord
        .wait_for(|world| world.call_count("PUT", COMMANDS) == 2)
        .await;
    gateway.stop().await.unwrap();
    let help = server.discord.look(|world| {
        let commands = world.commands(None).iter();
        commands.filter(|command| command["name"] == "help").count()
    });
    assert_eq!(help, 1);
}

#[tokio::test]
async fn a_reply_that_a_crash_held_up_comes_once() {
    for (fault, carried_out) in [(Fault::Hold, false), (Fault::HoldAnswer, true)] {
        let (server, gateway) = start().await;
        server.discord.fault("PATCH", "/webhooks/**", fault, 1);
        let used = server.command(server.one, "agents", &[]);
        server
            .discord
            .wait_for(|world| world.held_count() == 1)
            .await;
        gateway.kill().await;
        let gateway = server.gateway().await;
        server.texts(server.one, 1).await;
        // Behind whatever the start owes.
        server.say(server.one, "!help agents");
        let texts = server.texts(server.one, 2).await;
        gateway.stop().await.unwrap();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert_eq!(server.discord.bot_texts(server.one), texts);
        assert!(texts[0].contains("pm"), "{texts:?}");
        assert_eq!(server.discord.public_reply(used).is_some(), carried_out);
    }
}
