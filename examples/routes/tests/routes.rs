//! What becomes of which message under `mpg.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mpg_config::{Input, Overrides, Platform, Style, load};
use mpg_core::config::RoutingTable;
use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, UserId};
use mpg_core::message::{Author, AuthorKind, Message, Role};
use mpg_core::route::{ThreadView, route};

/// The file under test.
const FILE: &str = include_str!("../mpg.toml");

/// The platform of its channels.
const PLATFORM: &str = "discord";

/// Who speaks where, with which roles, and what is said.
const CASES: [(&str, &str, &[&str], &str); 11] = [
    ("100000000000000001", "ann", &["dev"], "fix the login test"),
    ("100000000000000002", "ann", &["dev"], "!sessions"),
    ("100000000000000001", "bob", &[], "fix the login test"),
    ("100000000000000001", "bob", &["editors"], "!kill rallyhub"),
    (
        "100000000000000003",
        "200000000000000001",
        &[],
        "is it up to date?",
    ),
    (
        "100000000000000003",
        "cleo",
        &["editors"],
        "is it up to date?",
    ),
    ("100000000000000003", "ann", &["dev"], "is it up to date?"),
    ("100000000000000004", "anybody", &[], "hello"),
    ("100000000000000004", "anybody", &[], "!hello"),
    ("100000000000000004", "anybody", &[], "   "),
    ("100000000000000009", "ann", &["dev"], "hello"),
];

#[test]
fn routes() {
    let table = table();
    let mut text = String::new();
    for (channel, user, roles, said) in CASES {
        let message = message(channel, user, roles, said);
        let decision = route(&table, &ThreadView::default(), &message);
        let project = table.project_of(&message.place.channel);
        let project = project.map_or("no project", |project| project.name.as_str());
        writeln!(text, "{channel} ({project}) {user} {roles:?}: {said:?}").unwrap();
        writeln!(text, "    -> {decision}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_channel_of_the_file_has_a_case() {
    for (channel, project) in table().channels() {
        let name = channel.channel.as_str();
        let tried = CASES.iter().any(|(case, ..)| *case == name);
        assert!(tried, "{project} is reached through {name}");
    }
}

fn table() -> RoutingTable {
    // The platform's own table is the business of its adapter.
    let platform = Platform::unchecked(PLATFORM);
    let input = Input {
        source_name: "mpg.toml",
        text: FILE,
        env: &BTreeMap::from([("HOME".to_owned(), "/home/you".to_owned())]),
        platforms: &[platform],
        overrides: &Overrides::default(),
        // Nor do the directories have to be on the machine that runs the test.
        directory_exists: &|_| true,
    };
    match load(&input) {
        Ok(loaded) => loaded.config.routing,
        Err(error) => panic!("{}", error.report().render(Style::Plain)),
    }
}

fn message(channel: &str, user: &str, roles: &[&str], said: &str) -> Message {
    let channel = ChannelKey::new(PlatformId::new(PLATFORM), ChannelId::new(channel));
    let role = |name: &&str| Role {
        id: String::new(),
        name: Some((*name).to_owned()),
    };
    Message {
        place: Place::channel(channel),
        id: MessageId::new("1"),
        author: Author {
            id: UserId::new(user),
            name: user.to_owned(),
            kind: AuthorKind::Human,
            roles: roles.iter().map(role).collect(),
        },
        text: said.to_owned(),
        attachments: Vec::new(),
    }
}
