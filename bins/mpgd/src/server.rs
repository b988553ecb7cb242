//! The bot and the server that it is in: the token is tried, the bot is invited, and its channels
//! are found by their names.

use std::time::Duration;

use mpg_core::wording::plural;
use mpg_discord::{Bot, Probe, ProbeError, Server, TextChannel, Token, intents_url, invite_url};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::exit::{self, Failure};
use crate::prompt::{Prompt, Question};
use crate::shown::one_line;

/// How often it is looked whether the bot was added to a server.
const BETWEEN: Duration = Duration::from_secs(2);

/// How many failures in a row are passed over while that is waited for.
const FAILURES: usize = 5;

/// How much of a name that others gave is shown, in characters.
const NAME: usize = 100;

/// A bot whose token is taken.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) probe: Probe,
    pub(crate) bot: Bot,
}

/// A server that the bot is in, with the channels that it can see.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) server: Server,
    pub(crate) channels: Vec<TextChannel>,
}

impl<'a> Account<'a> {
    /// Tries a token.
    pub(crate) fn open(
        runtime: &'a Runtime,
        token: &Token,
        api_url: Option<&str>,
    ) -> Result<Self, ProbeError> {
        runtime.block_on(async {
            let probe = Probe::new(token, api_url)
                .map_err(|error| ProbeError::Refused(error.to_string()))?;
            let bot = probe.bot().await?;
            Ok(Self {
                runtime,
                probe,
                bot,
            })
        })
    }

    /// Says where the message content intent is switched on, if it is off, until it is or nobody
    /// can be asked. Returns whether it is on.
    pub(crate) fn need_messages(&mut self, prompt: &mut dyn Prompt) -> Result<bool, Failure> {
        while !self.bot.reads_messages {
            exit::print(&format!(
                "the Message Content Intent is off, and without it Discord refuses the \
                 connection\n  switch it on, and save: {}\n",
                intents_url(&self.bot.application)
            ));
            let question = Question {
                text: "Look again?",
                flag: "--yes",
            };
            if !prompt.is_answered() || !prompt.confirm(question, true)? {
                return Ok(false);
            }
            self.bot = self.runtime.block_on(self.probe.bot())?;
        }
        Ok(true)
    }

    /// The link that adds the bot to a server.
    pub(crate) fn invitation(&self, manage_channels: bool) -> String {
        invite_url(&self.bot.application, manage_channels)
    }

    /// The servers that the bot is in; where there are none, invites it and waits, unless told not
    /// to.
    pub(crate) fn servers(
        &self,
        wait: bool,
        manage_channels: bool,
    ) -> Result<Vec<Server>, Failure> {
        let servers = self.runtime.block_on(self.probe.servers())?;
        exit::print(&format!(
            "{}\n  {}\n",
            if servers.is_empty() {
                "add the bot to your server with this link:"
            } else {
                "this link adds the bot to another server, or gives it what it may do:"
            },
            self.invitation(manage_channels)
        ));
        if !servers.is_empty() || !wait {
            return Ok(servers);
        }
        exit::print("waiting until it is there (ctrl-c ends; --no-wait goes on without)\n");
        self.runtime.block_on(self.joined())
    }

    async fn joined(&self) -> Result<Vec<Server>, Failure> {
        let mut failures = 0;
        loop {
            sleep(BETWEEN).await;
            match self.probe.servers().await {
                Ok(servers) if servers.is_empty() => failures = 0,
                Ok(servers) => return Ok(servers),
                Err(ProbeError::Unreachable(_)) if failures < FAILURES => failures += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One of the servers: the named one, the only one, or the one that is picked.
    pub(crate) fn pick(
        &self,
        servers: Vec<Server>,
        named: Option<&str>,
        prompt: &mut dyn Prompt,
    ) -> Result<Option<Joined>, Failure> {
        let choices: Vec<String> = servers
            .iter()
            .map(|server| one_line(&server.name, NAME))
            .collect();
        let index = match named {
            Some(named) => {
                let fits = |server: &Server| server.id == named || server.name == named;
                let found = servers.iter().position(fits);
                Some(found.ok_or_else(|| {
                    let known = choices.join(", ");
                    Failure::Refused(format!("the bot is not in {named}; it is in: {known}"))
                })?)
            }
            None if servers.len() <= 1 => (!servers.is_empty()).then_some(0),
            None => {
                let question = Question {
                    text: "Which server?",
                    flag: "--server",
                };
                Some(prompt.choose(question, &choices, None)?)
            }
        };
        let Some(server) = index.and_then(|index| servers.into_iter().nth(index)) else {
            return Ok(None);
        };
        let channels = self.channels(&server)?;
        exit::print(&format!(
            "in {}, with {}\n",
            one_line(&server.name, NAME),
            plural(channels.len(), "text channel")
        ));
        Ok(Some(Joined { server, channels }))
    }

    /// The text channels of a server that the bot can see.
    pub(crate) fn channels(&self, server: &Server) -> Result<Vec<TextChannel>, ProbeError> {
        self.runtime.block_on(self.probe.channels(&server.id))
    }

    /// Makes a channel.
    pub(crate) fn create(&self, server: &Server, name: &str) -> Result<TextChannel, Failure> {
        let made = self.probe.create_channel(&server.id, name);
        match self.runtime.block_on(made) {
            Ok(channel) => {
                exit::print(&format!("made #{}\n", one_line(&channel.name, NAME)));
                Ok(channel)
            }
            Err(ProbeError::Refused(why)) => Err(Failure::Refused(format!(
                "the channel {name} was not made: {why}\n  help: make it yourself, or let the bot \
                 manage channels with {}",
                self.invitation(true)
            ))),
            Err(error) => Err(error.into()),
        }
    }
}
