//! When conversations waited and worked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::{SignedDuration, Timestamp};
use mpg_core::id::ConversationId;
use mpg_core::view::{TurnQuery, TurnState, TurnView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Reader;
use crate::problem::{Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// How many turns are read at once.
const PAGE: u32 = 500;

/// Beyond how many turns no more are read.
const MOST: usize = 2_000;

/// The ranges, and their hours.
const RANGES: [(&str, i64); 6] = [
    ("1h", 1),
    ("3h", 3),
    ("12h", 12),
    ("24h", 24),
    ("7d", 24 * 7),
    ("30d", 24 * 30),
];

/// When conversations waited and worked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// The range that was asked for.
    range: &'static str,
    /// When it begins.
    begins: String,
    /// False where the range has older turns than those that are here: some 2,000 are read.
    complete: bool,
    /// The conversations with a turn in the range, the one that was asked last first.
    conversations: Vec<Line>,
}

/// What one conversation did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// Its project; null if the channel belongs to none any more.
    project: Option<String>,
    /// Its thread, as in `/api/threads/{thread}`.
    thread: String,
    /// The agent's name; null for the project's default agent.
    agent: Option<String>,
    /// The newest first.
    segments: Vec<Segment>,
}

/// What one turn did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Segment {
    /// The turn, as in `/api/turns/{id}`.
    turn: String,
    /// From when on it waited.
    queued_at: String,
    /// When its first attempt started; null while it waits.
    started_at: Option<String>,
    /// When it ended; null until then.
    ended_at: Option<String>,
    /// `answered`, `failed`, `stopped` or `abandoned`, once it has ended.
    outcome: Option<String>,
    /// Tokens that it wrote.
    output_tokens: u64,
}

/// How far back.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowFar {
    /// `1h`, `3h`, `12h`, `24h` (the default), `7d` or `30d`.
    range: Option<String>,
}

/// When conversations waited and worked, as far as their threads are remembered.
#[utoipa::path(
    get,
    path = "/api/activity/timeline",
    operation_id = "timeline",
    tag = "look",
    params(HowFar),
    responses((status = 200, description = "By conversation.", body = Timeline), Refusals)
)]
pub(crate) async fn timeline(
    _: Reader,
    State(app): State<App>,
    how_far: Result<Query<HowFar>, QueryRejection>,
) -> Result<Json<Timeline>, Problem> {
    let Query(HowFar { range }) = how_far?;
    let asked = range.as_deref().unwrap_or("24h");
    let mut ranges = RANGES.into_iter();
    let (range, hours) = ranges.find(|(name, _)| *name == asked).ok_or_else(|| {
        Problem::bad(format!(
            "{asked:?} is no range; use 1h, 3h, 12h, 24h, 7d or 30d"
        ))
    })?;
    let begins = Timestamp::now() - SignedDuration::from_hours(hours);
    let (turns, complete) = turns_since(&app, begins).await?;
    let mut order: Vec<ConversationId> = Vec::new();
    let mut segments: BTreeMap<ConversationId, Vec<Segment>> = BTreeMap::new();
    for turn in turns {
        let of_conversation = segments.entry(turn.conversation.clone()).or_default();
        if of_conversation.is_empty() {
            order.push(turn.conversation.clone());
        }
        of_conversation.push(Segment::from(turn));
    }
    let conversations = order.into_iter().map(|conversation| {
        let config = app.config();
        let project = config.routing.project_of(&conversation.root.channel);
        Line {
            project: project.map(|project| project.name.to_string()),
            thread: thread_id::write(&conversation.root),
            agent: conversation.agent.as_ref().map(ToString::to_string),
            segments: segments.remove(&conversation).unwrap_or_default(),
        }
    });
    Ok(Json(Timeline {
        range,
        begins: begins.to_string(),
        complete,
        conversations: conversations.collect(),
    }))
}

/// The turns that had not ended before `begins`, the newest first, and whether these are all.
async fn turns_since(app: &App, begins: Timestamp) -> Result<(Vec<TurnView>, bool), Problem> {
    let mut turns = Vec::new();
    // What waits or runs does so in every range, however long ago it was accepted.
    for state in [TurnState::Queued, TurnState::Running] {
        turns.extend(page(app, state, None).await?);
    }
    let mut before = None;
    let mut complete = true;
    loop {
        let ended = page(app, TurnState::Ended, before).await?;
        let Some(oldest) = ended.last() else {
            break;
        };
        before = Some(oldest.number);
        // Turns are numbered as they are accepted: what comes after a whole page of such was over
        // before the range began, too.
        let older = ended.len() < PAGE as usize || oldest.queued_at < begins;
        let within = |turn: &TurnView| turn.ended_at.is_some_and(|at| at >= begins);
        turns.extend(ended.into_iter().filter(within));
        if older {
            break;
        }
        if turns.len() >= MOST {
            complete = false;
            break;
        }
    }
    turns.sort_by_key(|turn| Reverse(turn.number));
    Ok((turns, complete))
}

/// The newest turns in a state that were accepted before the one with a number.
async fn page(app: &App, state: TurnState, before: Option<u64>) -> Result<Vec<TurnView>, Problem> {
    let query = TurnQuery {
        state: Some(state),
        before,
        limit: PAGE,
        ..TurnQuery::default()
    };
    Ok(app.views.recent_turns(&query).await?)
}

impl From<TurnView> for Segment {
    fn from(turn: TurnView) -> Self {
        Self {
            turn: turn.id.to_string(),
            queued_at: turn.queued_at.to_string(),
            started_at: turn.started_at.map(|at| at.to_string()),
            ended_at: turn.ended_at.map(|at| at.to_string()),
            outcome: turn.outcome,
            output_tokens: turn.usage.output_tokens,
        }
    }
}
