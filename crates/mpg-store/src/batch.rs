//! Several statements on one way to the database's thread, which takes longer than most of them do.

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, query_with};

/// A text with numbered parameters, and their values.
#[derive(Debug)]
pub(crate) struct Statement {
    text: &'static str,
    values: Vec<Value>,
}

impl Statement {
    /// A text of one or more statements, which share their parameters.
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text,
            values: Vec::new(),
        }
    }

    /// Gives the next parameter its value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// The value of a parameter.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Statements that are run one after the other until one of them fails.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    text: String,
    arguments: SqliteArguments,
}

impl Batch {
    /// Adds a statement. Its parameters are numbered anew behind those of the ones before.
    pub(crate) fn push(&mut self, statement: Statement) -> Result<(), sqlx::Error> {
        let before = self.arguments.len();
        let mut pieces = statement.text.split('$');
        self.text.push_str(pieces.next().unwrap_or_default());
        let mut highest = 0;
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            self.text.push('$');
            // Without a number it is the beginning of a path into a JSON text.
            if let Ok(number) = number.parse::<usize>() {
                highest = highest.max(number);
                self.text.push_str(&(before + number).to_string());
            }
            self.text.push_str(rest);
        }
        self.text.push_str(";\n");
        for value in statement.values {
            self.add(value)?;
        }
        // A parameter without a value is NULL, and not the first one of the next statement.
        while self.arguments.len() < before + highest {
            self.add(Value::Null)?;
        }
        Ok(())
    }

    /// Runs them all. What the ones before a failure did stays done in the transaction that is open.
    pub(crate) async fn run(self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        query_with(AssertSqlSafe(self.text), self.arguments)
            .execute(connection)
            .await?;
        Ok(())
    }

    fn add(&mut self, value: Value) -> Result<(), sqlx::Error> {
        let added = match value {
            Value::Null => self.arguments.add(None::<i64>),
            Value::Integer(number) => self.arguments.add(number),
            Value::Text(text) => self.arguments.add(text),
            Value::Bytes(bytes) => self.arguments.add(bytes),
        };
        added.map_err(sqlx::Error::Encode)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    async fn tables() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql("CREATE TABLE said (who TEXT, what TEXT, size INTEGER, raw BLOB)")
            .execute(&mut connection)
            .await
            .unwrap();
        connection
    }

    async fn said(
        connection: &mut SqliteConnection,
    ) -> Vec<(Option<String>, Option<String>, Option<i64>, Option<Vec<u8>>)> {
        sqlx::query_as("SELECT who, what, size, raw FROM said ORDER BY rowid")
            .fetch_all(connection)
            .await
            .unwrap()
    }

    const SAY: &str = "INSERT INTO said (who, what, size, raw) VALUES ($1, $2, $3, $4)";
    const GROW: &str = "UPDATE said SET size = size + json_extract('[1, 10]', '$[' || $2 || ']')
            WHERE who = $1;
        UPDATE said SET what = what || $1 WHERE size > $2 + 1";

    #[tokio::test]
    async fn each_statement_has_its_own_parameters() {
        let mut connection = tables().await;
        let mut batch = Batch::default();
        for statement in [
            Statement::new(SAY)
                .bind("ann".to_owned())
                .bind("one")
                .bind(1)
                .bind(vec![0, 7]),
            Statement::new(SAY)
                .bind("ben".to_owned())
                .bind("two")
                .bind(2),
            Statement::new(GROW).bind("ben").bind(1),
            Statement::new("DELETE FROM said WHERE who IS $12").bind("ann"),
        ] {
            batch.push(statement).unwrap();
        }
        batch.run(&mut connection).await.unwrap();
        let ann = (Some("ann".to_owned()), Some("one".to_owned()), Some(1));
        let ben = (Some("ben".to_owned()), Some("twoben".to_owned()), Some(12));
        assert_eq!(
            said(&mut connection).await,
            [
                (ann.0, ann.1, ann.2, Some(vec![0, 7])),
                (ben.0, ben.1, ben.2, None),
            ]
        );
    }

    #[tokio::test]
    async fn nothing_behind_a_failure_is_run() {
        let mut connection = tables().await;
        let mut batch = Batch::default();
        for statement in [
            Statement::new("BEGIN IMMEDIATE"),
            Statement::new(SAY).bind("ann").bind(Option::<String>::None),
            Statement::new("INSERT INTO said (nobody) VALUES ($1)").bind(true),
            Statement::new("COMMIT"),
        ] {
            batch.push(statement).unwrap();
        }
        batch.run(&mut connection).await.unwrap_err();
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut connection)
            .await
            .unwrap();
        assert!(said(&mut connection).await.is_empty());
    }
}
