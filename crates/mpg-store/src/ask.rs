//! What agents ask and what people said to it, as they stand in columns.

use mpg_core::ask::Said;
use mpg_core::control::Field;
use mpg_core::id::UserId;
use mpg_core::request::{About, Detail, Permission, Question, QuestionOption, Scope};
use mpg_core::snapshot::{Answerer, Verdict};
use serde::{Deserialize, Serialize};

use crate::failure::UnknownValue;
use crate::key::{nanoseconds, timestamp};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum WrittenAbout {
    Permission {
        tool: String,
        summary: String,
        detail: WrittenDetail,
        rule: String,
    },
    Questions {
        questions: Vec<WrittenQuestion>,
    },
    Plan {
        text: String,
    },
    Form {
        from: String,
        message: String,
        fields: Vec<WrittenField>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenDetail {
    Command(String),
    Diff(String),
    Text(String),
}

#[derive(Serialize, Deserialize)]
struct WrittenQuestion {
    header: String,
    text: String,
    /// Labels and what they mean.
    options: Vec<(String, String)>,
    multiple: bool,
}

#[derive(Serialize, Deserialize)]
struct WrittenField {
    name: String,
    label: String,
    long: bool,
    required: bool,
}

#[derive(Serialize, Deserialize)]
struct WrittenVerdict {
    said: Option<WrittenSaid>,
    by: Option<(String, String)>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenSaid {
    Allow(String),
    Deny(Option<String>),
    Approve { edits: bool },
    KeepPlanning(Option<String>),
    Reply(Vec<String>),
    Fill(Vec<(String, String)>),
    Decline,
}

/// What is written for what is asked.
pub(crate) fn about(about: &About) -> String {
    json(&match about.clone() {
        About::Permission(Permission {
            tool,
            summary,
            detail,
            rule,
        }) => WrittenAbout::Permission {
            tool,
            summary,
            detail: match detail {
                Detail::Command(text) => WrittenDetail::Command(text),
                Detail::Diff(text) => WrittenDetail::Diff(text),
                Detail::Text(text) => WrittenDetail::Text(text),
            },
            rule,
        },
        About::Questions(questions) => WrittenAbout::Questions {
            questions: questions.into_iter().map(WrittenQuestion::from).collect(),
        },
        About::Plan { text } => WrittenAbout::Plan { text },
        About::Form {
            from,
            message,
            fields,
        } => WrittenAbout::Form {
            from,
            message,
            fields: fields.into_iter().map(WrittenField::from).collect(),
        },
    })
}

/// What was asked.
pub(crate) fn read_about(text: &str) -> Result<About, UnknownValue> {
    Ok(match read("request.about", text)? {
        WrittenAbout::Permission {
            tool,
            summary,
            detail,
            rule,
        } => About::Permission(Permission {
            tool,
            summary,
            detail: match detail {
                WrittenDetail::Command(text) => Detail::Command(text),
                WrittenDetail::Diff(text) => Detail::Diff(text),
                WrittenDetail::Text(text) => Detail::Text(text),
            },
            rule,
        }),
        WrittenAbout::Questions { questions } => {
            About::Questions(questions.into_iter().map(Question::from).collect())
        }
        WrittenAbout::Plan { text } => About::Plan { text },
        WrittenAbout::Form {
            from,
            message,
            fields,
        } => About::Form {
            from,
            message,
            fields: fields.into_iter().map(Field::from).collect(),
        },
    })
}

/// What is written for what came of it, besides whether the agent was told.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let by = verdict.by.as_ref();
    json(&WrittenVerdict {
        said: verdict.said.clone().map(WrittenSaid::from),
        by: by.map(|by| (by.id.to_string(), by.name.clone())),
        at: nanoseconds(verdict.at),
    })
}

/// What came of it.
pub(crate) fn read_verdict(text: &str, told: bool) -> Result<Verdict, UnknownValue> {
    let WrittenVerdict { said, by, at } = read("request.verdict", text)?;
    Ok(Verdict {
        said: said.map(Said::try_from).transpose()?,
        by: by.map(|(id, name)| Answerer {
            id: UserId::new(id),
            name,
        }),
        at: timestamp(at),
        told,
    })
}

/// What is written for an answer, or for rules.
pub(crate) fn texts(texts: &[String]) -> String {
    json(&texts)
}

/// The rules of a session.
pub(crate) fn read_rules(text: &str) -> Result<Vec<String>, UnknownValue> {
    read("session.allowed", text)
}

/// The answers to the first questions.
pub(crate) fn read_replies(text: &str) -> Result<Vec<Vec<String>>, UnknownValue> {
    read("request.replies", text)
}

fn json(value: &impl Serialize) -> String {
    // Texts, numbers and lists of them are always JSON.
    serde_json::to_string(value).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(column: &'static str, text: &'a str) -> Result<T, UnknownValue> {
    serde_json::from_str(text).map_err(|_| UnknownValue::new(column, text))
}

impl From<Question> for WrittenQuestion {
    fn from(question: Question) -> Self {
        let options = question.options.into_iter();
        Self {
            header: question.header,
            text: question.text,
            options: options
                .map(|option| (option.label, option.description))
                .collect(),
            multiple: question.multiple,
        }
    }
}

impl From<WrittenQuestion> for Question {
    fn from(written: WrittenQuestion) -> Self {
        let options = written.options.into_iter();
        Self {
            header: written.header,
            text: written.text,
            options: options
                .map(|(label, description)| QuestionOption { label, description })
                .collect(),
            multiple: written.multiple,
        }
    }
}

impl From<Field> for WrittenField {
    fn from(field: Field) -> Self {
        let Field {
            name,
            label,
            long,
            required,
        } = field;
        Self {
            name,
            label,
            long,
            required,
        }
    }
}

impl From<WrittenField> for Field {
    fn from(written: WrittenField) -> Self {
        let WrittenField {
            name,
            label,
            long,
            required,
        } = written;
        Self {
            name,
            label,
            long,
            required,
        }
    }
}

impl From<Said> for WrittenSaid {
    fn from(said: Said) -> Self {
        match said {
            Said::Allow(scope) => Self::Allow(scope.name().to_owned()),
            Said::Deny { reason } => Self::Deny(reason),
            Said::Approve { accept_edits } => Self::Approve {
                edits: accept_edits,
            },
            Said::KeepPlanning { comment } => Self::KeepPlanning(comment),
            Said::Reply(reply) => Self::Reply(reply),
            Said::Fill(fields) => Self::Fill(fields),
            Said::Decline => Self::Decline,
        }
    }
}

impl TryFrom<WrittenSaid> for Said {
    type Error = UnknownValue;

    fn try_from(written: WrittenSaid) -> Result<Self, UnknownValue> {
        Ok(match written {
            WrittenSaid::Allow(name) => {
                let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name);
                Self::Allow(scope.ok_or_else(|| UnknownValue::new("request.verdict", &name))?)
            }
            WrittenSaid::Deny(reason) => Self::Deny { reason },
            WrittenSaid::Approve { edits } => Self::Approve {
                accept_edits: edits,
            },
            WrittenSaid::KeepPlanning(comment) => Self::KeepPlanning { comment },
            WrittenSaid::Reply(reply) => Self::Reply(reply),
            WrittenSaid::Fill(fields) => Self::Fill(fields),
            WrittenSaid::Decline => Self::Decline,
        })
    }
}
