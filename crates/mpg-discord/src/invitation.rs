//! What the bot needs to be allowed, and the link that asks a server for exactly that.

use twilight_model::guild::Permissions;

/// Where a bot is added to a server.
///
/// Source: the page on `OAuth2` of Discord's documentation.
const AUTHORIZE: &str = "https://discord.com/oauth2/authorize";

/// A permission that the adapter uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The permission.
    pub(crate) permission: Permissions,
    /// What Discord's settings call it.
    pub name: &'static str,
    /// What happens without it.
    pub without: &'static str,
    /// Whether a channel cannot be used at all without it.
    pub vital: bool,
}

/// Every permission that the adapter uses.
pub(crate) const NEEDS: [Need; 9] = [
    Need {
        permission: Permissions::VIEW_CHANNEL,
        name: "View Channels",
        without: "no message is seen",
        vital: true,
    },
    Need {
        permission: Permissions::SEND_MESSAGES,
        name: "Send Messages",
        without: "nothing can be answered in the channel",
        vital: true,
    },
    Need {
        permission: Permissions::CREATE_PUBLIC_THREADS,
        name: "Create Public Threads",
        without: "all messages are one conversation, answered in the channel",
        vital: false,
    },
    Need {
        permission: Permissions::SEND_MESSAGES_IN_THREADS,
        name: "Send Messages in Threads",
        without: "nothing is answered in threads",
        vital: false,
    },
    Need {
        permission: Permissions::READ_MESSAGE_HISTORY,
        name: "Read Message History",
        without: "messages of a time without connection are not found, and no sign is put on any",
        vital: false,
    },
    Need {
        permission: Permissions::ADD_REACTIONS,
        name: "Add Reactions",
        without: "no sign on a message says what became of it",
        vital: false,
    },
    Need {
        permission: Permissions::EMBED_LINKS,
        name: "Embed Links",
        without: "agents have no colours",
        vital: false,
    },
    Need {
        permission: Permissions::ATTACH_FILES,
        name: "Attach Files",
        without: "agents cannot send files",
        vital: false,
    },
    Need {
        permission: Permissions::PIN_MESSAGES,
        name: "Pin Messages",
        without: "the message that tells what the threads of a channel do is not pinned",
        vital: false,
    },
];

/// Makes the link that adds the bot to a server, with the permissions that it uses and no others.
///
/// With `manage_channels`, it may make channels besides.
pub fn invite_url(application: &str, manage_channels: bool) -> String {
    let extra = if manage_channels {
        Permissions::MANAGE_CHANNELS
    } else {
        Permissions::empty()
    };
    let permissions = NEEDS
        .iter()
        .fold(extra, |all, need| all | need.permission)
        .bits();
    format!(
        "{AUTHORIZE}?client_id={application}&scope=bot+applications.commands\
         &permissions={permissions}"
    )
}

/// Makes the address at which an application's message content intent is switched on.
pub fn intents_url(application: &str) -> String {
    format!("https://discord.com/developers/applications/{application}/bot")
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../README.md");

    #[test]
    fn the_readme_names_the_permissions() {
        let mut names = NEEDS.map(|need| need.name).to_vec();
        let last = names.pop().unwrap();
        let sentence = format!("permissions {} and {last};", names.join(", "));
        let words: Vec<_> = README.split_whitespace().collect();
        assert!(
            words.join(" ").contains(&sentence),
            "README.md does not say: {sentence}"
        );
    }

    #[test]
    fn the_link_asks_for_what_is_used() {
        let asked = |url: &str| {
            let (_, bits) = url.split_once("permissions=").unwrap();
            Permissions::from_bits_truncate(bits.parse().unwrap())
        };
        let url = invite_url("42", false);
        insta::assert_snapshot!(url, @"https://discord.com/oauth2/authorize?client_id=42&scope=bot+applications.commands&permissions=2252109051448384");
        let least = asked(&url);
        for need in NEEDS {
            assert!(least.contains(need.permission), "{}", need.name);
        }
        assert!(!least.contains(Permissions::ADMINISTRATOR));
        assert_eq!(
            asked(&invite_url("42", true)) - least,
            Permissions::MANAGE_CHANNELS
        );
    }
}
