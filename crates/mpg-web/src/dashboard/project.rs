//! Projects: how they are set up, and what happens in them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mpg_core::config::Project;
use mpg_core::id::ProjectName;
use mpg_core::view::{TurnQuery, TurnView};

use super::page::{Page, Trouble, Visitor, shown};
use super::row::{ActiveRow, Link, TurnRow};
use super::setup::{self, Rows};
use crate::desk::Status;
use crate::problem::Problem;
use crate::router::App;

/// How many turns a project's page lists.
const LISTED: u32 = 20;

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    page: Page,
    projects: Vec<ProjectRow>,
}

/// A project in a list.
struct ProjectRow {
    link: Link,
    directory: String,
    channels: String,
    agents: String,
    active: usize,
}

/// All projects, by name.
pub(crate) async fn projects(
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Trouble> {
    let status = app.desk.status().await;
    let status = status.map_err(|closed| visitor.trouble(closed))?;
    let config = app.config();
    let projects = config.routing.projects().map(|project| ProjectRow {
        link: Link::to_project(&project.name),
        directory: project.directory.clone(),
        channels: channels(project),
        agents: setup::list(project.agents.keys()),
        active: active(&status, &project.name).count(),
    });
    Ok(shown(&ProjectsPage {
        page: visitor.page("Projects", "/projects", Some("/live".to_owned())),
        projects: projects.collect(),
    }))
}

#[derive(Template)]
#[template(path = "project.html")]
struct ProjectPage {
    page: Page,
    directory: String,
    channels: String,
    active: Vec<ActiveRow>,
    turns: Vec<TurnRow>,
    settings: Rows,
    agents: Vec<AgentRows>,
}

/// An agent of a project.
struct AgentRows {
    name: String,
    settings: Rows,
}

/// One project.
pub(crate) async fn project(
    visitor: Visitor,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Trouble> {
    visitor.shown(look(visitor, &app, name).await)
}

async fn look(visitor: Visitor, app: &App, name: String) -> Result<ProjectPage, Problem> {
    let config = app.config();
    let project = config.routing.project(&ProjectName::new(name));
    let project = project.ok_or_else(|| Problem::not_there("there is no such project"))?;
    let status = app.desk.status().await?;
    let turns = turns(app, project).await?;
    let default = AgentRows {
        name: "Default agent".to_owned(),
        settings: setup::agent(&project.agent),
    };
    let named = project.agents.iter().map(|(name, agent)| AgentRows {
        name: format!("{name} ({})", agent.role),
        settings: setup::agent(&agent.agent),
    });
    Ok(ProjectPage {
        page: visitor.page(
            project.name.to_string(),
            "/projects",
            Some("/live".to_owned()),
        ),
        directory: project.directory.clone(),
        channels: channels(project),
        active: active(&status, &project.name).collect(),
        turns: turns.into_iter().map(TurnRow::from).collect(),
        settings: setup::project(project),
        agents: std::iter::once(default).chain(named).collect(),
    })
}

/// The latest turns in all channels of a project.
async fn turns(app: &App, project: &Project) -> Result<Vec<TurnView>, Problem> {
    let mut turns = Vec::new();
    for channel in &project.channels {
        let query = TurnQuery {
            channel: Some(channel.clone()),
            limit: LISTED,
            ..TurnQuery::default()
        };
        turns.extend(app.views.recent_turns(&query).await?);
    }
    turns.sort_by_key(|turn| std::cmp::Reverse(turn.number));
    turns.truncate(LISTED as usize);
    Ok(turns)
}

fn active<'a>(status: &'a Status, name: &'a ProjectName) -> impl Iterator<Item = ActiveRow> + 'a {
    let active = status.overview.active.iter();
    active
        .filter(move |one| one.project == *name)
        .map(ActiveRow::from)
}

fn channels(project: &Project) -> String {
    setup::list(&project.channels)
}
