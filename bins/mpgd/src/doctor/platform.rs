//! The platform: whether it takes the token, whether the bot may read, and what it may do in each
//! channel that is mapped.

use std::time::Duration;

use jiff::SignedDuration;
use mpg_core::id::ChannelKey;
use mpg_discord::config::TableSettings;
use mpg_discord::{Bot, Probe, ProbeError, TextChannel, intents_url, invite_url};
use tokio::time::timeout;

use super::finding::Finding;
use crate::configuration::Configuration;
use crate::secret;
use crate::shown::{one_line, span};

/// How long all questions together may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much of a name that others gave is shown, in characters.
const NAME: usize = 100;

/// How far the clock may be off before somebody should know.
const LITTLE: SignedDuration = SignedDuration::from_secs(10);

/// How far it may be off before certificates and ids made from it are wrong.
const MUCH: SignedDuration = SignedDuration::from_mins(5);

const TOKEN: &str = "token";

pub(super) async fn examine(configuration: &Configuration) -> Vec<Finding> {
    let Some(table) = &configuration.discord else {
        return Vec::new();
    };
    let asked = timeout(PATIENCE, ask(configuration, table)).await;
    asked.unwrap_or_else(|_| {
        vec![Finding::fail(
            TOKEN,
            format!("Discord did not answer within {}", span(PATIENCE)),
            "look at the network, the proxy, and `api-url`",
        )]
    })
}

async fn ask(configuration: &Configuration, table: &TableSettings) -> Vec<Finding> {
    let token = match secret::token(&table.token, &configuration.environment).await {
        Ok(token) => token,
        Err(failure) => {
            let help = "set the variable, write the file, or run: mpgd init";
            return vec![Finding::fail(TOKEN, failure.to_string(), help)];
        }
    };
    let probe = match Probe::new(&token, table.api_url.as_deref()) {
        Ok(probe) => probe,
        Err(error) => {
            let help = "look at the token and at `api-url`";
            return vec![Finding::fail(TOKEN, error.to_string(), help)];
        }
    };
    let bot = match probe.bot().await {
        Ok(bot) => bot,
        Err(error) => return vec![unknown_bot(&error)],
    };
    let mut findings = vec![
        Finding::ok(
            TOKEN,
            format!("it is that of {}", one_line(&bot.name, NAME)),
        ),
        intents(&bot),
    ];
    findings.extend(probe.clock_ahead().map(clock));
    let routing = &configuration.config.routing;
    let mapped = routing
        .channels()
        .filter(|(channel, _)| channel.platform.as_str() == mpg_discord::PLATFORM);
    let mapped: Vec<_> = mapped.collect();
    let mut rights = probe
        .rights(mapped.iter().map(|(channel, _)| &channel.channel))
        .await;
    for (channel, project) in mapped {
        if let Some(found) = rights.remove(&channel.channel) {
            findings.push(right(channel, project.as_str(), found, &bot));
        }
    }
    findings
}

fn unknown_bot(error: &ProbeError) -> Finding {
    match error {
        ProbeError::Token => Finding::failed(TOKEN, error.to_string()),
        ProbeError::Refused(_) | ProbeError::Unknown | ProbeError::Unreachable(_) => Finding::fail(
            TOKEN,
            error.to_string(),
            "look at the network, the proxy, and `api-url`",
        ),
    }
}

fn intents(bot: &Bot) -> Finding {
    let check = "intents";
    if bot.reads_messages {
        return Finding::ok(check, "the Message Content Intent is on");
    }
    Finding::fail(
        check,
        "the Message Content Intent is off, and without it Discord refuses the connection",
        format!("switch it on at {}", intents_url(&bot.application)),
    )
}

fn clock(ahead: SignedDuration) -> Finding {
    let check = "clock";
    let off = ahead.abs();
    let way = if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let what = format!(
        "it is {} {way} Discord's",
        span(Duration::try_from(off).unwrap_or_default())
    );
    let help = "set it, and keep it set: timedatectl set-ntp true";
    if off >= MUCH {
        Finding::fail(check, what, help)
    } else if off >= LITTLE {
        Finding::warn(check, what, help)
    } else {
        Finding::ok(check, "it is as Discord's")
    }
}

fn right(
    channel: &ChannelKey,
    project: &str,
    found: Result<TextChannel, ProbeError>,
    bot: &Bot,
) -> Finding {
    let check = "channel";
    let invite = || {
        format!(
            "give the bot the permission there, or add it to the server: {}",
            invite_url(&bot.application, false)
        )
    };
    let text = match found {
        Ok(text) => text,
        Err(ProbeError::Unknown) => {
            let what = format!(
                "{channel} of {project} is not there, or the bot may not see it: no message of \
                 it is answered"
            );
            return Finding::fail(check, what, invite());
        }
        Err(error) => {
            let what = format!("{channel} of {project} cannot be looked at: {error}");
            return Finding::fail(check, what, "look again in a moment");
        }
    };
    let name = one_line(&text.name, NAME);
    let missing: Vec<String> = text
        .missing
        .iter()
        .map(|need| format!("{} ({})", need.name, need.without))
        .collect();
    let what = format!(
        "{channel} (#{name}) of {project} lacks {}",
        missing.join(", ")
    );
    if missing.is_empty() {
        Finding::ok(check, format!("{channel} (#{name}) of {project}"))
    } else if text.missing.iter().any(|need| need.vital) {
        Finding::fail(check, what, invite())
    } else {
        Finding::warn(check, what, invite())
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::id::{ChannelId, PlatformId};

    use super::*;
    use crate::doctor::finding::text;

    #[test]
    fn a_bot_without_rights_and_a_clock_that_is_off_are_said() {
        let bot = Bot {
            id: "1".to_owned(),
            name: "bot".to_owned(),
            application: "42".to_owned(),
            reads_messages: false,
        };
        let id = ChannelId::new("7");
        let channel = ChannelKey::new(PlatformId::new(mpg_discord::PLATFORM), id.clone());
        let errors = [
            ProbeError::Token,
            ProbeError::Unreachable("no route".to_owned()),
        ];
        let mut findings: Vec<Finding> = errors.iter().map(unknown_bot).collect();
        findings.push(intents(&bot));
        findings.extend([3, -30, 400].map(|off| clock(SignedDuration::from_secs(off))));
        let whole = TextChannel {
            id,
            name: "general\n".to_owned(),
            missing: Vec::new(),
        };
        for found in [
            Ok(whole),
            Err(ProbeError::Unknown),
            Err(ProbeError::Unreachable("no route".to_owned())),
        ] {
            findings.push(right(&channel, "one", found, &bot));
        }
        insta::assert_snapshot!(text(&findings));
    }
}
