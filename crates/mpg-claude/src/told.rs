//! Events as they stand in a spool and on a socket: JSON that an older or a newer program reads.

mod request;
mod work;

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::tool::MAX_TASKS;
use mpg_core::agent::{AgentEvent, Exit, FailureKind, Partial, Retry, TurnFailure, TurnReport};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::request::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::request::{Answered, Asked};

use self::work::{Entry, Sort, Spent};

/// An [`AgentEvent`]; one of a kind that is not known here is [`Told::Unknown`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Told {
    Started {
        model: String,
    },
    Text {
        delta: String,
    },
    TextEnded,
    Thinking {
        delta: String,
    },
    ToolStarted {
        id: String,
        #[serde(default)]
        parent: Option<String>,
        #[serde(default)]
        sort: Sort,
        name: String,
        summary: String,
    },
    ToolEnded {
        id: String,
        is_error: bool,
        #[serde(default)]
        excerpt: String,
    },
    Tasks {
        tasks: Vec<Entry>,
    },
    Retrying {
        attempt: u32,
        max: u32,
        delay_ms: u64,
        error: String,
    },
    Alive,
    Requested {
        id: String,
        about: Asked,
    },
    Withdrawn {
        id: String,
    },
    Ended {
        submits: Vec<String>,
        #[serde(default)]
        answer: Option<String>,
        #[serde(default)]
        failure: Option<Failure>,
        #[serde(default)]
        usage: Spent,
        #[serde(default)]
        partial: Option<Done>,
    },
    Exited {
        code: Option<i32>,
        stderr: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    kind: String,
    message: String,
    /// In milliseconds since 1970.
    #[serde(default)]
    resets_at_ms: Option<i64>,
}

/// What a turn did that has no answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    text: String,
    cut: bool,
    steps: u32,
}

impl Told {
    /// Whether the conversation goes wrong without it; everything else is only shown.
    pub(crate) fn is_essential(&self) -> bool {
        match self {
            Self::Ended { .. }
            | Self::Exited { .. }
            | Self::Requested { .. }
            | Self::Withdrawn { .. } => true,
            Self::Started { .. }
            | Self::Text { .. }
            | Self::TextEnded
            | Self::Thinking { .. }
            | Self::ToolStarted { .. }
            | Self::ToolEnded { .. }
            | Self::Tasks { .. }
            | Self::Retrying { .. }
            | Self::Alive
            | Self::Unknown => false,
        }
    }

    /// The submissions whose outcome it is. The end of the process is none: they can be made again.
    pub(crate) fn outcome_of(&self) -> Option<Vec<SubmitId>> {
        match self {
            Self::Ended {
                submits, failure, ..
            } => {
                let exited = FailureKind::Exited.name();
                let cut_off = failure
                    .as_ref()
                    .is_some_and(|failure| failure.kind == exited);
                (!cut_off).then(|| parsed(submits))
            }
            Self::Exited { .. }
            | Self::Requested { .. }
            | Self::Withdrawn { .. }
            | Self::Started { .. }
            | Self::Text { .. }
            | Self::TextEnded
            | Self::Thinking { .. }
            | Self::ToolStarted { .. }
            | Self::ToolEnded { .. }
            | Self::Tasks { .. }
            | Self::Retrying { .. }
            | Self::Alive
            | Self::Unknown => None,
        }
    }

    /// Cuts every text to `limit` bytes at most.
    pub(crate) fn cut(&mut self, limit: usize) {
        match self {
            Self::Text { delta } | Self::Thinking { delta } => cut(delta, limit),
            Self::Ended {
                answer,
                failure,
                partial,
                ..
            } => {
                if let Some(answer) = answer {
                    cut(answer, limit);
                }
                if let Some(failure) = failure {
                    cut(&mut failure.message, limit);
                }
                if let Some(partial) = partial {
                    cut(&mut partial.text, limit);
                }
            }
            Self::Exited { stderr, .. } => cut(stderr, limit),
            Self::Started { model } => cut(model, limit),
            Self::ToolStarted {
                id,
                parent,
                name,
                summary,
                ..
            } => {
                cut(id, limit);
                if let Some(parent) = parent {
                    cut(parent, limit);
                }
                cut(name, limit);
                cut(summary, limit);
            }
            Self::Requested { about, .. } => about.cut(limit),
            Self::Retrying { error, .. } => cut(error, limit),
            Self::ToolEnded { id, excerpt, .. } => {
                cut(id, limit);
                cut(excerpt, limit);
            }
            Self::Tasks { tasks } => {
                for task in tasks {
                    cut(&mut task.text, limit);
                }
            }
            Self::TextEnded | Self::Alive | Self::Withdrawn { .. } | Self::Unknown => {}
        }
    }

