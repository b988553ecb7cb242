//! Reads the live state; history rows are not touched.
//!
//! What is live has a partial index, and each query asks for that index's order: asked for the order
//! of the table, SQLite would walk through its history.

mod chain;
mod packed;
mod row;
mod threads;

use std::collections::{BTreeMap, VecDeque};

use futures_util::TryStreamExt as _;
use mpg_core::id::{
    AgentName, ChannelKey, InstallationId, MessageId, Place, PlatformId, Position, ProjectName,
    UserId,
};
use mpg_core::snapshot::{
    DeadLetter, KnownChannel, Rule, SeenMessages, Snapshot, Spender, Spending,
};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Row as _, query};

use self::packed::{SeenRow, page};
use self::threads::threads;
use crate::failure::ReadError;
use crate::key::{self, Names};

/// The state after all commits.
pub(crate) async fn snapshot(readers: &SqlitePool) -> Result<Snapshot, ReadError> {
    // One transaction, so that all tables are those of one moment.
    let mut transaction = readers.begin().await?;
    let connection = &mut *transaction;
    let mut names = Names::default();
    let installation = installation(connection).await?;
    let positions = positions(connection).await?;
    let seen = seen(connection, &mut names).await?;
    let channels = channels(connection, &mut names).await?;
    let threads = threads(connection, &mut names).await?;
    let rules = rules(connection).await?;
    let spending = spending(connection).await?;
    let dead = dead(connection, &mut names).await?;
    transaction.commit().await?;

    Ok(Snapshot {
        installation,
        positions,
        seen,
        channels,
        rules,
        spending,
        threads,
        dead,
    })
}

async fn installation(connection: &mut SqliteConnection) -> Result<InstallationId, ReadError> {
    let row = query("SELECT id FROM installation")
        .fetch_one(connection)
        .await?;
    let id = key::uuid("installation.id", row.try_get(0)?)?;
    Ok(InstallationId::from_uuid(id))
}

async fn positions(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<PlatformId, Position>, ReadError> {
    let mut rows = query("SELECT platform, value FROM position").fetch(connection);
    let mut positions = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let platform: &str = row.try_get(0)?;
        let position: &str = row.try_get(1)?;
        positions.insert(PlatformId::new(platform), Position::new(position));
    }
    Ok(positions)
}

async fn channels(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<ChannelKey, KnownChannel>, ReadError> {
    let mut rows =
        query("SELECT platform, channel, known_since, gap_since FROM channel").fetch(connection);
    let mut channels = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let gap: Option<i64> = row.try_get(3)?;
        let known = KnownChannel {
            since: key::timestamp(row.try_get(2)?),
            gap: gap.map(key::timestamp),
        };
        channels.insert(names.channel(row.try_get(0)?, row.try_get(1)?), known);
    }
    Ok(channels)
}

/// What was read back comes first: older messages count as seen by it.
async fn read_back(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<Place, SeenMessages>, ReadError> {
    let mut rows = query("SELECT platform, channel, thread, id FROM place_read").fetch(connection);
    let mut seen: BTreeMap<Place, SeenMessages> = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let place = names.place(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
        let upto: &str = row.try_get(3)?;
        seen.entry(place).or_default().read(MessageId::new(upto));
    }
    Ok(seen)
}

/// Each place keeps its newest messages and one more, which becomes the floor; their order does not
/// matter for the result.
async fn seen(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<Place, SeenMessages>, ReadError> {
    let mut seen = read_back(&mut *connection, names).await?;
    let mut rows = query(
        "WITH RECURSIVE page(first) AS (
             SELECT min(rowid) FROM message
             UNION ALL
             SELECT (SELECT rowid FROM message WHERE rowid >= first
                     ORDER BY rowid LIMIT 1 OFFSET 512)
             FROM page WHERE first IS NOT NULL)
         SELECT (SELECT json_group_array(json_array(platform, channel, thread, id))
                 FROM (SELECT * FROM message WHERE rowid >= first ORDER BY rowid LIMIT 512))
         FROM page WHERE first IS NOT NULL",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        for row in page::<SeenRow<'_>>("message", &row)? {
            let place = row.place(names)?;
            seen.entry(place).or_default().insert(row.message());
        }
    }
    // A map that is built at once has no empty room.
    Ok(seen.into_iter().collect())
}

async fn rules(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<ProjectName, Vec<Rule>>, ReadError> {
    let mut rows = query("SELECT project, rule, by_id, by_name, added_at FROM rule ORDER BY seq")
        .fetch(connection);
    let mut rules: BTreeMap<ProjectName, Vec<Rule>> = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let project: &str = row.try_get(0)?;
        rules
            .entry(ProjectName::new(project))
            .or_default()
            .push(row::rule(&row)?);
    }
    Ok(rules)
}

async fn spending(connection: &mut SqliteConnection) -> Result<Spending, ReadError> {
    let mut spending = Spending::default();
    let mut rows = query("SELECT day, project, agent, platform, user, microdollars FROM spending")
        .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let (project, agent): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
        let (platform, user): (&str, &str) = (row.try_get(3)?, row.try_get(4)?);
        let microdollars: i64 = row.try_get(5)?;
        let spender = Spender {
            project: ProjectName::new(project),
            agent: agent.strip_prefix('@').map(AgentName::new),
            platform: PlatformId::new(platform),
            user: UserId::new(user),
        };
        spending.day = spending.day.max(row.try_get(0)?);
        let microdollars = u64::try_from(microdollars).unwrap_or_default();
        spending.spent.insert(spender, microdollars);
    }
    drop(rows);
    let mut rows = query("SELECT day, project FROM budget_lift").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let project: &str = row.try_get(1)?;
        spending.day = spending.day.max(row.try_get(0)?);
        spending.lifted.insert(ProjectName::new(project));
    }
    Ok(spending)
}

async fn dead(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<VecDeque<DeadLetter>, ReadError> {
    let mut rows = query(
        "SELECT seq, id, kind, turn, agent, body, reply_to, platform, channel, root, reason, died_at,
                persona, color, footer, controls, mentions, replaces, files, fork
         FROM dead_letter ORDER BY seq",
    )
    .fetch(connection);
    let mut dead = VecDeque::new();
    while let Some(row) = rows.try_next().await? {
        dead.push_back(row::dead_letter(&row, names)?);
    }
    Ok(dead)
}
