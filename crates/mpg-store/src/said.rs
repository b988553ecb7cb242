//! What was said in a thread, from the rows of its turns and answers.

use mpg_core::history::{KEPT, Said, Speaker};
use mpg_core::id::{MessageId, RootId, TurnId, UserId};
use mpg_core::out_file::Content;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row as _, query};

use crate::failure::ReadError;
use crate::key::{self, Names};
use crate::out_file;

/// How many rows are read of each sort: a message to several agents is several rows, and so is a
/// long answer.
const ROWS: usize = 4 * KEPT;

/// The newest parts, in order.
pub(crate) async fn said(readers: &SqlitePool, root: &RootId) -> Result<Vec<Said>, ReadError> {
    // One transaction, so that both are those of one moment.
    let mut transaction = readers.begin().await?;
    let mut names = Names::default();
    let of_root = |sql| {
        query(sql)
            .bind(root.channel.platform.to_string())
            .bind(root.channel.channel.to_string())
            .bind(key::root(&root.root))
            .bind(i64::try_from(ROWS).unwrap_or(i64::MAX))
    };
    let asked = of_root(
        "SELECT q.queued_at, q.author, q.cause_message, c.agent, q.prompt
         FROM turn q JOIN conversation c ON c.id = q.conversation
         JOIN thread t ON t.id = c.thread
         WHERE t.platform = $1 AND t.channel = $2 AND t.root = $3 AND q.origin = 'person'
         ORDER BY q.seq DESC LIMIT $4",
    )
    .fetch_all(&mut *transaction)
    .await?;
    let answered = of_root(
        "SELECT planned_at, turn, agent, body, files FROM delivery
         WHERE kind = 'answer' AND thread =
             (SELECT id FROM thread WHERE platform = $1 AND channel = $2 AND root = $3)
         ORDER BY seq DESC LIMIT $4",
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;

    let mut said = Vec::new();
    for row in asked.iter().rev() {
        add_question(&mut said, row, &mut names)?;
    }
    for row in answered.iter().rev() {
        add_answer(&mut said, row, &mut names)?;
    }
    // Stable: of one moment, what was asked comes first.
    said.sort_by_key(|said| said.at);
    let older = said.len().saturating_sub(KEPT);
    said.drain(..older);
    Ok(said)
}

fn add_question(said: &mut Vec<Said>, row: &SqliteRow, names: &mut Names) -> Result<(), ReadError> {
    let message: &str = row.try_get(2)?;
    let agent = names.agent(row.try_get(3)?)?;
    for known in said.iter_mut().rev() {
        if let Speaker::Person {
            message: of, to, ..
        } = &mut known.speaker
            && of.as_str() == message
        {
            to.push(agent);
            to.sort();
            return Ok(());
        }
    }
    let author: &str = row.try_get(1)?;
    said.push(Said {
        speaker: Speaker::Person {
            author: UserId::new(author),
            message: MessageId::new(message),
            to: vec![agent],
        },
        text: row.try_get(4)?,
        at: key::timestamp(row.try_get(0)?),
    });
    Ok(())
}

fn add_answer(said: &mut Vec<Said>, row: &SqliteRow, names: &mut Names) -> Result<(), ReadError> {
    let turn = TurnId::from_uuid(key::uuid("delivery.turn", row.try_get(1)?)?);
    let files = out_file::read(row.try_get(4)?)?;
    let whole = files.iter().find_map(|file| match &file.content {
        Content::Text(text) => Some(&**text),
        Content::Kept(_) => None,
    });
    let text: &str = match whole {
        Some(whole) => whole,
        None => row.try_get(3)?,
    };
    if let Some(last) = said.last_mut()
        && matches!(&last.speaker, Speaker::Agent { turn: of, .. } if *of == turn)
    {
        last.text.extend(["\n", text]);
        return Ok(());
    }
    said.push(Said {
        speaker: Speaker::Agent {
            name: names.agent(row.try_get(2)?)?,
            turn,
        },
        text: text.to_owned(),
        at: key::timestamp(row.try_get(0)?),
    });
    Ok(())
}
