//! Requests and their answers as they stand in a spool and on a socket.

use mpg_core::control::Field;
use mpg_core::request::{About, Answer, Detail, Permission, Question, QuestionOption, Scope};
use serde::{Deserialize, Serialize};

use super::cut;

/// What a request is about; one of a kind that is not known here is [`Asked::Unknown`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub(crate) enum Asked {
    Permission {
        tool: String,
        summary: String,
        detail: Input,
        rule: String,
    },
    Questions {
        questions: Vec<AskedQuestion>,
    },
    Plan {
        text: String,
    },
    Form {
        from: String,
        message: String,
        fields: Vec<AskedField>,
    },
    #[serde(other)]
    Unknown,
}

/// The input of a tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Input {
    Command(String),
    Diff(String),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AskedQuestion {
    header: String,
    text: String,
    options: Vec<(String, String)>,
    multiple: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AskedField {
    name: String,
    label: String,
    long: bool,
    required: bool,
}

/// An [`Answer`]; one of a kind that is not known here is [`Answered::Unknown`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answered {
    Allow {
        scope: String,
    },
    Deny {
        message: String,
    },
    AcceptEdits,
    Replies {
        replies: Vec<Vec<String>>,
    },
    Filled {
        values: Vec<(String, String)>,
    },
    #[serde(other)]
    Unknown,
}

impl Asked {
    /// What it is about; `None` if a newer program said it.
    pub(crate) fn into_about(self) -> Option<About> {
        Some(match self {
            Self::Permission {
                tool,
                summary,
                detail,
                rule,
            } => About::Permission(Permission {
                tool,
                summary,
                detail: detail.into(),
                rule,
            }),
            Self::Questions { questions } => {
                About::Questions(questions.into_iter().map(Question::from).collect())
            }
            Self::Plan { text } => About::Plan { text },
            Self::Form {
                from,
                message,
                fields,
            } => About::Form {
                from,
                message,
                fields: fields.into_iter().map(Field::from).collect(),
            },
            Self::Unknown => return None,
        })
    }
}

impl Asked {
    /// Cuts each of its texts to a length.
    pub(super) fn cut(&mut self, limit: usize) {
        match self {
            Self::Permission {
                tool,
                summary,
                detail,
                rule,
            } => {
                cut(tool, limit);
                cut(summary, limit);
                cut(detail.text_mut(), limit);
                cut(rule, limit);
            }
            Self::Questions { questions } => {
                for question in questions {
                    cut(&mut question.header, limit);
                    cut(&mut question.text, limit);
                    for (label, description) in &mut question.options {
                        cut(label, limit);
                        cut(description, limit);
                    }
                }
            }
            Self::Plan { text } => cut(text, limit),
            Self::Form {
                from,
                message,
                fields,
            } => {
                cut(from, limit);
                cut(message, limit);
                for field in fields {
                    cut(&mut field.label, limit);
                }
            }
            Self::Unknown => {}
        }
    }
}

impl Input {
    fn text_mut(&mut self) -> &mut String {
        match self {
            Self::Command(text) | Self::Diff(text) | Self::Text(text) => text,
        }
    }
}

impl From<&About> for Asked {
    fn from(about: &About) -> Self {
        match about {
            About::Permission(permission) => Self::Permission {
                tool: permission.tool.clone(),
                summary: permission.summary.clone(),
                detail: (&permission.detail).into(),
                rule: permission.rule.clone(),
            },
            About::Questions(questions) => Self::Questions {
                questions: questions.iter().map(AskedQuestion::from).collect(),
            },
            About::Plan { text } => Self::Plan { text: text.clone() },
            About::Form {
                from,
                message,
                fields,
            } => Self::Form {
                from: from.clone(),
                message: message.clone(),
                fields: fields.iter().map(AskedField::from).collect(),
            },
        }
    }
}

impl From<Input> for Detail {
    fn from(input: Input) -> Self {
        match input {
            Input::Command(text) => Self::Command(text),
            Input::Diff(text) => Self::Diff(text),
            Input::Text(text) => Self::Text(text),
        }
    }
}