    /// The event; `None` for one that is not known here.
    pub(crate) fn into_event(self) -> Option<AgentEvent> {
        Some(match self {
            Self::Started { model } => AgentEvent::Started { model },
            Self::Text { delta } => AgentEvent::Text { delta },
            Self::TextEnded => AgentEvent::TextEnded,
            Self::Alive => AgentEvent::Alive,
            Self::Thinking { delta } => AgentEvent::Thinking { delta },
            Self::ToolStarted {
                id,
                parent,
                sort,
                name,
                summary,
            } => AgentEvent::ToolStarted {
                id,
                parent,
                kind: sort.into(),
                name,
                summary,
            },
            Self::ToolEnded {
                id,
                is_error,
                excerpt,
            } => AgentEvent::ToolEnded {
                id,
                is_error,
                excerpt,
            },
            Self::Tasks { tasks } => {
                AgentEvent::Tasks(tasks.into_iter().take(MAX_TASKS).map(Into::into).collect())
            }
            Self::Retrying {
                attempt,
                max,
                delay_ms,
                error,
            } => AgentEvent::Retrying(Retry {
                attempt,
                max,
                delay: Duration::from_millis(delay_ms),
                error,
            }),
            Self::Requested { id, about } => AgentEvent::Requested(Request {
                id: RequestId::new(id),
                about: about.into_about()?,
            }),
            Self::Withdrawn { id } => AgentEvent::Withdrawn(RequestId::new(id)),
            Self::Ended {
                submits,
                answer,
                failure,
                usage,
                partial,
            } => AgentEvent::Ended(TurnReport {
                submits: parsed(&submits),
                result: match failure {
                    Some(failure) => Err(failure.into()),
                    None => Ok(answer.unwrap_or_default()),
                },
                usage: usage.into(),
                partial: partial.map(|Done { text, cut, steps }| Partial { text, cut, steps }),
            }),
            Self::Exited { code, stderr } => AgentEvent::Exited(Exit { code, stderr }),
            Self::Unknown => return None,
        })
    }
}

impl From<&AgentEvent> for Told {
    fn from(event: &AgentEvent) -> Self {
        match event.clone() {
            AgentEvent::Started { model } => Self::Started { model },
            AgentEvent::Text { delta } => Self::Text { delta },
            AgentEvent::TextEnded => Self::TextEnded,
            AgentEvent::Alive => Self::Alive,
            AgentEvent::Thinking { delta } => Self::Thinking { delta },
            AgentEvent::ToolStarted {
                id,
                parent,
                kind,
                name,
                summary,
            } => Self::ToolStarted {
                id,
                parent,
                sort: kind.into(),
                name,
                summary,
            },
            AgentEvent::ToolEnded {
                id,
                is_error,
                excerpt,
            } => Self::ToolEnded {
                id,
                is_error,
                excerpt,
            },
            AgentEvent::Tasks(tasks) => Self::Tasks {
                tasks: tasks.into_iter().map(Into::into).collect(),
            },
            AgentEvent::Retrying(retry) => Self::Retrying {
                attempt: retry.attempt,
                max: retry.max,
                delay_ms: u64::try_from(retry.delay.as_millis()).unwrap_or(u64::MAX),
                error: retry.error,
            },
            AgentEvent::Requested(request) => Self::Requested {
                id: request.id.as_str().to_owned(),
                about: Asked::from(&request.about),
            },
            AgentEvent::Withdrawn(id) => Self::Withdrawn {
                id: id.as_str().to_owned(),
            },
            AgentEvent::Ended(report) => {
                let (answer, failure) = match report.result {
                    Ok(answer) => (Some(answer), None),
                    Err(failure) => (None, Some(failure.into())),
                };
                Self::Ended {
                    submits: report.submits.iter().map(ToString::to_string).collect(),
                    answer,
                    failure,
                    usage: report.usage.into(),
                    partial: report.partial.map(|Partial { text, cut, steps }| Done {
                        text,
                        cut,
                        steps,
                    }),
                }
            }
            AgentEvent::Exited(exit) => Self::Exited {
                code: exit.code,
                stderr: exit.stderr,
            },
        }
    }
}

