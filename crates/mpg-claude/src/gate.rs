//! The one thing that an agent may ask of its gateway: to post files in its own thread.
//!
//! An agent is told how by two variables and one line of its instructions. The token names its
//! session, and proves it: it is an HMAC-SHA256 of the session's id under the installation's secret,
//! so that it is the same after a restart of the gateway, and nothing of it has to be stored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hmac::{Hmac, KeyInit as _, Mac as _};
use mpg_core::id::SessionId;
use sha2::Sha256;
use uuid::Uuid;

use crate::secret::Secret;

/// The variable with the path of the socket that takes files.
pub const SOCKET: &str = "MPG_AGENT_SOCKET";

/// The variable with what proves whose files they are.
pub const TOKEN: &str = "MPG_AGENT_TOKEN";

/// What approves the command beforehand, where there is a shell.
pub(crate) const RULE: &str = "Bash(mpgd send-file:*)";

/// What the token is about, so that the secret's other uses never give one.
const PURPOSE: &[u8] = b"mpg agent token 1\0";

/// How agents reach the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The socket that takes files.
    pub socket: PathBuf,
    /// The folder of the program `mpgd`, which comes first on an agent's `PATH`.
    pub programs: PathBuf,
    /// What tokens are made with.
    pub key: Secret,
}

impl Gate {
    /// Adds what the agent of a session needs to an environment.
    pub(crate) fn open(&self, session: SessionId, environment: &mut BTreeMap<String, String>) {
        let programs = self.programs.display();
        let path = match environment.get("PATH") {
            Some(path) => format!("{programs}:{path}"),
            None => programs.to_string(),
        };
        environment.insert("PATH".to_owned(), path);
        environment.insert(SOCKET.to_owned(), self.socket.display().to_string());
        environment.insert(TOKEN.to_owned(), self.token(session));
    }

    /// The token of a session.
    pub fn token(&self, session: SessionId) -> String {
        let proof = self.proof(session).finalize().into_bytes();
        let digits = proof.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
        format!("{session}.{}", digits.collect::<String>())
    }

    /// The session that a token proves; `None` if it proves nothing. It is compared in constant
    /// time.
    pub fn session(&self, token: &str) -> Option<SessionId> {
        let (session, digits) = token.split_once('.')?;
        let session = SessionId::from_uuid(Uuid::parse_str(session).ok()?);
        let shown = digits.len() == 64 && digits.is_ascii();
        let shown = shown.then(|| {
            let bytes = (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok());
            bytes.collect::<Option<Vec<u8>>>()
        })??;
        self.proof(session).verify_slice(&shown).ok()?;
        Some(session)
    }

    fn proof(&self, session: SessionId) -> Hmac<Sha256> {
        let mut proof =
            Hmac::<Sha256>::new_from_slice(self.key.bytes()).expect("a key of any length is taken");
        proof.update(PURPOSE);
        proof.update(session.as_uuid().as_bytes());
        proof
    }
}

/// What an agent is told of the command.
pub(crate) fn instruction() -> &'static str {
    "To show people a file, an image or a diff in this thread, run \
     `mpgd send-file PATH... [--caption TEXT]` in the shell, with paths in your working directory. \
     It says what the channel does not take."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(key: u8) -> Gate {
        Gate {
            socket: PathBuf::from("/run/files"),
            programs: PathBuf::from("/state/bin"),
            key: Secret::new([key; 32]),
        }
    }

    fn session(number: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_token_proves_its_own_session_and_nothing_else() {
        let gate = gate(1);
        let token = gate.token(session(1));
        assert_eq!(gate.session(&token), Some(session(1)));
        let other = gate.token(session(2));
        let (_, proof) = other.split_once('.').unwrap();
        let swapped = format!("{}.{proof}", session(1));
        let upper = token.to_uppercase();
        assert_eq!(gate.session(&upper), Some(session(1)), "digits are digits");
        for wrong in [
            "",
            ".",
            swapped.as_str(),
            &token[..token.len() - 2],
            &format!("{token}00"),
            &format!("{}.{}", session(1), "+1".repeat(32)),
            &format!("{}.{}", session(1), "é".repeat(32)),
            &format!("{}.{}", session(1), "0".repeat(64)),
            &self::gate(2).token(session(1)),
        ] {
            assert_eq!(gate.session(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_environment_has_the_way_in_and_the_program_first() {
        let mut environment: BTreeMap<String, String> =
            [("PATH".to_owned(), "/bin".to_owned())].into();
        gate(1).open(session(1), &mut environment);
        assert_eq!(environment["PATH"], "/state/bin:/bin");
        assert_eq!(environment[SOCKET], "/run/files");
        assert_eq!(gate(1).session(&environment[TOKEN]), Some(session(1)));
    }
}
