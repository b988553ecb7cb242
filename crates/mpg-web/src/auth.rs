//! Who asks: tokens, made and looked at.
//!
//! A token is 256 random bits, so that its plain SHA-256 tells nothing about it: there is no short
//! secret to guess, which is what slow hashes are for. It begins with an id, by which it is found;
//! the hashes are compared in constant time.

use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use mpg_core::audit::Actor;
use mpg_core::id::UserId;
use mpg_core::snapshot::Answerer;
use mpg_core::token::{Scope, Token, Tokens};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::problem::Problem;
use crate::router::App;

/// What all tokens begin with, so that scanners for secrets know them.
const PREFIX: &str = "mpg_";

/// How long an id is, in bytes before they are written as text.
const ID: usize = 8;

/// How long a secret is, in bytes before they are written as text.
const SECRET: usize = 32;

/// The cookie of the dashboard's sessions.
pub(crate) const COOKIE_NAME: &str = "mpg_session";

/// Makes a token: what is kept of it, and what its holder shows, which is told once.
///
/// # Errors
///
/// If the system gives no random bytes.
pub fn mint(
    scope: Scope,
    name: impl Into<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<(Token, String), getrandom::Error> {
    let mut random = [0; ID + SECRET];
    getrandom::fill(&mut random)?;
    let (id, secret) = random.split_at(ID);
    let id = hex(id);
    let shown = format!("{PREFIX}{id}_{}", hex(secret));
    let token = Token {
        id,
        hash: Sha256::digest(&shown).into(),
        scope,
        name: name.into(),
        created_at,
        expires_at,
    };
    Ok((token, shown))
}

/// What nobody can guess, as text.
pub(crate) fn random() -> Result<String, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Problem::internal(format!("there are no random numbers: {error}")))?;
    Ok(hex(&random))
}

/// The token that somebody shows, if it is one.
pub(crate) async fn check(
    tokens: &dyn Tokens,
    shown: &str,
    now: Timestamp,
) -> Result<Option<Token>, Problem> {
    let Some((id, _)) = shown
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
    else {
        return Ok(None);
    };
    if id.len() != 2 * ID {
        return Ok(None);
    }
    let Some(token) = tokens.token(id).await? else {
        return Ok(None);
    };
    let hash: [u8; 32] = Sha256::digest(shown).into();
    let is_same = bool::from(hash.ct_eq(&token.hash));
    let has_expired = token.expires_at.is_some_and(|at| at <= now);
    Ok(Some(token).filter(|_| is_same && !has_expired))
}

/// Who sends a request.
///
/// A browser sends its cookie with what other pages on this machine make it send, too: what changes
/// something has to say which page it comes from, and the guard has looked at that.
pub(crate) async fn authenticate(parts: &Parts, app: &App) -> Result<Token, Problem> {
    let headers = &parts.headers;
    let changes = !parts.method.is_safe();
    if changes && !headers.contains_key(AUTHORIZATION) && !headers.contains_key(ORIGIN) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "a browser has to say which page this comes from, and a program has to send a token as \
             `Authorization: Bearer …`",
        ));
    }
    let Some(shown) = shown(headers) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "a token is needed: `mpgd token create` makes one; send it as `Authorization: Bearer …`",
        ));
    };
    let token = check(app.tokens.as_ref(), shown, Timestamp::now()).await?;
    token.ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "this token is not known, revoked or expired",
        )
    })
}

/// Looks whether a request comes from somebody who may do what needs this scope.
async fn admit(parts: &Parts, app: &App, needed: Scope) -> Result<(), Problem> {
    let token = authenticate(parts, app).await?;
    if token.scope < needed {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!(
                "this token may only {}; this needs one with the scope {}",
                token.scope.name(),
                needed.name()
            ),
        ));
    }
    Ok(())
}

/// What a request shows: in its header, or in the dashboard's cookie.
pub(crate) fn shown(headers: &HeaderMap) -> Option<&str> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim());
    }
    let cookies = headers.get_all(COOKIE).iter();
    cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// Who sends a request, as others are told.
#[derive(Clone, Debug)]
pub(crate) struct Who(pub(crate) Answerer);

impl FromRequestParts<App> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = authenticate(parts, app).await?;
        let id = UserId::new(format!("token:{}", token.id));
        Ok(Self(Answerer::new(id, &token.name)))
    }
}

/// Who sends a request, for the audit log.
#[derive(Clone, Debug)]
pub(crate) struct By(pub(crate) Actor);

impl FromRequestParts<App> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Token { id, name, .. } = authenticate(parts, app).await?;
        Ok(Self(Actor::Token { id, name }))
    }
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident = $scope:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl FromRequestParts<App> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                app: &App,
            ) -> Result<Self, Problem> {
                admit(parts, app, Scope::$scope).await.map(|()| Self)
            }
        }
    )*};
}

callers! {
    /// Somebody who may look.
    Reader = Read,
    /// Somebody who may ask agents and stop them.
    Writer = Write,
    /// Somebody who may end what others began.
    Admin = Admin,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_shown_once_and_kept_as_a_hash() {
        let now = Timestamp::UNIX_EPOCH;
        let (token, shown) = mint(Scope::Read, "x", now, None).unwrap();
        let (other, _) = mint(Scope::Read, "x", now, None).unwrap();
        assert_ne!(token.id, other.id);
        assert_ne!(token.hash, other.hash);
        assert_eq!(shown.len(), PREFIX.len() + 2 * ID + 1 + 2 * SECRET);
        assert!(shown.starts_with(&format!("mpg_{}_", token.id)), "{shown}");
        assert_eq!(token.hash, <[u8; 32]>::from(Sha256::digest(&shown)));
    }

    #[test]
    fn what_is_shown_is_found_in_header_and_cookie() {
        let found = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            shown(&headers).map(str::to_owned)
        };
        for (name, value, expected) in [
            ("authorization", "Bearer x", Some("x")),
            ("authorization", "bearer  x ", Some("x")),
            ("authorization", "Basic x", None),
            ("authorization", "x", None),
            ("cookie", "mpg_session=x", Some("x")),
            ("cookie", "a=b; mpg_session=x; c", Some("x")),
            ("cookie", "not_mpg_session=x", None),
        ] {
            assert_eq!(found(name, value).as_deref(), expected, "{name}: {value}");
        }
    }
}
