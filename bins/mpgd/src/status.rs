//! `mpgd status`: what the running gateway is doing.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mpg_core::wording::plural;

use crate::cli::{Global, ListOptions};
use crate::control::{AskError, Outcome, SocketPath, StatusView, Verb, ask};
use crate::exit::{self, Failure};
use crate::shown::{one_line, span};
use crate::{environment, run, state_dir};

/// How much of a name is shown, in characters.
const NAME: usize = 80;

pub(crate) fn status(global: &Global, options: &ListOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    let status = match run::runtime()?.block_on(ask(&socket, &Verb::Status)) {
        Ok(Outcome::Status(status)) => status,
        Ok(_) => {
            return Err(Failure::unexpected_answer());
        }
        Err(AskError::NotRunning) => {
            return Err(Failure::Refused(format!(
                "no gateway is running on {}; start it: mpgd run",
                directory.display()
            )));
        }
        Err(error) => return Err(error.into()),
    };
    exit::print(&if options.json {
        exit::json(&status)
    } else {
        text(&status)
    });
    Ok(ExitCode::SUCCESS)
}

fn text(status: &StatusView) -> String {
    let mut text = format!(
        "mpgd {}, process {}, up {}{}\n",
        one_line(&status.version, NAME),
        status.pid,
        span(Duration::from_secs(status.uptime_seconds)),
        if status.draining { ", ending" } else { "" },
    );
    // Writing to a string cannot fail.
    for link in &status.links {
        let platform = one_line(&link.platform, NAME);
        let _ = writeln!(text, "{platform}: {}", one_line(&link.state, NAME));
    }
    let _ = writeln!(
        text,
        "{}; {} running, {} waiting; {} on their way, {} undelivered",
        plural(status.conversations, "conversation"),
        plural(status.turns, "turn"),
        status.queued,
        plural(status.owed_posts, "post"),
        status.undelivered,
    );
    for active in &status.active {
        let _ = write!(
            text,
            "  {} in {}: {}",
            one_line(&active.project, NAME),
            one_line(&active.conversation, NAME),
            active.activity
        );
        if let Some(since) = &active.since {
            let _ = write!(text, " since {since}");
        }
        if let Some(until) = &active.until {
            let _ = write!(text, " until {until}");
        }
        if active.queued > 0 {
            let _ = write!(text, ", {} waiting", active.queued);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ActiveView, LinkView};

    #[test]
    fn a_status_is_short() {
        let active = |activity: &str, since: Option<&str>, queued| ActiveView {
            conversation: "chat:1#2".to_owned(),
            project: "shop".to_owned(),
            session: None,
            activity: activity.to_owned(),
            since: since.map(str::to_owned),
            until: None,
            queued,
        };
        let status = StatusView {
            pid: 4_711,
            version: "1.2.3".to_owned(),
            uptime_seconds: 100_000,
            draining: true,
            conversations: 12,
            turns: 1,
            queued: 3,
            owed_posts: 2,
            undelivered: 1,
            links: vec![LinkView {
                platform: "chat".to_owned(),
                connected: false,
                state: "degraded: no\nnetwork".to_owned(),
            }],
            active: vec![
                active("working", Some("2026-03-01T10:20:30Z"), 2),
                active("waiting", None, 0),
            ],
        };
        insta::assert_snapshot!(text(&status), @r"
        mpgd 1.2.3, process 4711, up 1d 3h, ending
        chat: degraded: no network
        12 conversations; 1 turn running, 3 waiting; 2 posts on their way, 1 undelivered
          shop in chat:1#2: working since 2026-03-01T10:20:30Z, 2 waiting
          shop in chat:1#2: waiting
        ");
    }
}
