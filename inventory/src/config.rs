//! The settings, read once at startup. `database` documents the accepted forms of `DATABASE_URL`.

use std::net::SocketAddr;
use std::time::Duration;

use shared::config::Lookup;
use shared::serve::Limits;

use crate::StartError;
use crate::database::DatabaseUrl;

/// Default of `LISTEN_ADDR`.
pub const DEFAULT_LISTEN_ADDR: &str = "127.0.0.1:8081";

const DEFAULT_DATABASE_URL: &str = "sqlite://inventory.sqlite?mode=rwc";

/// The settings of the service, read from environment variables.
#[derive(Debug, Clone)]
pub struct Config {
    /// `LISTEN_ADDR`, by default `127.0.0.1:8081`.
    pub listen_addr: SocketAddr,
    /// `DATABASE_URL`, by default `sqlite://inventory.sqlite?mode=rwc`, a file in the working directory.
    pub database_url: DatabaseUrl,
    /// `DATABASE_MAX_CONNECTIONS`, by default 10: the maximum number of open connections to the database.
    pub database_max_connections: u32,
    /// `DATABASE_TIMEOUT`, by default `1500ms`: the time limit of a query, including the wait for a connection and for
    /// locks. It is shorter than checkout's `INVENTORY_TIMEOUT`, so that checkout receives an answer that names the
    /// cause.
    pub database_timeout: Duration,
    /// Limits on connections, requests and waiting times.
    pub limits: Limits,
}

impl Config {
    /// Reads the settings through `lookup`, which returns the value of a variable.
    ///
    /// # Errors
    ///
    /// A value is invalid. The error names the variable, the value and the accepted values.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, StartError> {
        // `shared::config::read` would quote the value in its error, and a database URL may contain a password.
        let database_url = shared::config::text(lookup, "DATABASE_URL");
        let database_url = database_url.as_deref().unwrap_or(DEFAULT_DATABASE_URL);
        Ok(Self {
            listen_addr: shared::config::read(
                lookup,
                "LISTEN_ADDR",
                DEFAULT_LISTEN_ADDR,
                "an address like 127.0.0.1:8081",
            )?,
            database_url: database_url.parse()?,
            database_max_connections: shared::config::number(
                lookup,
                "DATABASE_MAX_CONNECTIONS",
                "10",
                &(1..=1000),
                "a number from 1 to 1000",
            )?,
            database_timeout: shared::config::duration_in(
                lookup,
                "DATABASE_TIMEOUT",
                "1500ms",
                &(Duration::from_millis(10)..=Duration::from_mins(1)),
                "a duration from 10ms to 1m, such as 1500ms",
            )?,
            limits: Limits::read(lookup, &Limits::default())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, StartError> {
        Config::read(&|name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn unset_variables_use_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen_addr.to_string(), "127.0.0.1:8081");
        assert_eq!(config.database_url.to_string(), "sqlite:inventory.sqlite");
        assert_eq!(config.database_max_connections, 10);
        assert_eq!(config.database_timeout, Duration::from_millis(1500));
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn error_names_variable_value_and_accepted_values() {
        for (variable, value, example) in [
            ("LISTEN_ADDR", "8081", "127.0.0.1:8081"),
            ("REQUEST_TIMEOUT", "10", "such as 10s"),
            ("DATABASE_MAX_CONNECTIONS", "0", "from 1 to 1000"),
            ("DATABASE_TIMEOUT", "1500", "such as 1500ms"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err().to_string();
            for part in [variable, &format!("`{value}`"), example] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
