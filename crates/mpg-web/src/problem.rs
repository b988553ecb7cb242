//! Why a request was not done.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mpg_core::gateway::{AnswerRefusal, PromptRefusal};
use mpg_core::port::StoreError;
use serde::Serialize;
use tracing::warn;
use utoipa::{IntoResponses, ToSchema};

use crate::desk::{AnswerError, Closed, PromptError};

/// Why a request was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// What happened, what is kept and what to do.
    error: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }

    /// The request makes no sense.
    pub(crate) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The body makes no sense, or is too long.
    fn of_body(status: StatusCode, error: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, error),
            _ => Self::bad(error),
        }
    }

    /// What it is about is not there.
    pub(crate) fn not_there(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// Something is wrong here.
    pub(crate) fn internal(error: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// What happened, what is kept and what to do.
    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad(rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}

impl From<FormRejection> for Problem {
    fn from(rejection: FormRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}

/// What is wrong with a store is for the log: it names files.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        warn!(%error, "what is stored could not be looked at");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "what is stored cannot be looked at just now; the log says why",
        )
    }
}

/// What every operation may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and none is made of it")]
pub(crate) enum Refusals {
    /// The request makes no sense.
    #[response(status = 400)]
    Bad(Problem),
    /// There is no token, or it is none.
    #[response(status = 401)]
    Nobody(Problem),
    /// The token may not do this, or a page of another site asks.
    #[response(status = 403)]
    Forbidden(Problem),
    /// The request took too long.
    #[response(status = 408)]
    Slow(Problem),
    /// The host that was asked for is not served here.
    #[response(status = 421)]
    Elsewhere(Problem),
    /// The gateway has ended, or its state cannot be read.
    #[response(status = 503)]
    Closed(Problem),
}

/// What an operation about one thing may answer, too.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and none is made of it")]
pub(crate) enum NotThere {
    /// There is no such thing, or it is forgotten.
    #[response(status = 404)]
    NotThere(Problem),
}

/// What an operation with a body may answer, too.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and none is made of it")]
pub(crate) enum TooLarge {
    /// The body is too long.
    #[response(status = 413)]
    TooLarge(Problem),
}

/// What an answer that comes too late is told.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and none is made of it")]
pub(crate) enum TooLate {
    /// Somebody else answered first, and who.
    #[response(status = 409)]
    Answered(Problem),
    /// Nobody answered in time, or the agent does not wait any more.
    #[response(status = 410)]
    Gone(Problem),
}

/// What an operation may answer that does not go with how things are.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and none is made of it")]
pub(crate) enum Conflict {
    /// The key was used for something else, or the project has no channel.
    #[response(status = 409)]
    Conflict(Problem),
}

impl From<PromptError> for Problem {
    fn from(error: PromptError) -> Self {
        let status = match &error {
            PromptError::Closed(closed) => return (*closed).into(),
            PromptError::Refused(refusal) => match refusal {
                PromptRefusal::NoProject(_)
                | PromptRefusal::NoThread(_)
                | PromptRefusal::NoAgent { .. } => StatusCode::NOT_FOUND,
                PromptRefusal::Empty => StatusCode::BAD_REQUEST,
                PromptRefusal::TooLong { .. } | PromptRefusal::TooLongForPost { .. } => {
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                PromptRefusal::NoChannel(_) | PromptRefusal::KeyTaken => StatusCode::CONFLICT,
                PromptRefusal::Busy | PromptRefusal::Draining => StatusCode::SERVICE_UNAVAILABLE,
            },
        };
        Self::new(status, error.to_string())
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        let status = match &error {
            AnswerError::Closed(closed) => return (*closed).into(),
            AnswerError::Refused(refusal) => match refusal {
                AnswerRefusal::NotKnown => StatusCode::NOT_FOUND,
                AnswerRefusal::Answered { .. } | AnswerRefusal::Earlier => StatusCode::CONFLICT,
                AnswerRefusal::Expired | AnswerRefusal::Over => StatusCode::GONE,
                AnswerRefusal::Incomplete | AnswerRefusal::NoAnswer => StatusCode::BAD_REQUEST,
            },
        };
        Self::new(status, error.to_string())
    }
}

impl From<Closed> for Problem {
    fn from(closed: Closed) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, closed.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}
