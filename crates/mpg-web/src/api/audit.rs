//! Who did what.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use mpg_core::audit::Audited;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Reader;
use crate::problem::{Problem, Refusals};
use crate::router::App;

/// How many entries are told of where nothing else is asked for.
const LISTED: u32 = 100;

/// How many entries are told of at most.
const MOST: u32 = 1_000;

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number; each is one higher than that of the entry before.
    number: u64,
    /// When.
    at: String,
    /// What it says.
    entry: Body,
    /// The SHA-256 over the hash of the entry before, its number, its time and what it says.
    hash: String,
}

/// What an entry of the audit log says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Body {
    /// What was done, in one word.
    pub(crate) act: String,
    /// Who did it.
    pub(crate) actor: Actor,
    /// The project, where it belongs to one.
    pub(crate) project: Option<String>,
    /// The thread, as in `/api/threads/{thread}`, where it belongs to one.
    pub(crate) thread: Option<String>,
    /// The agent, where it is about one that has a name.
    pub(crate) agent: Option<String>,
    /// More about it: an id, a rule, a setting.
    pub(crate) about: Option<String>,
    /// What was written, where `texts` of `[audit]` is true.
    pub(crate) text: Option<String>,
    /// The SHA-256 of what was written, where it is not.
    pub(crate) text_sha256: Option<String>,
}

/// Who did something.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Actor {
    /// `person`, `token`, `local`, `platform` or `gateway`.
    pub(crate) kind: String,
    /// The platform of a person.
    pub(crate) platform: Option<String>,
    /// A person's id on it, or that of a token.
    pub(crate) id: Option<String>,
    /// What they were called then.
    pub(crate) name: Option<String>,
}

impl Body {
    /// What an entry says, as far as it can be read: it may be other than what was written.
    pub(crate) fn of(entry: &Audited) -> Self {
        serde_json::from_str(&entry.body).unwrap_or_default()
    }
}

impl From<Audited> for AuditEntry {
    fn from(entry: Audited) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            entry: Body::of(&entry),
            hash: entry.hash,
        }
    }
}

/// Which entries.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only entries before the one with this number.
    before: Option<u64>,
    /// How many, from 1 to 1,000; 100 by default.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

/// Who asked, allowed, changed and stopped what, the newest first.
///
/// `mpgd audit verify` tells whether it is what was written.
#[utoipa::path(
    get,
    path = "/api/audit",
    operation_id = "audit",
    tag = "look",
    params(Which),
    responses((status = 200, description = "Some entries.", body = Vec<AuditEntry>), Refusals)
)]
pub(crate) async fn audit(
    _: Reader,
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<AuditEntry>>, Problem> {
    let Query(Which { before, limit }) = which?;
    let limit = limit.unwrap_or(LISTED);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad("limit is a number from 1 to 1000"));
    }
    let entries = app.audit.audited(before, limit).await?;
    Ok(Json(entries.into_iter().map(AuditEntry::from).collect()))
}
