//! What earlier gateways and keepers left of a session, and ending what nobody may keep.

use std::io;
use std::time::Duration;

use mpg_core::id::InstallationId;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::folder::{Folder, Meta};
use crate::spool::Remains;
use crate::sweep::end_marked;

/// How often it is looked whether a session that somebody has is free.
const ROUNDS: u32 = 1_000;
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What there is of a session.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// It belongs to another installation: it is not touched.
    Foreign,
    /// A keeper runs.
    Kept(Meta),
    /// Somebody has it, and no keeper is known: one that starts, or an agent that outlived its own.
    Held,
    /// Nobody has it, and a spool is left.
    Left(Remains),
}

/// Looks at a session.
pub(crate) async fn look(folder: &Folder, installation: InstallationId) -> io::Result<Found> {
    let folder = folder.clone();
    let looking = spawn_blocking(move || {
        let meta = folder.meta();
        if let Some(meta) = meta {
            if meta.installation != installation.to_string() {
                return Ok(Found::Foreign);
            }
            if meta.keeper.runs() {
                return Ok(Found::Kept(meta));
            }
        }
        if folder.is_held() {
            return Ok(Found::Held);
        }
        if !folder.spool().exists() {
            return Ok(Found::Nothing);
        }
        Remains::read(&folder.spool()).map(Found::Left)
    });
    looking.await.map_err(io::Error::other)?
}

/// Ends the agent of a keeper that is gone, and waits until nobody has the session.
///
/// Only processes that carry the session's marker are touched.
pub(crate) async fn end_leftover(folder: &Folder) -> io::Result<()> {
    for _ in 0..ROUNDS {
        let (held, meta) = state(folder).await?;
        if !held {
            return Ok(());
        }
        if let Some(meta) = meta.filter(|meta| !meta.keeper.runs()) {
            end_marked(&meta.marker).await;
        }
        sleep(PAUSE).await;
    }
    Err(io::Error::other("another process keeps this session"))
}

async fn state(folder: &Folder) -> io::Result<(bool, Option<Meta>)> {
    let folder = folder.clone();
    let look = spawn_blocking(move || (folder.is_held(), folder.meta()));
    look.await.map_err(io::Error::other)
}
