//! What agents ask people, with the means to answer it.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use mpg_core::ask::Given;
use mpg_core::control::{ButtonStyle, Control, Field};
use mpg_core::gateway::{AnyRequest, OpenRequest, RequestEnd};
use mpg_core::id::RootId;
use mpg_core::token::Scope;

use super::markup;
use super::notation::Moment;
use super::page::{Page, Trouble, Visitor, done, shown};
use super::row::Link;
use crate::api::request::{ask_id, control_id, nothing};
use crate::auth::Who;
use crate::chat::Used;
use crate::desk::Closed;
use crate::problem::Problem;
use crate::router::App;

/// How many requests a page shows with all that they say.
const LISTED: usize = 50;

/// What a control is called in a form.
const CONTROL: &str = "control";

/// What something that is chosen is called in a form.
const VALUE: &str = "value";

/// What the names of the texts in a form begin with.
const FIELD: &str = "field.";

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    page: Page,
    requests: Vec<RequestCard>,
    /// How many more there are.
    left_out: usize,
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    page: Page,
    request: Option<RequestCard>,
    /// What came of one that waits no more.
    past: Option<(Link, String)>,
}

/// Something that waits for people.
#[derive(Clone, Debug)]
pub(crate) struct RequestCard {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) thread: Link,
    pub(crate) project: Link,
    pub(crate) agent: String,
    pub(crate) author: String,
    pub(crate) at: Moment,
    pub(crate) until: Moment,
    /// What is asked, as HTML that does nothing.
    pub(crate) html: String,
    pub(crate) means: Vec<Means>,
    /// Where an answer is sent.
    pub(crate) action: String,
}

/// A way to answer.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) control: String,
    pub(crate) label: String,
    pub(crate) is_danger: bool,
    pub(crate) fields: Vec<Field>,
    /// Values and what they say.
    pub(crate) options: Vec<(String, String)>,
    /// `radio` or `checkbox`.
    pub(crate) chosen_by: &'static str,
}

impl From<&OpenRequest> for RequestCard {
    fn from(open: &OpenRequest) -> Self {
        let agent = open.conversation.agent.as_ref();
        Self {
            id: open.ask.id.to_string(),
            kind: open.ask.about.name(),
            thread: Link::to_thread(&open.conversation.root),
            project: Link::to_project(&open.project),
            agent: agent.map(ToString::to_string).unwrap_or_default(),
            author: open.author.to_string(),
            at: open.ask.at.into(),
            until: open.until.into(),
            html: markup::html(&open.text()),
            means: open.controls().into_iter().map(Means::from).collect(),
            action: format!("/requests/{}/answer", open.ask.id),
        }
    }
}

impl From<Control> for Means {
    fn from(control: Control) -> Self {
        match control {
            Control::Button(button) => Self {
                control: button.id.as_str().to_owned(),
                label: button.label,
                is_danger: button.style == ButtonStyle::Danger,
                fields: button.opens.map(|form| form.fields).unwrap_or_default(),
                options: Vec::new(),
                chosen_by: "",
            },
            Control::Choice(choice) => Self {
                control: choice.id.as_str().to_owned(),
                label: choice.prompt,
                is_danger: false,
                fields: Vec::new(),
                chosen_by: if choice.most > 1 { "checkbox" } else { "radio" },
                options: choice
                    .options
                    .into_iter()
                    .map(|option| {
                        let label = match option.description {
                            Some(more) => format!("{}: {more}", option.label),
                            None => option.label,
                        };
                        (option.value, label)
                    })
                    .collect(),
            },
        }
    }
}

/// What waits in a thread.
pub(crate) async fn cards(app: &App, root: &RootId) -> Result<Vec<RequestCard>, Closed> {
    let open = app.desk.requests().await?;
    let here = open.iter().filter(|open| open.conversation.root == *root);
    Ok(here.take(LISTED).map(RequestCard::from).collect())
}

pub(crate) async fn requests(
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Trouble> {
    let open = app.desk.requests().await;
    let open = open.map_err(|closed| visitor.trouble(closed))?;
    Ok(shown(&RequestsPage {
        page: visitor.page("Requests", "/requests", Some("/live".to_owned())),
        requests: open.iter().take(LISTED).map(RequestCard::from).collect(),
        left_out: open.len().saturating_sub(LISTED),
    }))
}

pub(crate) async fn request(
    visitor: Visitor,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let found = find(&app, &id).await;
    let found = found.map_err(|problem| visitor.trouble(problem))?;
    let (request, past) = match found {
        AnyRequest::Open(open) => (Some(RequestCard::from(&*open)), None),
        AnyRequest::Past(past) => {
            let end = match past.end {
                RequestEnd::Answered { outcome, .. } => outcome,
                RequestEnd::Expired => "nobody answered in time".to_owned(),
                RequestEnd::Over => "the agent does not wait for it any more".to_owned(),
            };
            let said = format!("{}\n\n{end}", past.summary);
            let thread = Link::to_thread(&past.conversation.root);
            (None, Some((thread, markup::html(&said))))
        }
    };
    Ok(shown(&RequestPage {
        page: visitor.page("Request", "/requests", Some("/live".to_owned())),
        request,
        past,
    }))
}

async fn find(app: &App, id: &str) -> Result<AnyRequest, Problem> {
    let found = app.desk.request(ask_id(id)?).await?;
    found.ok_or_else(nothing)
}

/// Answers one.
pub(crate) async fn answer(
    visitor: Visitor,
    Who(by): Who,
    State(app): State<App>,
    Path(id): Path<String>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Trouble> {
    visitor.may(Scope::Write)?;
    let given = form
        .map_err(Problem::from)
        .and_then(|Form(form)| given(form));
    let answered = match (ask_id(&id), given) {
        (Ok(id), Ok(given)) => app.desk.answer(id, given, by).await.map_err(Problem::from),
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    answered.map_err(|problem| visitor.trouble(problem))?;
    Ok(done(visitor, "it is answered", "/requests".to_owned()))
}

/// What a form says.
fn given(form: Vec<(String, String)>) -> Result<Given, Problem> {
    let Used {
        control,
        values,
        fields,
    } = used(form)?;
    Ok(Given::Used {
        control,
        values,
        fields,
    })
}

/// The control that a form uses, what was chosen, and what was filled in.
pub(crate) fn used(form: Vec<(String, String)>) -> Result<Used, Problem> {
    let mut control = None;
    let mut values = Vec::new();
    let mut fields = Vec::new();
    for (name, value) in form {
        match name.as_str() {
            CONTROL => control = Some(control_id(&value)?),
            VALUE => values.push(value),
            _ => {
                if let Some(name) = name.strip_prefix(FIELD) {
                    fields.push((name.to_owned(), value));
                }
            }
        }
    }
    let control = control.ok_or_else(|| Problem::bad("the form names no control"))?;
    Ok(Used {
        control,
        values,
        fields,
    })
}
