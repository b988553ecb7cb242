//! `mpgd routes`: what would become of a made-up message.

use std::fmt::Write as _;
use std::process::ExitCode;

use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place, PlatformId, ThreadId, UserId};
use mpg_core::message::{Author, AuthorKind, Message, Role};
use mpg_core::route::{ThreadView, route};

use crate::cli::{Global, MadeUp};
use crate::configuration::Configuration;
use crate::exit::{self, Failure};

pub(crate) fn routes(global: &Global, made_up: &MadeUp) -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(global)?;
    let table = &configuration.config.routing;
    let channels = match &made_up.channel {
        Some(channel) => vec![parse_channel(channel)?],
        None => table
            .channels()
            .map(|(channel, _)| channel.clone())
            .collect(),
    };
    let mut text = String::new();
    for channel in channels {
        let message = message(&channel, made_up);
        let decision = route(table, &ThreadView::default(), &message);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} -> {decision}", message.place);
    }
    exit::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn parse_channel(text: &str) -> Result<ChannelKey, Failure> {
    match text.split_once(':') {
        Some((platform, channel)) if !platform.is_empty() && !channel.is_empty() => Ok(
            ChannelKey::new(PlatformId::new(platform), ChannelId::new(channel)),
        ),
        Some(_) | None => Err(Failure::Usage(format!(
            "{text:?} is no channel; write it as in the configuration, such as discord:1234"
        ))),
    }
}

fn message(channel: &ChannelKey, made_up: &MadeUp) -> Message {
    Message {
        place: Place {
            channel: channel.clone(),
            thread: made_up.thread.as_deref().map(ThreadId::new),
        },
        id: MessageId::new("1"),
        author: Author {
            id: UserId::new(made_up.user.as_str()),
            name: made_up.user.clone(),
            kind: if made_up.bot {
                AuthorKind::Bot
            } else {
                AuthorKind::Human
            },
            roles: made_up
                .role
                .iter()
                .map(|role| Role {
                    id: role.clone(),
                    name: Some(role.clone()),
                })
                .collect(),
        },
        text: made_up.message.clone(),
        attachments: Vec::new(),
    }
}
