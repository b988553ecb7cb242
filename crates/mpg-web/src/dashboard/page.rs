//! What all pages have in common: who looks, where they are, and what is said where something is
//! refused.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use mpg_core::token::Scope;
use tracing::error;

use crate::auth::authenticate;
use crate::problem::Problem;
use crate::router::App;

/// The section that is there only where a channel of the browser is mapped.
const CHAT: &str = "/chat";

/// Where pages lead to, in order.
const SECTIONS: [(&str, &str); 11] = [
    ("/", "Overview"),
    (CHAT, "Chat"),
    ("/requests", "Requests"),
    ("/projects", "Projects"),
    ("/sessions", "Sessions"),
    ("/queue", "Queue"),
    ("/turns", "Turns"),
    ("/deliveries", "Deliveries"),
    ("/activity", "Activity"),
    ("/audit", "Audit"),
    ("/configuration", "Configuration"),
];

/// Somebody who may look at pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor {
    scope: Scope,
    version: &'static str,
    /// How many requests wait for people, where the gateway says so.
    waiting: usize,
    has_chat: bool,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Trouble> {
        let token = authenticate(parts, app).await;
        let token = token.map_err(|problem| Trouble {
            problem,
            visitor: None,
        })?;
        Ok(Self {
            scope: token.scope,
            version: app.version,
            has_chat: app.chat.is_some(),
            waiting: app.desk.waiting().await.unwrap_or_default(),
        })
    }
}

impl Visitor {
    /// A page below one of the sections, which shows what happens through `live`.
    pub(crate) fn page(
        self,
        title: impl Into<String>,
        section: &'static str,
        live: Option<String>,
    ) -> Page {
        Page {
            title: title.into(),
            section,
            version: self.version,
            waiting: self.waiting,
            has_chat: self.has_chat,
            live,
            can_write: self.scope >= Scope::Write,
            can_admin: self.scope >= Scope::Admin,
        }
    }

    /// Whether this visitor may do what needs this.
    pub(crate) fn is(self, scope: Scope) -> bool {
        self.scope >= scope
    }

    /// Refuses what needs more than this visitor may do.
    pub(crate) fn may(self, needed: Scope) -> Result<(), Trouble> {
        if self.scope >= needed {
            return Ok(());
        }
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            format!(
                "you may only {} here; this needs a link of `mpgd dashboard --scope {}`",
                self.scope.name(),
                needed.name()
            ),
        );
        Err(self.trouble(problem))
    }

    /// Something that is not there or does not work, as a page.
    pub(crate) fn trouble(self, problem: impl Into<Problem>) -> Trouble {
        Trouble {
            problem: problem.into(),
            visitor: Some(self),
        }
    }

    /// What was found as a page, or why there is none.
    pub(crate) fn shown(self, found: Result<impl Template, Problem>) -> Result<Response, Trouble> {
        let template = found.map_err(|problem| self.trouble(problem))?;
        Ok(shown(&template))
    }
}

/// What the frame of a page says.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) title: String,
    section: &'static str,
    pub(crate) version: &'static str,
    pub(crate) waiting: usize,
    has_chat: bool,
    /// The address of the signal that what is shown may have changed.
    pub(crate) live: Option<String>,
    pub(crate) can_write: bool,
    pub(crate) can_admin: bool,
}

/// Where a page leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_current: bool,
}

impl Section {
    /// Whether it says how much waits there.
    pub(crate) fn counts(self) -> bool {
        self.path == "/requests"
    }
}

impl Page {
    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> + '_ {
        let all = SECTIONS.into_iter();
        let all = all.filter(|(path, _)| *path != CHAT || self.has_chat);
        all.map(|(path, name)| Section {
            path,
            name,
            is_current: path == self.section,
        })
    }
}

/// One of several views of a page.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

impl Choice {
    pub(crate) fn new(name: &'static str, href: String, is_current: bool) -> Self {
        Self {
            name,
            href,
            is_current,
        }
    }
}

/// Why there is no such page.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    problem: Problem,
    /// Who looks, where that is known.
    visitor: Option<Visitor>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: Page,
    error: &'a str,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = self.problem.status();
        if status == StatusCode::UNAUTHORIZED {
            return Redirect::to("/login").into_response();
        }
        let Some(visitor) = self.visitor else {
            return self.problem.into_response();
        };
        let template = ProblemPage {
            page: visitor.page("Not done", "", None),
            error: self.problem.error(),
        };
        (status, shown(&template)).into_response()
    }
}

#[derive(Template)]
#[template(path = "done.html")]
struct DonePage {
    page: Page,
    said: String,
    back: String,
}

/// What was done, for browsers without a script; the script shows only what is said.
pub(crate) fn done(visitor: Visitor, said: impl Into<String>, back: String) -> Response {
    shown(&DonePage {
        page: visitor.page("Done", "", None),
        said: said.into(),
        back,
    })
}

/// A template as an answer.
pub(crate) fn shown(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        // Nothing in the templates can fail but memory.
        Err(failure) => {
            error!(%failure, "a page could not be written");
            Problem::internal("the page could not be written").into_response()
        }
    }
}
