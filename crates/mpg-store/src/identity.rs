//! What a store proves to processes that outlive a gateway.

use std::fmt;
use std::io;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use crate::key;

/// How many random bytes a secret has.
const SECRET_LENGTH: usize = 32;

/// Random bytes that only this user's gateways of one state know. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_LENGTH]);

impl Secret {
    /// The bytes, for the one who has to prove that they are known.
    pub fn expose(&self) -> &[u8; SECRET_LENGTH] {
        &self.0
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; SECRET_LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Who has opened the state.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) epoch: u64,
    pub(crate) secret: Secret,
}

impl Identity {
    fn of_row(epoch: i64, secret: &[u8]) -> Result<Self, sqlx::Error> {
        let epoch = u64::try_from(epoch).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let secret = secret.try_into();
        let secret =
            secret.map_err(|_| sqlx::Error::Decode("a secret of another length".into()))?;
        Ok(Self {
            epoch,
            secret: Secret(secret),
        })
    }
}

/// Makes the installation's id and secret unless they are there, and begins the next epoch.
pub(crate) async fn begin_epoch(writer: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    let secret = Secret::random().map_err(sqlx::Error::Io)?;
    let (epoch, secret): (i64, Vec<u8>) = sqlx::query_as(
        "INSERT INTO installation (only_row, id, created_at, epoch, secret)
         VALUES (1, $1, $2, 1, $3)
         ON CONFLICT (only_row) DO UPDATE
         SET epoch = CASE WHEN epoch < 0 THEN max(1 - epoch, $4) ELSE epoch + 1 END,
             secret = coalesce(secret, excluded.secret)
         RETURNING epoch, secret",
    )
    .bind(Uuid::new_v4().to_string())
    .bind(key::nanoseconds(Timestamp::now()))
    .bind(secret.expose().as_slice())
    .bind(Timestamp::now().as_second())
    .fetch_one(writer)
    .await?;
    Identity::of_row(epoch, &secret)
}

/// Who has opened the state last.
pub(crate) async fn read(reader: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    let (epoch, secret): (i64, Vec<u8>) = sqlx::query_as("SELECT epoch, secret FROM installation")
        .fetch_one(reader)
        .await?;
    Identity::of_row(epoch.saturating_abs(), &secret)
}

/// Marks a copy of the state: gateways may have had later epochs by the time that it is put back,
/// so its next one begins at the seconds since 1970, which is beyond what counting comes to.
pub(crate) async fn mark_as_copy(copy: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let has_epochs: bool = sqlx::query_scalar(
        "SELECT count(*) > 0 FROM pragma_table_info('installation') WHERE name = 'epoch'",
    )
    .fetch_one(&mut *copy)
    .await?;
    if has_epochs {
        sqlx::query("UPDATE installation SET epoch = -abs(epoch)")
            .execute(copy)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_random_and_does_not_show_itself() {
        let secret = Secret::random().unwrap();
        assert_ne!(secret, Secret::random().unwrap());
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }
}
