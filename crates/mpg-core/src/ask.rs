//! How people answer what an agent asks: by a control, by a number, or in their own words.

use crate::control::{
    Button, ButtonStyle, Choice, ChoiceOption, Control, Field, Form, LONGEST_LABEL, MAX_FIELDS,
    MAX_OPTIONS,
};
use crate::id::AskId;
use crate::interaction::ActionId;
use crate::persona::one_line;
use crate::request::{About, Answer, Question, Scope};
use crate::snapshot::Ask;
use crate::wording::asks as wording;

/// The longest text that somebody writes as an answer, in bytes; what is longer is cut.
const LONGEST_TEXT: usize = 8 * 1024;

/// How many options of a question are buttons; more of them are a list.
const MOST_BUTTONS: usize = 5;

/// The one field of a form for something that is written.
const TEXT: &str = "text";

/// What somebody says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The tool may run.
    Allow(Scope),
    /// It may not.
    Deny {
        /// Why, in their words.
        reason: Option<String>,
    },
    /// The plan is good.
    Approve {
        /// Whether edits run unasked from here on.
        accept_edits: bool,
    },
    /// The plan is not good yet.
    KeepPlanning {
        /// What is missing, in their words.
        comment: Option<String>,
    },
    /// The answer to the question that is open.
    Reply(Vec<String>),
    /// What was filled in, by the names of the fields.
    Fill(Vec<(String, String)>),
    /// Nothing will be filled in.
    Decline,
}

impl Said {
    /// Whether it takes somebody who may approve.
    pub fn is_approval(&self) -> bool {
        match self {
            Self::Allow(_)
            | Self::Deny { .. }
            | Self::Approve { .. }
            | Self::KeepPlanning { .. } => true,
            Self::Reply(_) | Self::Fill(_) | Self::Decline => false,
        }
    }

    /// What the agent is told; `None` of one reply among several.
    pub(crate) fn answer(&self, ask: &Ask, by: &str) -> Option<Answer> {
        Some(match self {
            Self::Allow(scope) => Answer::Allow(*scope),
            Self::Approve { accept_edits: true } => Answer::AcceptEdits,
            Self::Approve {
                accept_edits: false,
            } => Answer::Allow(Scope::Once),
            Self::Deny { reason } => Answer::Deny {
                message: wording::denied_to_agent(by, reason.as_deref()),
            },
            Self::KeepPlanning { comment } => Answer::Deny {
                message: wording::keep_planning_to_agent(by, comment.as_deref()),
            },
            Self::Decline => Answer::Deny {
                message: wording::declined_to_agent(by),
            },
            Self::Fill(fields) => Answer::Filled(fields.clone()),
            Self::Reply(reply) => {
                let About::Questions(questions) = &ask.about else {
                    return None;
                };
                if ask.replies.len() + 1 < questions.len() {
                    return None;
                }
                let mut replies = ask.replies.clone();
                replies.push(reply.clone());
                Answer::Replies(replies)
            }
        })
    }
}

/// How a request is answered from outside of every platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// With one of its controls.
    Used {
        /// The control.
        control: ActionId,
        /// What was chosen.
        values: Vec<String>,
        /// What was written into its form, by the names of the fields.
        fields: Vec<(String, String)>,
    },
    /// In words, as somebody would write them in its thread.
    Written(String),
}

/// Why something that was done with a control of a request says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// It is about a question that was answered before.
    Earlier,
    /// Something is missing.
    Incomplete,
    /// It is no control of this request.
    Unknown,
}

/// The ways to answer a permission or a plan: a number, what it is called, and what else is written
/// for it.
struct Way {
    label: &'static str,
    words: &'static [&'static str],
    style: ButtonStyle,
    /// What the field is called in which something is written, where something is.
    writes: Option<&'static str>,
    says: fn(Option<String>) -> Said,
}

const PERMISSION: &[Way] = &[
    Way {
        label: "Allow once",
        words: &["allow", "once"],
        style: ButtonStyle::Primary,
        writes: None,
        says: |_| Said::Allow(Scope::Once),
    },
    Way {
        label: "Allow for this session",
        words: &["session"],
        style: ButtonStyle::Plain,
        writes: None,
        says: |_| Said::Allow(Scope::Session),
    },
    Way {
        label: "Always for this project",
        words: &["always"],
        style: ButtonStyle::Plain,
        writes: None,
        says: |_| Said::Allow(Scope::Project),
    },
    Way {
        label: "Deny",
        words: &["deny"],
        style: ButtonStyle::Danger,
        writes: None,
        says: |_| Said::Deny { reason: None },
    },
    Way {
        label: "Deny with a reason",
        words: &["deny"],
        style: ButtonStyle::Danger,
        writes: Some("Reason"),
        says: |reason| Said::Deny { reason },
    },
];

