//! [`QueryFailure`]: the reason why a query failed, read from the error of any driver.

use std::{
    borrow::Cow,
    error::Error,
    io::{self, ErrorKind},
};

use crate::{error::causes, internal::semconv};

/// The reason why a query failed, recorded on the query's span. Returned by the argument `reason` of
/// [`Database::query`](super::Database::query). [`of`](Self::of) derives the reason from the error of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryFailure {
    /// The database responded with this error code, such as an SQLSTATE. The code is recorded as
    /// `db.response.status_code` and `error.type`.
    Answered(Cow<'static, str>),
    /// The database did not respond, or its response was unusable. The value is a short, stable name of the reason,
    /// such as `pool_timeout`, and is recorded as `error.type`.
    Failed(Cow<'static, str>),
}

impl QueryFailure {
    /// Returns the reason for an error of any driver. `code` is the error code from the database, if the database
    /// responded with one.
    ///
    /// Without a code, the reason is named `timeout`, `connect` or `io` if the error is caused by an [`io::Error`],
    /// `pool_timeout` if sqlx has no free connection, and otherwise `_OTHER`.
    ///
    /// ```
    /// use shared::database::QueryFailure;
    ///
    /// // With sqlx: QueryFailure::of(error, error.as_database_error().and_then(|error| error.code()))
    /// // With tokio-postgres: QueryFailure::of(error, error.code().map(|state| state.code()))
    /// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// assert_eq!(QueryFailure::of(&refused, None::<String>), QueryFailure::Failed("connect".into()));
    /// assert_eq!(QueryFailure::of(&refused, Some("23505")), QueryFailure::Answered("23505".into()));
    /// ```
    pub fn of(error: &(dyn Error + 'static), code: Option<impl Into<String>>) -> Self {
        match code {
            Some(code) => Self::Answered(code.into().into()),
            None => Self::Failed(name(error).into()),
        }
    }
}

fn name(error: &(dyn Error + 'static)) -> &'static str {
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(ErrorKind::TimedOut) => semconv::ERROR_TIMEOUT,
        // No server listens at the address, or the socket file does not exist.
        Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound) => "connect",
        Some(_) => "io",
        // The message is compared because the error type of sqlx is not available: this crate does not depend on sqlx.
        None if error.to_string().starts_with("pool timed out") => "pool_timeout",
        None => semconv::ERROR_OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum DriverError {
        #[error("error communicating with database: {0}")]
        Io(#[from] io::Error),
        #[error("pool timed out while waiting for an open connection")]
        PoolTimedOut,
        #[error("no rows")]
        NoRows,
    }

    #[test]
    fn failure_without_code_is_named_by_cause() {
        let io = |kind: ErrorKind| DriverError::from(io::Error::from(kind));
        for (error, name) in [
            (io(ErrorKind::TimedOut), "timeout"),
            (io(ErrorKind::ConnectionRefused), "connect"),
            (io(ErrorKind::NotFound), "connect"),
            (io(ErrorKind::BrokenPipe), "io"),
            (DriverError::PoolTimedOut, "pool_timeout"),
            (DriverError::NoRows, "_OTHER"),
        ] {
            let failure = QueryFailure::of(&error, None::<String>);
            assert_eq!(failure, QueryFailure::Failed(name.into()), "{error}");
        }
    }

    #[test]
    fn code_takes_precedence_over_cause() {
        let error = DriverError::from(io::Error::from(ErrorKind::TimedOut));
        let failure = QueryFailure::of(&error, Some(Cow::Borrowed("57014")));
        assert_eq!(failure, QueryFailure::Answered("57014".into()));
    }
}
