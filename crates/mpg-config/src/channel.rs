//! Which channels lead to which project.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use mpg_core::id::{ChannelId, ChannelKey, PlatformId};

use crate::load::Platform;
use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::{closest, listed, quoted};

/// The longest name of a channel, in bytes.
const LENGTH_LIMIT: usize = 200;

/// The channels that were claimed so far, and where.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<ChannelKey, Range<usize>>);

impl Claims {
    /// Reads the channels of one project and claims them for it; reports those that were claimed
    /// before, by whichever project.
    pub(crate) fn take(
        &mut self,
        channels: &At<Vec<At<String>>>,
        platforms: &[Platform<'_>],
        problems: &mut Problems,
    ) -> BTreeSet<ChannelKey> {
        let names: Vec<&str> = platforms.iter().map(|platform| platform.name).collect();
        let mut taken = BTreeSet::new();
        for channel in &channels.value {
            let key = match parse(&channel.value, &names) {
                Ok(key) => key,
                Err((message, help)) => {
                    problems.error(Problem::new(channel.span.clone(), message).with_help(help));
                    continue;
                }
            };
            let platform = platforms.iter().find(|p| p.name == key.platform.as_str());
            if let Some(help) = platform.and_then(|p| (p.check_channel)(key.channel.as_str())) {
                let message = format!("{} names no channel", quoted(&channel.value));
                problems.error(Problem::new(channel.span.clone(), message).with_help(help));
                continue;
            }
            if let Some(first) = self.0.get(&key) {
                problems.error(
                    Problem::new(
                        first.clone(),
                        format!("channel {} is claimed twice", quoted(&channel.value)),
                    )
                    .with_label("first claimed here")
                    .and_at(channel.span.clone(), "and again here")
                    .with_help("a channel leads to exactly one project"),
                );
                continue;
            }
            self.0.insert(key.clone(), channel.span.clone());
            taken.insert(key);
        }
        taken
    }
}

fn parse(text: &str, platforms: &[&str]) -> Result<ChannelKey, (String, String)> {
    let example = platforms.first().copied().unwrap_or("platform");
    let form = format!("write it as `platform:id`, such as \"{example}:123456789012345678\"");
    let Some((platform, channel)) = text.split_once(':') else {
        return Err((format!("{} names no platform", quoted(text)), form));
    };
    if !platforms.contains(&platform) {
        let help = match closest(platform, platforms.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known are {}", listed(platforms.iter().copied())),
        };
        return Err((format!("{} is no known platform", quoted(platform)), help));
    }
    let fits = |c: char| !c.is_control() && !c.is_whitespace();
    if channel.is_empty() || channel.len() > LENGTH_LIMIT || !channel.chars().all(fits) {
        return Err((format!("{} names no channel", quoted(text)), form));
    }
    Ok(ChannelKey::new(
        PlatformId::new(platform),
        ChannelId::new(channel),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_platform_and_a_channel() {
        let platforms = ["discord", "console"];
        let table = [
            ("discord:123", Ok("discord:123")),
            ("discord:a:b", Ok("discord:a:b")),
            ("123", Err("`123` names no platform")),
            ("", Err("`` names no platform")),
            ("discord:", Err("`discord:` names no channel")),
            ("discord: 1", Err("`discord: 1` names no channel")),
            ("discrod:1", Err("`discrod` is no known platform")),
            (":1", Err("`` is no known platform")),
        ];
        for (text, expected) in table {
            let parsed = parse(text, &platforms);
            let parsed = parsed.as_ref().map(ToString::to_string);
            let parsed = parsed.as_deref().map_err(|(message, _)| message.as_str());
            assert_eq!(parsed, expected, "{text}");
        }
    }
}
