//! The database below `stock`: its pool, its schema, its errors. `url` says which database it is.
//!
//! Everything above is written once: sqlx's `Any` driver takes the same SQL text, with `$1` for a parameter, to either
//! database. What differs between them is in this file and in `sql/`.

mod url;

use std::time::Duration;

use shared::database::QueryError;
use sqlx::any::AnyPoolOptions;
use sqlx::error::DatabaseError;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};

pub use url::{DatabaseUrl, DatabaseUrlError};

use url::System;

const CATALOGUE: &str = include_str!("sql/catalogue.sql");

/// How long to wait for a connection, at start and within a request.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database did not open. `database` names it, without its password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No connection.
    #[error("cannot open the database {database} of DATABASE_URL: {hint}")]
    Connect {
        /// The database.
        database: String,
        /// What has to be so for a database of this kind.
        hint: &'static str,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// No answer to the attempt to connect.
    #[error(
        "the database {database} of DATABASE_URL does not answer within {} s",
        ACQUIRE_TIMEOUT.as_secs()
    )]
    NoAnswer {
        /// The database.
        database: String,
    },
    /// Connected, but the tables or the catalogue could not be made.
    #[error("cannot create the tables in the database {database} of DATABASE_URL")]
    Schema {
        /// The database.
        database: String,
        /// What the database says.
        source: sqlx::Error,
    },
}

/// Creates the tables and the catalogue where they are missing, and opens the pool.
pub(crate) async fn open(url: &DatabaseUrl) -> Result<AnyPool, OpenError> {
    for parameter in &url.ignored {
        tracing::warn!(
            parameter,
            "DATABASE_URL has a parameter that is not known here: it is ignored"
        );
    }
    sqlx::any::install_default_drivers();
    tokio::time::timeout(ACQUIRE_TIMEOUT, prepare(url))
        .await
        .unwrap_or_else(|_| {
            Err(OpenError::NoAnswer {
                database: url.to_string(),
            })
        })?;

    let system = url.system;
    Ok(AnyPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| Box::pin(set_up(connection, system)))
        .connect_lazy_with(url.options.clone()))
}

/// Not through the pool, which retries a refused connection and then only says that time is up.
async fn prepare(url: &DatabaseUrl) -> Result<(), OpenError> {
    let mut connection = AnyConnection::connect_with(&url.options)
        .await
        .map_err(|source| OpenError::Connect {
            database: url.to_string(),
            hint: match url.system {
                System::Sqlite => "its directory has to be there, and the file unless ?mode=rwc",
                System::Postgres => "the server has to run, and to know the user and the database",
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

/// What a connection needs before its first query.
async fn set_up(connection: &mut AnyConnection, system: System) -> Result<(), sqlx::Error> {
    match system {
        // There is one writer at a time: the others wait for their turn instead of failing. In WAL mode `NORMAL` may
        // forget the last commits when the power fails, and never breaks the file.
        System::Sqlite => connection
            .execute("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL")
            .await
            .map(drop),
        System::Postgres => Ok(()),
    }
}

/// Creates the tables and the catalogue where they are missing.
async fn create(connection: &mut AnyConnection, system: System) -> Result<(), sqlx::Error> {
    set_up(connection, system).await?;
    let (begin, schema) = match system {
        System::Sqlite => {
            switch_to_wal(connection).await?;
            // `IMMEDIATE` waits for the other writer here; a transaction that turns into a writer later on would fail.
            ("BEGIN IMMEDIATE", include_str!("sql/sqlite.sql"))
        }
        System::Postgres => ("BEGIN", include_str!("sql/postgres.sql")),
    };
    let mut transaction = connection.begin_with(begin).await?;
    sqlx::raw_sql(schema).execute(&mut *transaction).await?;
    sqlx::raw_sql(CATALOGUE).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Lets readers work beside the writer. The file remembers it, so once is enough.
async fn switch_to_wal(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    loop {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            // Another process does the same: SQLite says so at once, whatever the busy timeout.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("5") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            switched => return switched.map(drop),
        }
    }
}

/// Why a query failed: by the database's own code where it has one.
pub(crate) fn query_error(error: &sqlx::Error) -> QueryError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    if let Some(code) = code {
        return QueryError::Answered(code.into_owned().into());
    }
    let name = match error {
        sqlx::Error::PoolTimedOut => "pool_timeout",
        sqlx::Error::Io(_) => "io",
        _ => "_OTHER",
    };
    QueryError::Failed(name.into())
}

/// Whether the database could not be asked at all, so that asking again later may do.
pub(crate) fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // PostgreSQL: connection exception, insufficient resources, operator intervention.
            // SQLite: busy, cannot open.
            code.starts_with("08")
                || code.starts_with("53")
                || code.starts_with("57P")
                || code == "5"
                || code == "14"
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    /// Where the locks of `SQLite` collide: services that start together on a new file.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn new_file_is_switched_to_wal_by_all_that_open_it_at_once() {
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
