//! The database behind `stock`: its pool, its schema and its errors. `url` parses `DATABASE_URL`.
//!
//! sqlx's `Any` driver sends the same SQL text, with `$1` for a parameter, to either database. The differences between
//! the databases are in this file and in `sql/`.

mod failure;
mod pool;
mod url;

use std::time::Duration;

use sqlx::{AnyConnection, Connection, Executor};

pub(crate) use failure::is_unavailable;
pub(crate) use pool::Pool;
pub use url::{DatabaseUrl, DatabaseUrlError};

use url::System;

const CATALOGUE: &str = include_str!("../sql/catalogue.sql");

/// Time limit for opening the database and creating its tables at startup.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limits of a query and of its parts. The limits of the parts are shorter, so that on a responsive server a
/// statement has already ended when its caller gets an error, and takes no effect later.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    /// Time limit of the whole query.
    query: Duration,
    /// Time limit of getting a connection from the pool.
    acquire: Duration,
    /// Time limit of a statement, enforced by the server.
    statement: Duration,
    /// Time limit of waiting for a lock that another session holds.
    lock: Duration,
}

impl Timeouts {
    fn within(query: Duration) -> Self {
        Self {
            query,
            acquire: query / 3,
            statement: query * 7 / 12,
            lock: query / 2,
        }
    }
}

/// The database could not be opened. `database` is its URL without the password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The connection failed.
    #[error("cannot open the database {database} of DATABASE_URL: {hint}")]
    Connect {
        /// The URL of the database, without the password.
        database: String,
        /// The requirements for a connection to this kind of database.
        hint: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The database did not answer the connection attempt in time.
    #[error(
        "the database {database} of DATABASE_URL does not answer within {} s",
        START_TIMEOUT.as_secs()
    )]
    NoAnswer {
        /// The URL of the database, without the password.
        database: String,
    },
    /// The tables or the catalogue could not be created.
    #[error("cannot create the tables in the database {database} of DATABASE_URL")]
    Schema {
        /// The URL of the database, without the password.
        database: String,
        /// The database's error.
        source: sqlx::Error,
    },
}

/// Creates missing tables and catalogue rows, and opens the pool.
pub(crate) async fn open(
    url: &DatabaseUrl,
    max_connections: u32,
    timeout: Duration,
) -> Result<Pool, OpenError> {
    for parameter in &url.ignored {
        tracing::warn!(parameter, "unknown parameter in DATABASE_URL ignored");
    }
    sqlx::any::install_default_drivers();
    tokio::time::timeout(START_TIMEOUT, prepare(url))
        .await
        .unwrap_or_else(|_| {
            Err(OpenError::NoAnswer {
                database: url.to_string(),
            })
        })?;
    Ok(Pool::new(url, max_connections, Timeouts::within(timeout)))
}

/// Connects without the pool and creates the tables. The pool would retry a refused connection and then report only a
/// timeout.
async fn prepare(url: &DatabaseUrl) -> Result<(), OpenError> {
    let mut connection = AnyConnection::connect_with(&url.options)
        .await
        .map_err(|source| OpenError::Connect {
            database: url.to_string(),
            hint: match url.system {
                System::Sqlite => {
                    "its directory must exist, and the file too unless the URL has ?mode=rwc"
                }
                System::Postgres => {
                    "the server must be running, and the user and the database must exist"
                }
            },
            source,
        })?;
    let schema_error = |source| OpenError::Schema {
        database: url.to_string(),
        source,
    };
    create(&mut connection, url.system)
        .await
        .map_err(schema_error)?;
    connection.close().await.map_err(schema_error)
}

/// Applies the time limits to a new connection, before its first query.
async fn set_up(
    connection: &mut AnyConnection,
    system: System,
    timeouts: Timeouts,
) -> Result<(), sqlx::Error> {
    let (lock, statement) = (timeouts.lock.as_millis(), timeouts.statement.as_millis());
    let settings = match system {
        // SQLite has one writer at a time; other writers wait instead of failing. In WAL mode, `NORMAL` may lose the
        // last commits at a power failure, but never damages the file.
        System::Sqlite => {
            format!("PRAGMA busy_timeout = {lock}; PRAGMA synchronous = NORMAL")
        }
        // A statement must not take effect after its caller has given up, for example when a lock becomes free.
        System::Postgres => {
            format!("SET lock_timeout = {lock}; SET statement_timeout = {statement}")
        }
    };
    // The statement contains only numbers and fixed text, so callers cannot influence it.
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings))
        .execute(connection)
        .await
        .map(drop)
}

/// Creates missing tables and catalogue rows.
async fn create(connection: &mut AnyConnection, system: System) -> Result<(), sqlx::Error> {
    set_up(connection, system, Timeouts::within(START_TIMEOUT)).await?;
    let (begin, schema) = match system {
        System::Sqlite => {
            switch_to_wal(connection).await?;
            // `BEGIN IMMEDIATE` waits until another writer has finished. A transaction that becomes a writer later
            // would fail instead.
            ("BEGIN IMMEDIATE", include_str!("../sql/sqlite.sql"))
        }
        System::Postgres => ("BEGIN", include_str!("../sql/postgres.sql")),
    };
    let mut transaction = connection.begin_with(begin).await?;
    sqlx::raw_sql(schema).execute(&mut *transaction).await?;
    sqlx::raw_sql(CATALOGUE).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Enables WAL mode, which allows reads during a write. The database file stores the setting.
async fn switch_to_wal(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    loop {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            // Another process is switching to WAL mode: SQLite returns this error at once and ignores the busy timeout.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("5") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            switched => return switched.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    /// Services that start at the same time on a new database file compete for its locks.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn concurrent_opens_enable_wal() {
        sqlx::any::install_default_drivers();
        for _ in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            let url = format!(
                "sqlite://{}/stock.sqlite?mode=rwc",
                directory.path().display()
            );
            let connections = join_all((0..8).map(|_| AnyConnection::connect(&url))).await;
            let switched = connections.into_iter().map(|connection| {
                let mut connection = connection.unwrap();
                shared::task::spawn(async move { switch_to_wal(&mut connection).await })
            });
            for switched in join_all(switched).await {
                switched.unwrap().unwrap();
            }
        }
    }
}
