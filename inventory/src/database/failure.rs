//! Classifies the errors of queries: whether the database is unavailable, and what the query's span records.

use shared::database::QueryFailure;
use sqlx::error::DatabaseError;

/// Returns the failure to record on the span of a query.
pub(super) fn query_failure(error: &sqlx::Error) -> QueryFailure {
    let code = error.as_database_error().and_then(DatabaseError::code);
    QueryFailure::of(error, code)
}

/// Returns whether a query failed because the database is unavailable. Such a query is valid, and may succeed later.
pub(crate) fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // An SQLSTATE has five characters; an SQLite code has fewer.
            if code.len() == 5 {
                is_postgres_unavailable(&code)
            } else {
                code.parse().is_ok_and(is_sqlite_unavailable)
            }
        }),
        _ => false,
    }
}

/// Returns whether a query failed because the database rejects every write: it is read-only, or its disk is full or
/// broken.
pub(super) fn is_unwritable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| match code.len() {
        5 => matches!(&*code, "25006" | "53100" | "58030"),
        _ => code
            .parse()
            .is_ok_and(|code: u32| matches!(code & 0xff, 8 | 10 | 13)),
    })
}

fn is_sqlite_unavailable(extended_code: u32) -> bool {
    // The low byte of an extended code: busy, locked, read-only, input/output error, disk full, cannot open.
    matches!(extended_code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)
}

fn is_postgres_unavailable(sqlstate: &str) -> bool {
    // Connection exception, transaction rollback (deadlock), insufficient resources (disk full), operator intervention
    // (shutdown, statement_timeout), system error (input/output).
    let class = ["08", "40", "53", "57", "58"];
    // Lock not available (lock_timeout), read-only transaction.
    class.iter().any(|class| sqlstate.starts_with(class)) || matches!(sqlstate, "55P03" | "25006")
}

#[cfg(test)]
mod tests {
    use sqlx::{AnyConnection, Connection, Executor};

    use super::*;

    /// Returns the error of a write to a new database that was opened with these parameters and prepared with this
    /// statement.
    async fn failed_write(parameters: &str, prepare: &'static str) -> sqlx::Error {
        sqlx::any::install_default_drivers();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("stock.sqlite").display().to_string();
        let url = format!("sqlite://{file}?mode=rwc").parse().unwrap();
        super::super::prepare(&url).await.unwrap();
        let url = format!("sqlite://{file}?{parameters}");
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        connection.execute(prepare).await.unwrap();
        let write = "INSERT INTO reservations VALUES (hex(randomblob(100000)), 'item-123', 1, 1)";
        connection.execute(write).await.unwrap_err()
    }

    #[tokio::test]
    async fn read_only_file_and_full_disk_are_unavailable() {
        for (parameters, prepare, code) in [
            ("mode=ro", "SELECT 1", "8"),
            ("mode=rw", "PRAGMA max_page_count = 1", "13"),
        ] {
            let error = failed_write(parameters, prepare).await;
            let answered = error.as_database_error().and_then(DatabaseError::code);
            assert_eq!(answered.as_deref(), Some(code), "{error}");
            assert!(is_unavailable(&error) && is_unwritable(&error), "{error}");
        }
    }

    #[test]
    fn failure_of_the_system_is_unavailable_and_a_mistake_is_not() {
        for code in [
            "53100", "53300", "57014", "57P01", "25006", "55P03", "40P01", "08006",
        ] {
            assert!(is_postgres_unavailable(code), "{code}");
        }
        for code in ["42P01", "23505", "22003", "25001"] {
            assert!(!is_postgres_unavailable(code), "{code}");
        }
        // Extended codes: busy snapshot, input/output error on write and on sync.
        for code in [5, 13, 8, 517, 778, 1034] {
            assert!(is_sqlite_unavailable(code), "{code}");
        }
        for code in [1, 11, 19, 1555] {
            assert!(!is_sqlite_unavailable(code), "{code}");
        }
    }
}