const PLAN: &[Way] = &[
    Way {
        label: "Approve",
        words: &["approve"],
        style: ButtonStyle::Primary,
        writes: None,
        says: |_| Said::Approve {
            accept_edits: false,
        },
    },
    Way {
        label: "Approve and accept edits",
        words: &["accept edits"],
        style: ButtonStyle::Plain,
        writes: None,
        says: |_| Said::Approve { accept_edits: true },
    },
    Way {
        label: "Keep planning",
        words: &["keep planning"],
        style: ButtonStyle::Plain,
        writes: Some("What is missing"),
        says: |comment| Said::KeepPlanning { comment },
    },
];

/// The names of the ways to answer, in the order of their numbers, and whether something is written
/// for each.
pub(crate) fn ways(about: &About) -> impl Iterator<Item = (&'static str, bool)> {
    let table = table(about).unwrap_or_default();
    table.iter().map(|way| (way.label, way.writes.is_some()))
}

fn table(about: &About) -> Option<&'static [Way]> {
    match about {
        About::Permission(_) => Some(PERMISSION),
        About::Plan { .. } => Some(PLAN),
        About::Questions(_) | About::Form { .. } => None,
    }
}

/// The question that is open, with its number.
pub(crate) fn open_question(ask: &Ask) -> Option<(usize, &Question)> {
    let About::Questions(questions) = &ask.about else {
        return None;
    };
    let index = ask.replies.len();
    questions.get(index).map(|question| (index, question))
}

/// The controls of a request; without forms, what would open one is left to be written.
pub(crate) fn controls(ask: &Ask, forms: bool) -> Vec<Control> {
    if let Some(ways) = table(&ask.about) {
        let shown = ways.iter().enumerate();
        let shown = shown.filter(|(_, way)| forms || way.writes.is_none());
        return shown
            .map(|(index, way)| {
                let id = action(ask.id, &(index + 1).to_string());
                let opens = way.writes.map(|field| one_field(&id, way.label, field));
                Control::Button(Button {
                    opens,
                    ..Button::new(id, way.label, way.style)
                })
            })
            .collect();
    }
    match &ask.about {
        About::Questions(_) => {
            let open = open_question(ask);
            open.map_or_else(Vec::new, |(index, question)| {
                of_question(ask.id, index, question, forms)
            })
        }
        About::Form { from, fields, .. } => of_form(ask.id, from, fields, forms),
        About::Permission(_) | About::Plan { .. } => Vec::new(),
    }
}

fn of_question(ask: AskId, index: usize, question: &Question, forms: bool) -> Vec<Control> {
    let mut controls = Vec::new();
    let options = &question.options;
    if question.multiple || options.len() > MOST_BUTTONS {
        let options = options.iter().take(MAX_OPTIONS).enumerate();
        let options: Vec<ChoiceOption> = options
            .map(|(number, option)| {
                let description = one_line(&option.description, 100);
                ChoiceOption {
                    value: number.to_string(),
                    label: label(&option.label, number),
                    description: Some(description).filter(|text| !text.is_empty()),
                }
            })
            .collect();
        if !options.is_empty() {
            controls.push(Control::Choice(Choice {
                id: action(ask, &index.to_string()),
                prompt: wording::choose(question.multiple).to_owned(),
                most: most_chosen(question),
                options,
            }));
        }
    } else {
        controls.extend(options.iter().enumerate().map(|(number, option)| {
            let id = action(ask, &format!("{index}.{number}"));
            let label = label(&option.label, number);
            Control::Button(Button::new(id, label, ButtonStyle::Plain))
        }));
    }
    if forms {
        let id = action(ask, &format!("{index}.o"));
        controls.push(Control::Button(Button {
            opens: Some(one_field(&id, wording::other(), wording::your_answer())),
            ..Button::new(id, wording::other(), ButtonStyle::Plain)
        }));
    }
    controls
}

