//! Where the token comes from.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use mpg_config::expand_home;
use mpg_discord::Token;
use mpg_discord::config::TokenSource;
use tokio::process::Command;
use tokio::time::timeout;

use crate::exit::Failure;

/// How long a command may take to print a secret: long enough for a person to unlock a store.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

/// The longest secret, in bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// Fetches the token.
pub(crate) async fn token(
    source: &TokenSource,
    environment: &BTreeMap<String, String>,
) -> Result<Token, Failure> {
    let secret = match source {
        TokenSource::Env(name) => environment.get(name).cloned().unwrap_or_default(),
        TokenSource::File(path) => {
            let path = expand_home(path, environment).unwrap_or_else(|| path.clone());
            let read = tokio::fs::read_to_string(&path).await;
            read.map_err(|error| unavailable(&format!("the token file {path}: {error}")))?
        }
        TokenSource::Command(words) => print_of(words).await?,
    };
    match secret.trim() {
        "" => Err(unavailable("it is empty")),
        secret if secret.len() > MAX_LENGTH => Err(unavailable("it is too long to be one")),
        secret => Ok(Token::new(secret)),
    }
}

async fn print_of(words: &[String]) -> Result<String, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(unavailable("the token command is empty"));
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(COMMAND_LIMIT, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(unavailable(&format!("the token command: {error}"))),
        Err(_) => return Err(unavailable("the token command took longer than a minute")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.trim().chars().take(300).collect();
        return Err(unavailable(&format!("the token command failed: {said}")));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| unavailable("the token command printed something that is no text"))
}

fn unavailable(why: &str) -> Failure {
    Failure::NoConfig(format!("there is no Discord token: {why}"))
}
