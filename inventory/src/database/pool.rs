//! [`Pool`]: connections to the database, and queries with a time limit and a span.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::database::{Database, Statement};
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::pool::PoolConnection;
use sqlx::query::QueryAs;
use sqlx::{Any, AnyConnection, AnyPool, Connection, FromRow};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure::{is_unavailable, is_unwritable, query_failure};
use super::url::{DatabaseUrl, System};
use super::{Timeouts, set_up};

/// Waiting time after which a request for a connection also checks whether the server is reachable. A free connection
/// is returned at once.
const REFUSED_AFTER: Duration = Duration::from_millis(100);

/// Time limit of a readiness check.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// The write of the readiness check, which overwrites the only row of the table `write_probe`.
const PROBE: &str = "INSERT INTO write_probe (id, padding) VALUES (1, $1) \
                     ON CONFLICT (id) DO UPDATE SET padding = $1 RETURNING id";

/// Number of bytes that the readiness check writes: more than a reservation writes.
const PROBE_BYTES: usize = 64 * 1024;

/// Pooled connections to the database, and the time limits of queries.
pub(crate) struct Pool {
    connections: AnyPool,
    url: DatabaseUrl,
    database: Database,
    timeouts: Timeouts,
    /// Held while checking whether the server refuses connections, so that this check adds at most one connection.
    probe: Mutex<()>,
    /// Whether the last write failed because the database rejects every write: it is read-only, or its disk is full.
    write_failed: AtomicBool,
}

impl Pool {
    /// Creates the pool without opening a connection.
    pub(super) fn new(url: &DatabaseUrl, max_connections: u32, timeouts: Timeouts) -> Self {
        let system = url.system;
        let connections = AnyPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(timeouts.acquire)
            .after_connect(move |connection, _| Box::pin(set_up(connection, system, timeouts)))
            .connect_lazy_with(url.options.clone());
        Self {
            connections,
            url: url.clone(),
            database: url.traced(),
            timeouts,
            probe: Mutex::new(()),
            write_failed: AtomicBool::new(false),
        }
    }

    /// Waits for the queries in flight and closes the connections.
    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }

    /// Runs a query to completion in a CLIENT span and returns its rows. The changes of the query are committed when
    /// this returns.
    pub(crate) async fn fetch_all<T>(
        &self,
        statement: &Statement,
        query: QueryAs<'_, Any, T, AnyArguments>,
    ) -> Result<Vec<T>, sqlx::Error>
    where
        T: Send + Unpin + for<'row> FromRow<'row, AnyRow>,
    {
        let deadline = Instant::now() + self.timeouts.query;
        let rows = self.run(query, deadline);
        let rows = self.database.query(statement, query_failure, rows).await;
        if statement.operation != "SELECT" {
            self.note_write(rows.as_ref().err());
        }
        rows
    }

    /// Checks that the database answers and accepts writes. Creates no span.
    pub(crate) async fn check_ready(&self) -> Result<(), &'static str> {
        let deadline = Instant::now() + READY_TIMEOUT.min(self.timeouts.query);
        let read = sqlx::query_as("SELECT available FROM stock LIMIT 1");
        let read: Result<Vec<(i64,)>, _> = self.run(read, deadline).await;
        read.map_err(|_| "the database does not answer")?;

        // A read-only database rejects an `UPDATE` even if no row matches. Only a real write detects a full disk, and a
        // small write may still fit, so after a failed write the check writes many pages.
        let written: Result<Vec<(i64,)>, _> = if self.write_failed.load(Ordering::Relaxed) {
            let padding = " ".repeat(PROBE_BYTES);
            self.run(sqlx::query_as(PROBE).bind(padding), deadline)
                .await
        } else {
            let nothing =
                "UPDATE stock SET price_cents = 0 WHERE item_id = '' RETURNING price_cents";
            self.run(sqlx::query_as(nothing), deadline).await
        };
        self.note_write(written.as_ref().err());
        written
            .map(drop)
            .map_err(|_| "the database cannot be written")
    }

    async fn run<T>(
        &self,
        query: QueryAs<'_, Any, T, AnyArguments>,
        deadline: Instant,
    ) -> Result<Vec<T>, sqlx::Error>
    where
        T: Send + Unpin + for<'row> FromRow<'row, AnyRow>,
    {
        let mut connection = tokio::time::timeout_at(deadline, self.acquire())
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        // Uses `fetch_all`, because `fetch_optional` returns with the first row, before the statement has ended and is
        // committed.
        let rows = query.fetch_all(&mut *connection);
        if let Ok(rows) = tokio::time::timeout_at(deadline, rows).await {
            return rows;
        }
        // The connection is not returned to the pool. The pool would wait for the response before it reuses the
        // connection, and a frozen server sends no response.
        drop(connection.detach());
        Err(sqlx::Error::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            "the database did not answer in time",
        )))
    }

    /// Returns a connection from the pool, or the reason for the failure. The pool alone would retry a refused
    /// connection until its timeout.
    async fn acquire(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        tokio::select! {
            connection = self.connections.acquire() => connection,
            refused = self.refused() => Err(refused),
        }
    }

    /// Returns the connection error if the server refuses connections, and otherwise never returns.
    async fn refused(&self) -> sqlx::Error {
        if matches!(self.url.system, System::Postgres) {
            tokio::time::sleep(REFUSED_AFTER).await;
            let _turn = self.probe.lock().await;
            match AnyConnection::connect_with(&self.url.options).await {
                Err(error) if is_unavailable(&error) => return error,
                Err(_) => {}
                Ok(connection) => drop(connection.close().await),
            }
        }
        std::future::pending().await
    }

    fn note_write(&self, error: Option<&sqlx::Error>) {
        let failed = error.is_some_and(is_unwritable);
        self.write_failed.store(failed, Ordering::Relaxed);
    }
}