impl From<&Detail> for Input {
    fn from(detail: &Detail) -> Self {
        match detail {
            Detail::Command(text) => Self::Command(text.clone()),
            Detail::Diff(text) => Self::Diff(text.clone()),
            Detail::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<AskedQuestion> for Question {
    fn from(asked: AskedQuestion) -> Self {
        let options = asked.options.into_iter();
        Self {
            header: asked.header,
            text: asked.text,
            options: options
                .map(|(label, description)| QuestionOption { label, description })
                .collect(),
            multiple: asked.multiple,
        }
    }
}

impl From<&Question> for AskedQuestion {
    fn from(question: &Question) -> Self {
        let options = question.options.iter();
        Self {
            header: question.header.clone(),
            text: question.text.clone(),
            options: options
                .map(|option| (option.label.clone(), option.description.clone()))
                .collect(),
            multiple: question.multiple,
        }
    }
}

impl From<AskedField> for Field {
    fn from(field: AskedField) -> Self {
        Self {
            name: field.name,
            label: field.label,
            long: field.long,
            required: field.required,
        }
    }
}

impl From<&Field> for AskedField {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            label: field.label.clone(),
            long: field.long,
            required: field.required,
        }
    }
}

impl Answered {
    /// The answer. One that only a newer program understands allows nothing.
    pub(crate) fn into_answer(self) -> Answer {
        match self {
            Self::Allow { scope } => {
                let known = Scope::ALL.into_iter().find(|known| known.name() == scope);
                Answer::Allow(known.unwrap_or(Scope::Once))
            }
            Self::Deny { message } => Answer::Deny { message },
            Self::AcceptEdits => Answer::AcceptEdits,
            Self::Replies { replies } => Answer::Replies(replies),
            Self::Filled { values } => Answer::Filled(values),
            Self::Unknown => Answer::Deny {
                message: "the answer is of a kind that this program does not know".to_owned(),
            },
        }
    }
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Allow(scope) => Self::Allow {
                scope: scope.name().to_owned(),
            },
            Answer::Deny { message } => Self::Deny { message },
            Answer::AcceptEdits => Self::AcceptEdits,
            Answer::Replies(replies) => Self::Replies { replies },
            Answer::Filled(values) => Self::Filled { values },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        "é \u{1b}[1m\n".to_owned()
    }

    #[test]
    fn every_request_comes_back_as_it_was() {
        let permission = |detail| {
            About::Permission(Permission {
                tool: text(),
                summary: text(),
                detail,
                rule: text(),
            })
        };
        let option = QuestionOption {
            label: text(),
            description: text(),
        };
        let field = Field {
            name: text(),
            label: text(),
            long: true,
            required: false,
        };
        let abouts = [
            permission(Detail::Command(text())),
            permission(Detail::Diff(text())),
            permission(Detail::Text(text())),
            About::Questions(vec![Question {
                header: text(),
                text: text(),
                options: vec![option],
                multiple: true,
            }]),
            About::Plan { text: text() },
            About::Form {
                from: text(),
                message: text(),
                fields: vec![field],
            },
        ];
        for about in abouts {
            let json = serde_json::to_string(&Asked::from(&about)).unwrap();
            let asked: Asked = serde_json::from_str(&json).unwrap();
            assert_eq!(asked.into_about(), Some(about), "{json}");
        }
    }

    #[test]
    fn every_answer_comes_back_as_it_was() {
        let mut answers = vec![
            Answer::Deny { message: text() },
            Answer::AcceptEdits,
            Answer::Replies(vec![vec![text()], vec![]]),
            Answer::Filled(vec![(text(), text())]),
        ];
        answers.extend(Scope::ALL.map(Answer::Allow));
        for answer in answers {
            let json = serde_json::to_string(&Answered::from(answer.clone())).unwrap();
            let answered: Answered = serde_json::from_str(&json).unwrap();
            assert_eq!(answered.into_answer(), answer, "{json}");
        }
    }

    #[test]
    fn what_a_newer_program_says_allows_nothing() {
        let asked: Asked = serde_json::from_str(r#"{"about":"song","verse":1}"#).unwrap();
        assert_eq!(asked.into_about(), None);
        let answered: Answered = serde_json::from_str(r#"{"answer":"sing"}"#).unwrap();
        assert!(matches!(answered.into_answer(), Answer::Deny { .. }));
    }
}
