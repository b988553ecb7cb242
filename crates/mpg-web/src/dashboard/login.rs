//! Who comes in: by a link that is used once, or by a token.
//!
//! What a browser keeps afterwards is a token of its own, so that it can be listed and revoked like
//! any other. No script can read it, and no page of another site can have it sent.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use mpg_core::audit::Actor;
use mpg_core::token::Tokens;
use serde::Deserialize;

use super::page::shown;
use crate::auth::{COOKIE_NAME, check, mint, shown as shown_by};
use crate::invitation;
use crate::problem::Problem;
use crate::router::App;

/// What tokens are called that browsers keep.
const NAME: &str = "dashboard";

/// What the audit log calls who opened a link.
const LINK: &str = "a link into the dashboard";

/// How long a browser is let in after one link.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    refusal: Option<&'static str>,
    /// Where it leads to.
    to: String,
}

/// What somebody shows to be let in.
#[derive(Deserialize)]
pub(crate) struct Shown {
    token: String,
    #[serde(default)]
    to: String,
}

/// Where somebody wants to go.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    to: String,
}

/// Asks who it is.
pub(crate) async fn form(wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    let to = wanted.map(|Query(Wanted { to })| to).unwrap_or_default();
    shown(&LoginPage { refusal: None, to })
}

/// Lets somebody in.
pub(crate) async fn login(
    State(app): State<App>,
    form: Result<Form<Shown>, FormRejection>,
) -> Result<Response, Problem> {
    let Ok(Form(Shown { token, to })) = form else {
        return Ok(refused("Nothing was sent that could let you in."));
    };
    let token = token.trim();
    let now = Timestamp::now();
    if !token.starts_with(invitation::PREFIX) {
        // A token is kept by the browser as it is, so that revoking it ends this session too.
        return Ok(match check(app.tokens.as_ref(), token, now).await? {
            Some(_) => entered(token, &to),
            None => refused("This token is not known, revoked or expired."),
        });
    }
    let Some(scope) = app.invitations.accept(token) else {
        return Ok(refused(
            "This link was used or is too old. Run mpgd dashboard again.",
        ));
    };
    remove_expired(app.tokens.as_ref(), now).await?;
    let until = now.checked_add(SESSION).ok();
    let minted = mint(scope, NAME, now, until);
    let (kept, shown) = minted.map_err(|_| Problem::internal("there are no random numbers"))?;
    let opened = Actor::Token {
        id: kept.id.clone(),
        name: LINK.to_owned(),
    };
    app.tokens.add_token(&kept, &opened).await?;
    Ok(entered(&shown, &to))
}

/// Lets nobody in any more by what this browser keeps.
pub(crate) async fn logout(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(shown) = shown_by(&headers)
        && let Some(token) = check(app.tokens.as_ref(), shown, Timestamp::now()).await?
        && token.name == NAME
        && token.expires_at.is_some()
    {
        let by = Actor::Token {
            id: token.id.clone(),
            name: token.name,
        };
        app.tokens.remove_token(&token.id, &by).await?;
    }
    Ok(with_cookie("", 0, Redirect::to("/login")))
}

fn refused(why: &'static str) -> Response {
    let page = LoginPage {
        refusal: Some(why),
        to: String::new(),
    };
    (StatusCode::UNAUTHORIZED, shown(&page)).into_response()
}

/// Leads to one of our own pages, and nowhere else.
fn entered(token: &str, to: &str) -> Response {
    let page = if to == "chat" { "/chat" } else { "/" };
    with_cookie(token, SESSION.as_secs(), Redirect::to(page))
}

fn with_cookie(token: &str, seconds: i64, redirect: Redirect) -> Response {
    let cookie =
        format!("{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut response = redirect.into_response();
    // Tokens are letters, digits and underscores.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Forgets the sessions that are over, so that they do not become more and more.
async fn remove_expired(tokens: &dyn Tokens, now: Timestamp) -> Result<(), Problem> {
    for token in tokens.tokens().await? {
        if token.expires_at.is_some_and(|at| at <= now) {
            tokens.remove_token(&token.id, &Actor::Gateway).await?;
        }
    }
    Ok(())
}