impl From<TurnFailure> for Failure {
    fn from(failure: TurnFailure) -> Self {
        Self {
            kind: failure.kind.name().to_owned(),
            message: failure.message,
            resets_at_ms: failure.resets_at.map(Timestamp::as_millisecond),
        }
    }
}

impl From<Failure> for TurnFailure {
    fn from(failure: Failure) -> Self {
        let mut kinds = FailureKind::ALL.into_iter();
        Self {
            kind: kinds
                .find(|kind| kind.name() == failure.kind)
                .unwrap_or(FailureKind::Agent),
            message: failure.message,
            resets_at: failure
                .resets_at_ms
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
        }
    }
}

fn parsed(submits: &[String]) -> Vec<SubmitId> {
    let submits = submits.iter().filter_map(|id| Uuid::parse_str(id).ok());
    submits.map(SubmitId::from_uuid).collect()
}

pub(crate) fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::agent::tool::{LineCount, Task, TaskState, ToolKind};
    use mpg_core::agent::{ContextUse, Usage};
    use mpg_core::request::Permission;

    use super::*;

    #[test]
    fn every_event_comes_back_as_it_was() {
        let permission = Permission::new("Bash", "ls", "Bash(ls)");
        let request = Request::permission(RequestId::new("r"), permission);
        let text = || "é \u{1b}[1m\n".to_owned();
        let report = |result: Result<String, TurnFailure>| TurnReport {
            partial: result.is_err().then(|| Partial {
                text: text(),
                cut: true,
                steps: 3,
            }),
            submits: vec![SubmitId::from_uuid(Uuid::from_u128(1))],
            result,
            usage: Usage {
                input_tokens: 1,
                output_tokens: 2,
                cache_read_tokens: 3,
                cache_creation_tokens: 4,
                cost_microdollars: 5,
                duration: Duration::from_micros(1_001),
                steps: 6,
                context: Some(ContextUse { used: 7, window: 8 }),
            },
        };
        let mut events = vec![
            AgentEvent::Started { model: text() },
            AgentEvent::Text { delta: text() },
            AgentEvent::TextEnded,
            AgentEvent::Alive,
            AgentEvent::Thinking { delta: text() },
            AgentEvent::ToolEnded {
                id: text(),
                is_error: true,
                excerpt: text(),
            },
            AgentEvent::Tasks(
                TaskState::ALL
                    .map(|state| Task {
                        text: text(),
                        state,
                    })
                    .to_vec(),
            ),
            AgentEvent::Retrying(Retry {
                attempt: 1,
                max: 2,
                delay: Duration::from_millis(3),
                error: text(),
            }),
            AgentEvent::Requested(request),
            AgentEvent::Withdrawn(RequestId::new("r")),
            AgentEvent::Ended(report(Ok(text()))),
            AgentEvent::Exited(Exit {
                code: None,
                stderr: text(),
            }),
        ];
        let lines = LineCount {
            added: 3,
            removed: 4,
        };
        let kinds = ToolKind::ALL.into_iter().chain([ToolKind::Editing(lines)]);
        events.extend(kinds.map(|kind| AgentEvent::ToolStarted {
            id: text(),
            parent: (kind == ToolKind::Web).then(text),
            kind,
            name: text(),
            summary: text(),
        }));
        events.extend(FailureKind::ALL.map(|kind| {
            let message = text();
            let resets_at = Timestamp::from_millisecond(1_700_000_000_123).ok();
            AgentEvent::Ended(report(Err(TurnFailure {
                kind,
                message,
                resets_at,
            })))
        }));
        for event in events {
            let json = serde_json::to_string(&Told::from(&event)).unwrap();
            let told: Told = serde_json::from_str(&json).unwrap();
            assert_eq!(told.into_event().as_ref(), Some(&event), "{json}");
        }
    }

    #[test]
    fn what_a_newer_program_says_is_left_out() {
        let told: Told = serde_json::from_str(r#"{"kind":"sang","song":[1]}"#).unwrap();
        assert_eq!(told.into_event(), None);
        let told: Told =
            serde_json::from_str(r#"{"kind":"exited","code":1,"stderr":"","mood":"fine"}"#)
                .unwrap();
        assert!(told.into_event().is_some());
    }
}
