//! What the dashboard shows of the configuration besides projects: where secrets come from, never
//! what they are.

use mpg_config::Settings;
use mpg_discord::config::{TableSettings, TokenSource};
use mpg_web::Listing;

use crate::shown::span;

/// All that is set besides projects.
pub(crate) fn listings(
    path: &str,
    state_dir: &str,
    settings: &Settings,
    discord: Option<&TableSettings>,
) -> Vec<Listing> {
    let listen = settings.http.listen;
    let mut listings = vec![
        listing(
            "Gateway",
            [
                ("file", path.to_owned()),
                ("state", state_dir.to_owned()),
                ("drain-limit", span(settings.drain_limit)),
            ],
        ),
        listing(
            "Log",
            [
                ("level", settings.log.level.to_string()),
                (
                    "dir",
                    settings
                        .log
                        .dir
                        .clone()
                        .unwrap_or_else(|| "the state's own".to_owned()),
                ),
            ],
        ),
        listing(
            "HTTP",
            [
                (
                    "listen",
                    listen.map_or_else(|| "false".to_owned(), |address| address.to_string()),
                ),
                ("hosts", list(&settings.http.hosts)),
            ],
        ),
        listing("Claude", [("command", settings.claude.command.clone())]),
    ];
    listings.extend(discord.map(of_discord));
    listings
}

fn of_discord(table: &TableSettings) -> Listing {
    let token = match &table.token {
        TokenSource::Env(name) => format!("from the variable {name}"),
        TokenSource::File(file) => format!("from the file {file}"),
        // What its arguments are may be a secret.
        TokenSource::Command(command) => format!(
            "what {} prints",
            command
                .first()
                .and_then(|program| program.split_whitespace().next())
                .unwrap_or("a command")
        ),
    };
    let address =
        |address: &Option<String>| address.clone().unwrap_or_else(|| "as usual".to_owned());
    let limit = table.requests_per_second;
    listing(
        "Discord",
        [
            ("token", token),
            ("api-url", address(&table.api_url)),
            ("gateway-url", address(&table.gateway_url)),
            (
                "requests-per-second",
                limit.map_or_else(|| "as usual".to_owned(), |limit| limit.to_string()),
            ),
            ("native-commands", table.native_commands.to_string()),
            ("attachment-hosts", list(&table.attachment_hosts)),
        ],
    )
}

fn listing<const N: usize>(title: &str, rows: [(&str, String); N]) -> Listing {
    Listing {
        title: title.to_owned(),
        rows: rows.map(|(key, value)| (key.to_owned(), value)).into(),
    }
}

fn list(all: &[String]) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_by_where_it_comes_from() {
        let shown = |token| {
            let listing = of_discord(&TableSettings {
                token,
                api_url: None,
                gateway_url: None,
                requests_per_second: Some(40),
                native_commands: true,
                attachment_hosts: Vec::new(),
            });
            listing.rows[0].1.clone()
        };
        for (source, expected) in [
            (TokenSource::Env("X".to_owned()), "from the variable X"),
            (TokenSource::File("/x".to_owned()), "from the file /x"),
            (
                TokenSource::Command(vec!["pass show secret".to_owned()]),
                "what pass prints",
            ),
            (
                TokenSource::Command(vec!["pass".to_owned(), "secret".to_owned()]),
                "what pass prints",
            ),
            (TokenSource::Command(Vec::new()), "what a command prints"),
        ] {
            assert_eq!(shown(source), expected);
        }
    }
}
