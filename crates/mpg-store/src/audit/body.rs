//! What an entry says, as JSON whose members are in a fixed order.

use mpg_core::audit::{Actor, Deed, Text};
use mpg_core::id::{Root, RootId};
use serde_json::{Map, Value, json};

pub(super) fn write(deed: &Deed) -> String {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("act", json!(deed.act.name()));
    put("actor", actor(&deed.actor));
    if let Some(project) = &deed.project {
        put("project", json!(project.as_str()));
    }
    if let Some(root) = &deed.root {
        put("thread", json!(thread(root)));
    }
    if let Some(agent) = &deed.agent {
        put("agent", json!(agent.as_str()));
    }
    if !deed.about.is_empty() {
        put("about", json!(deed.about));
    }
    match &deed.text {
        None => {}
        Some(Text::Plain(text)) => put("text", json!(text)),
        Some(Text::Hash(hash)) => put("text_sha256", json!(super::hex(hash))),
    }
    Value::Object(body).to_string()
}

fn actor(actor: &Actor) -> Value {
    let kind = actor.kind();
    match actor {
        Actor::Person { platform, id, name } => json!({
            "kind": kind, "platform": platform.as_str(), "id": id.as_str(), "name": name,
        }),
        Actor::Token { id, name } => json!({"kind": kind, "id": id, "name": name}),
        Actor::Local { user } => json!({"kind": kind, "name": user}),
        Actor::Platform(platform) => json!({"kind": kind, "platform": platform.as_str()}),
        Actor::Gateway => json!({"kind": kind}),
    }
}

/// A thread, as it is named in an address.
fn thread(root: &RootId) -> String {
    let channel = &root.channel;
    match &root.root {
        Root::Channel => format!("{}:{}", channel.platform, channel.channel),
        Root::Message(message) => format!("{}:{}~{message}", channel.platform, channel.channel),
        Root::Aside(message) => format!("{}:{}~~{message}", channel.platform, channel.channel),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use mpg_core::audit::Act;
    use mpg_core::id::{
        AgentName, ChannelId, ChannelKey, MessageId, PlatformId, ProjectName, UserId,
    };

    use super::*;

    #[test]
    fn a_deed_is_one_line_of_json() {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
        let deed = Deed {
            at: Timestamp::UNIX_EPOCH,
            actor: Actor::Person {
                platform: PlatformId::new("chat"),
                id: UserId::new("7"),
                name: "Ann \"A\"".to_owned(),
            },
            act: Act::Asked,
            project: Some(ProjectName::new("demo")),
            root: Some(RootId::of_message(channel, MessageId::new("1"))),
            agent: Some(AgentName::new("pm")),
            about: "turn 1".to_owned(),
            text: Some(Text::Plain("do\nit".to_owned())),
        };
        let expected = r#"{"about":"turn 1","act":"asked","actor":{"id":"7","kind":"person","name":"Ann \"A\"","platform":"chat"},"agent":"pm","project":"demo","text":"do\nit","thread":"chat:general~1"}"#;
        assert_eq!(write(&deed), expected);
    }
}
