//! `mpgd token`: what programs show to be let in over HTTP.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use mpg_core::token::{Scope, Token, Tokens as _};
use mpg_store::SqliteStore;
use rustix::process::geteuid;

use crate::cli::{Global, TokenCommand};
use crate::control::{AskError, Outcome, SocketPath, TokenView, Verb, ask, local};
use crate::exit::{self, Failure};
use crate::shown::one_line;
use crate::{environment, run, state_dir};

/// How much of a token's name is kept and shown, in characters.
const LONGEST_NAME: usize = 100;

pub(crate) fn token(global: &Global, command: &TokenCommand) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    run::runtime()?.block_on(async {
        match command {
            TokenCommand::Create { scope, name } => {
                create(&directory, &socket, (*scope).into(), name).await
            }
            TokenCommand::List(options) => list(&directory, &socket, options.json).await,
            TokenCommand::Revoke { id } => revoke(&directory, &socket, id).await,
        }
    })
}

/// The secret is made here and goes nowhere but to standard output.
async fn create(
    directory: &Path,
    socket: &SocketPath,
    scope: Scope,
    name: &str,
) -> Result<ExitCode, Failure> {
    let name = one_line(name, LONGEST_NAME);
    let minted = mpg_web::mint(scope, name, Timestamp::now(), None);
    let (token, shown) = minted
        .map_err(|error| Failure::Refused(format!("there are no random numbers: {error}")))?;
    let verb = Verb::AddToken {
        token: TokenView::new(&token),
        hash: token.hash,
    };
    match ask(socket, &verb).await {
        Ok(_) => {}
        Err(AskError::NotRunning) => {
            let store = SqliteStore::open(directory).await?;
            let added = store
                .add_token(&token, &local(geteuid().as_raw()).await)
                .await;
            store.close().await?;
            added?;
        }
        Err(error) => return Err(error.into()),
    }
    exit::print(&format!(
        "token {} with the scope {}; it is not shown again:\n{shown}\n",
        token.id,
        scope.name()
    ));
    Ok(ExitCode::SUCCESS)
}

async fn list(directory: &Path, socket: &SocketPath, json: bool) -> Result<ExitCode, Failure> {
    let tokens = match ask(socket, &Verb::Tokens).await {
        Ok(Outcome::Tokens { tokens }) => tokens,
        Ok(_) => {
            return Err(Failure::unexpected_answer());
        }
        Err(AskError::NotRunning) => {
            let store = SqliteStore::open(directory).await?;
            let tokens = store.tokens().await;
            store.close().await?;
            tokens?.iter().map(TokenView::new).collect()
        }
        Err(error) => return Err(error.into()),
    };
    exit::print(&if json {
        exit::json(&tokens)
    } else {
        text(&tokens)
    });
    Ok(ExitCode::SUCCESS)
}

async fn revoke(directory: &Path, socket: &SocketPath, id: &str) -> Result<ExitCode, Failure> {
    let verb = Verb::RemoveToken { id: id.to_owned() };
    let removed = match ask(socket, &verb).await {
        Ok(Outcome::TokenRemoved { removed }) => removed,
        Ok(_) => false,
        Err(AskError::NotRunning) => {
            let store = SqliteStore::open(directory).await?;
            let removed = store
                .remove_token(id, &local(geteuid().as_raw()).await)
                .await;
            store.close().await?;
            removed?
        }
        Err(error) => return Err(error.into()),
    };
    if !removed {
        return Err(Failure::Refused(format!(
            "there is no token {}; list them: mpgd token list",
            one_line(id, LONGEST_NAME)
        )));
    }
    exit::print(&format!("{id} lets nobody in any more\n"));
    Ok(ExitCode::SUCCESS)
}

fn text(tokens: &[TokenView]) -> String {
    if tokens.is_empty() {
        return "there are no tokens; make one: mpgd token create --scope read\n".to_owned();
    }
    let mut text = String::new();
    for token in tokens {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {:<5}  made {}  {}",
            token.id,
            token.scope,
            token.created_at,
            one_line(&token.name, LONGEST_NAME),
        );
    }
    text
}

/// A token as it goes over the control socket.
pub(crate) fn read(view: &TokenView, hash: [u8; 32]) -> Option<Token> {
    let created_at = view.created_at.parse().ok()?;
    let expires_at = match &view.expires_at {
        None => None,
        Some(at) => Some(at.parse().ok()?),
    };
    Some(Token {
        id: view.id.clone(),
        hash,
        scope: Scope::named(&view.scope)?,
        name: view.name.clone(),
        created_at,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_socket() {
        let token = Token {
            id: "0011".to_owned(),
            hash: [7; 32],
            scope: Scope::Write,
            name: "ci".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Some(Timestamp::UNIX_EPOCH),
        };
        let view = TokenView::new(&token);
        assert_eq!(read(&view, token.hash), Some(token));
        let wrong = TokenView {
            scope: "king".to_owned(),
            ..view
        };
        assert_eq!(read(&wrong, [0; 32]), None);
    }
}