fn of_form(ask: AskId, from: &str, fields: &[Field], forms: bool) -> Vec<Control> {
    let mut controls = Vec::new();
    if forms && fields.len() <= MAX_FIELDS {
        let id = action(ask, "f");
        let form = Form {
            id: id.clone(),
            title: label(from, 0).chars().take(45).collect(),
            fields: fields.to_vec(),
        };
        controls.push(Control::Button(Button {
            opens: (!fields.is_empty()).then_some(form),
            ..Button::new(
                id,
                wording::fill_in(fields.is_empty()),
                ButtonStyle::Primary,
            )
        }));
    }
    let decline = action(ask, "d");
    controls.push(Control::Button(Button::new(
        decline,
        wording::decline(),
        ButtonStyle::Danger,
    )));
    controls
}

fn one_field(id: &ActionId, title: &str, field: &str) -> Form {
    Form {
        id: id.clone(),
        title: title.to_owned(),
        fields: vec![Field {
            name: TEXT.to_owned(),
            label: field.to_owned(),
            long: true,
            required: true,
        }],
    }
}

/// A label that is never empty and never too long.
fn label(text: &str, number: usize) -> String {
    let label = one_line(text, LONGEST_LABEL);
    if label.is_empty() {
        return (number + 1).to_string();
    }
    label
}

fn action(ask: AskId, what: &str) -> ActionId {
    ActionId::parse(&format!("ask:{ask}:{what}"))
        .expect("a word, a UUID and two numbers are neither empty nor too long")
}

/// The request that a control belongs to, and which of its controls it is.
pub(crate) fn of_action(id: &ActionId) -> Option<(AskId, &str)> {
    let (ask, what) = id.as_str().strip_prefix("ask:")?.split_once(':')?;
    Some((AskId::from_uuid(ask.parse().ok()?), what))
}

/// What somebody says who used a control: chose `values`, or wrote `fields`.
pub(crate) fn said(
    ask: &Ask,
    what: &str,
    values: &[String],
    fields: &[(String, String)],
) -> Result<Said, Unsaid> {
    if let Some(ways) = table(&ask.about) {
        let number: usize = what.parse().map_err(|_| Unsaid::Unknown)?;
        let way = number.checked_sub(1).and_then(|index| ways.get(index));
        let way = way.ok_or(Unsaid::Unknown)?;
        let text = way.writes.and_then(|_| field(fields, TEXT));
        return Ok((way.says)(text));
    }
    match &ask.about {
        About::Questions(_) => reply(ask, what, values, fields),
        About::Form { fields: wanted, .. } if what == "f" => filled(wanted, fields),
        About::Form { .. } if what == "d" => Ok(Said::Decline),
        About::Form { .. } | About::Permission(_) | About::Plan { .. } => Err(Unsaid::Unknown),
    }
}

fn reply(
    ask: &Ask,
    what: &str,
    values: &[String],
    fields: &[(String, String)],
) -> Result<Said, Unsaid> {
    let (of, option) = match what.split_once('.') {
        Some((of, option)) => (of, Some(option)),
        None => (what, None),
    };
    let of: usize = of.parse().map_err(|_| Unsaid::Unknown)?;
    let (index, question) = open_question(ask).ok_or(Unsaid::Earlier)?;
    if of != index {
        return Err(if of < index {
            Unsaid::Earlier
        } else {
            Unsaid::Unknown
        });
    }
    let label = |number: &str| {
        let option = question.options.get(number.parse::<usize>().ok()?)?;
        Some(option.label.clone())
    };
    let chosen: Option<Vec<String>> = match option {
        Some("o") => field(fields, TEXT).map(|text| vec![text]),
        Some(number) => label(number).map(|label| vec![label]),
        // What comes from outside of a platform may be anything.
        None if values.len() > most_chosen(question) => None,
        None => values.iter().map(|value| label(value)).collect(),
    };
    let chosen = chosen.ok_or(Unsaid::Unknown)?;
    if chosen.is_empty() {
        return Err(Unsaid::Incomplete);
    }
    Ok(Said::Reply(chosen))
}

/// How many options of a question may be chosen.
fn most_chosen(question: &Question) -> usize {
    if question.multiple {
        question.options.len().min(MAX_OPTIONS)
    } else {
        1
    }
}

fn filled(wanted: &[Field], fields: &[(String, String)]) -> Result<Said, Unsaid> {
    let mut filled = Vec::new();
    for wants in wanted {
        match field(fields, &wants.name) {
            Some(text) => filled.push((wants.name.clone(), text)),
            None if wants.required => return Err(Unsaid::Incomplete),
            None => {}
        }
    }
    Ok(Said::Fill(filled))
}

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    let (_, text) = fields.iter().find(|(field, _)| field == name)?;
    Some(bounded(text)).filter(|text| !text.is_empty())
}

