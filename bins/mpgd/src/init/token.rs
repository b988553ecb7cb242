//! The bot's token: where it comes from, and where it will be found.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use mpg_config::expand_home;
use mpg_discord::config::{DEFAULT_TOKEN_ENV, TokenSource};
use mpg_discord::{ProbeError, Token};
use tokio::runtime::Runtime;

use crate::cli::TokenOptions;
use crate::configuration::absolute;
use crate::document::TokenPlace;
use crate::exit::{self, Failure};
use crate::prompt::{Prompt, Question};
use crate::secret;
use crate::server::Account;

/// How often somebody is asked for a token that is taken.
const ATTEMPTS: usize = 5;

/// The longest line of standard input that is read, in bytes.
const MAX_LINE: u64 = 4 * 1024;

/// Where a token is found later, and what has to be written for that.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) account: Account<'a>,
    pub(super) place: TokenPlace,
    /// The token, where it has to be written into its file.
    pub(super) new: Option<String>,
}

/// What is needed to look for a token.
pub(super) struct Search<'a> {
    pub(super) options: &'a TokenOptions,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) working_dir: &'a str,
    /// Where a new one is written.
    pub(super) file: &'a Path,
    pub(super) api_url: Option<&'a str>,
    pub(super) runtime: &'a Runtime,
}

impl<'a> Search<'a> {
    /// Finds a token, and tries it; where somebody types it, until it is taken.
    pub(super) fn find(&self, prompt: &mut dyn Prompt) -> Result<Found<'a>, Failure> {
        let own = self.file.to_string_lossy().into_owned();
        if let Some(name) = &self.options.variable {
            return self.read(
                &TokenSource::Env(name.clone()),
                TokenPlace::Env(name.clone()),
            );
        }
        if let Some(file) = &self.options.file {
            let file = expand_home(file, self.environment).unwrap_or_else(|| file.clone());
            let file = absolute(self.working_dir, &file);
            return self.read(&TokenSource::File(file.clone()), TokenPlace::File(file));
        }
        if self.options.stdin {
            let mut line = String::new();
            let mut stdin = io::stdin().lock().take(MAX_LINE);
            stdin
                .read_line(&mut line)
                .map_err(Failure::io("standard input"))?;
            return self.write(line.trim(), own);
        }
        if self.file.exists() {
            exit::print(&format!("the token is in {own} already\n"));
            return self.read(&TokenSource::File(own.clone()), TokenPlace::File(own));
        }
        let set = self.environment.get(DEFAULT_TOKEN_ENV);
        if let Some(token) = set.map(|token| token.trim()).filter(|set| !set.is_empty()) {
            let text = format!("Use the token that {DEFAULT_TOKEN_ENV} holds?");
            let question = Question {
                text: &text,
                flag: "--token-file",
            };
            if prompt.confirm(question, true)? {
                return self.write(token, own);
            }
        }
        self.ask(prompt, own)
    }

    fn ask(&self, prompt: &mut dyn Prompt, own: String) -> Result<Found<'a>, Failure> {
        if prompt.is_answered() {
            exit::print(
                "the token of your bot is at https://discord.com/developers/applications: New \
                 Application, then Bot, Reset Token, Copy\n",
            );
        }
        let question = Question {
            text: "Token (it is not shown)",
            flag: "--token-file, --token-env or --token-stdin",
        };
        for _ in 1..ATTEMPTS {
            let token = prompt.secret(question)?;
            match self.open(token.trim()) {
                Ok(account) => return Ok(taken(account, token.trim(), own)),
                Err(error @ (ProbeError::Token | ProbeError::Refused(_))) => {
                    exit::print(&format!("{error}\n"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let token = prompt.secret(question)?;
        self.write(token.trim(), own)
    }

    /// A token that stays where it is.
    fn read(&self, source: &TokenSource, place: TokenPlace) -> Result<Found<'a>, Failure> {
        let token = secret::token(source, self.environment);
        let token = self.runtime.block_on(token)?;
        let account = Account::open(self.runtime, &token, self.api_url)?;
        Ok(Found {
            account,
            place,
            new: None,
        })
    }

    /// A token that is to be written into the file of its own.
    fn write(&self, token: &str, own: String) -> Result<Found<'a>, Failure> {
        let account = self.open(token)?;
        Ok(taken(account, token, own))
    }

    fn open(&self, token: &str) -> Result<Account<'a>, ProbeError> {
        Account::open(self.runtime, &Token::new(token), self.api_url)
    }
}

fn taken<'a>(account: Account<'a>, token: &str, own: String) -> Found<'a> {
    Found {
        account,
        place: TokenPlace::File(own),
        new: Some(token.to_owned()),
    }
}