/// What somebody says who wrote a text; `None` where that is no answer to this request.
///
/// Numbers count where they were shown. Of a permission and a plan, the words of their table count
/// everywhere. Whatever else is written about a question is its answer, and about a plan, what is
/// missing from it.
pub(crate) fn written(ask: &Ask, text: &str, numbered: bool) -> Option<Said> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match &ask.about {
        About::Permission(_) => chosen(PERMISSION, text, numbered),
        About::Plan { .. } => chosen(PLAN, text, numbered).or_else(|| {
            let comment = Some(bounded(text));
            Some(Said::KeepPlanning { comment })
        }),
        About::Questions(_) => {
            let (_, question) = open_question(ask)?;
            Some(Said::Reply(replied(question, text)))
        }
        About::Form { fields, .. } => written_form(fields, text),
    }
}

/// The way that a text names, by its number, its label, or one of its words.
fn chosen(ways: &[Way], text: &str, numbered: bool) -> Option<Said> {
    let lower = text.to_lowercase();
    let plain = lower.trim_end_matches(['.', '!']);
    for (index, way) in ways.iter().enumerate() {
        let number = (index + 1).to_string();
        let named = way.label.to_lowercase() == plain || way.words.contains(&plain);
        if named || (numbered && number == plain) {
            return Some((way.says)(None));
        }
    }
    for (index, way) in ways.iter().enumerate() {
        if way.writes.is_none() {
            continue;
        }
        let number = (index + 1).to_string();
        let names = way.words.iter().copied();
        for name in names.chain(numbered.then_some(number.as_str())) {
            let head = text.get(..name.len());
            let begins = head.is_some_and(|head| head.eq_ignore_ascii_case(name));
            let rest = text.get(name.len()..).filter(|_| begins);
            let said = rest.filter(|rest| rest.starts_with([':', ',', ' ', '\n']));
            let why = said.map(|rest| bounded(rest.trim_start_matches([':', ',', ' ', '\n'])));
            if let Some(why) = why.filter(|why| !why.is_empty()) {
                return Some((way.says)(Some(why)));
            }
        }
    }
    None
}

/// The options that a text names, by label or number; else the text itself.
fn replied(question: &Question, text: &str) -> Vec<String> {
    let named = |part: &str| {
        let part = part.trim();
        let options = question.options.iter();
        let labelled = options
            .clone()
            .find(|option| option.label.trim().to_lowercase() == part.to_lowercase());
        let number = part.trim_end_matches('.').parse::<usize>().ok();
        let numbered = number.and_then(|number| question.options.get(number.checked_sub(1)?));
        labelled.or(numbered).map(|option| option.label.clone())
    };
    if let Some(one) = named(text) {
        return vec![one];
    }
    if question.multiple {
        let parts = text.split([',', '\n', '+', ';']);
        let several: Option<Vec<String>> = parts.map(named).collect();
        let by_space = || {
            let parts = text.split_whitespace();
            let numbers = parts.clone().all(|part| part.parse::<usize>().is_ok());
            numbers.then(|| parts.map(named).collect::<Option<Vec<String>>>())?
        };
        if let Some(mut several) = several.or_else(by_space) {
            let mut known = Vec::new();
            several.retain(|label| {
                let new = !known.contains(label);
                known.push(label.clone());
                new
            });
            return several;
        }
    }
    vec![bounded(text)]
}

/// One field takes the whole text, several a line each: `name: value`.
fn written_form(wanted: &[Field], text: &str) -> Option<Said> {
    let word = text.to_lowercase();
    if ["decline", "deny", "cancel"].contains(&word.as_str()) {
        return Some(Said::Decline);
    }
    if wanted.is_empty() {
        return (word == "agree").then(|| Said::Fill(Vec::new()));
    }
    if let [only] = wanted {
        return Some(Said::Fill(vec![(only.name.clone(), bounded(text))]));
    }
    let fields: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = name.trim().to_lowercase();
            let mut wanted = wanted.iter();
            let field = wanted.find(|field| {
                field.name.to_lowercase() == name || field.label.to_lowercase() == name
            })?;
            Some((field.name.clone(), value.trim().to_owned()))
        })
        .collect();
    filled(wanted, &fields).ok()
}

fn bounded(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

#[cfg(test)]
mod tests;
