//! [`Limits`]: how many connections and requests a service handles at once, and how long the service waits for clients.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tokio::sync::Semaphore;

use super::body;
use crate::{
    config::{self, ConfigError, Lookup},
    problem,
};

/// Limits of connections and requests, and timeouts for slow clients.
///
/// [`serve`](super::serve) enforces the limits for connections and the shutdown delay; [`apply`](Self::apply) enforces
/// the limits for requests. Later versions may add fields, so set the other fields with `..Limits::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `MAX_CONNECTIONS`, defaults to 512: maximum open connections, including upgraded connections. Further
    /// connections wait in the operating system's queue until an open connection ends.
    ///
    /// Connections above the limit are not refused: refusing a connection costs as much as answering a request, and a
    /// short burst of connections only has to wait. Callers that must not wait should set a connect timeout.
    pub connections: usize,
    /// `MAX_REQUESTS`, defaults to 256: maximum concurrent requests. Further requests are answered 503 `overloaded`.
    pub requests: usize,
    /// `REQUEST_HEAD_TIMEOUT`, defaults to 30 s: how long a client may take to send the head of a request, and how long
    /// a connection may be idle.
    pub request_head_timeout: Duration,
    /// `REQUEST_BODY_TIMEOUT`, defaults to 5 s: how long the whole body of a request may take to arrive. After that,
    /// reading the body fails, and an error response of the handler or extractor is replaced by 408 `request_timeout`.
    pub request_body_timeout: Duration,
    /// `REQUEST_TIMEOUT`, defaults to 10 s: how long a request may take until it is answered, including the arrival of
    /// its body. After that, the request is answered 503 `timeout`.
    pub request_timeout: Duration,
    /// `RESPONSE_WRITE_TIMEOUT`, defaults to 30 s: how long a client may read nothing of a response while the
    /// connection's send buffer is full. After that, the connection is closed.
    pub response_write_timeout: Duration,
    /// `SHUTDOWN_DELAY`, defaults to 0: how long new connections are accepted after a shutdown is requested, so that
    /// load balancers have time to stop sending requests.
    pub shutdown_delay: Duration,
}

const COUNT: RangeInclusive<usize> = 1..=1_000_000;
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);
/// The allowed range of `SHUTDOWN_DELAY`. Its end must fit into the `stop_grace_period` of the compose file.
const DELAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(1);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 256,
            request_head_timeout: Duration::from_secs(30),
            request_body_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            response_write_timeout: Duration::from_secs(30),
            shutdown_delay: Duration::ZERO,
        }
    }
}

impl Limits {
    /// Reads the limits from environment variables through `lookup`. Unset variables default to the fields of
    /// `defaults`.
    ///
    /// # Errors
    ///
    /// Fails if a value is not a number or duration, or is out of range. The error names the variable, the value and the range.
    pub fn read(lookup: Lookup<'_>, defaults: &Self) -> Result<Self, ConfigError> {
        let count = |variable, default: usize| {
            let expects = "a number from 1 to 1000000";
            config::number(lookup, variable, &default.to_string(), &COUNT, expects)
        };
        let duration = |variable, default, range, expects| {
            let default = humantime::format_duration(default).to_string();
            config::duration_in(lookup, variable, &default, &range, expects)
        };
        let timeout = |variable, default| {
            let expects = "a duration from 1ms to 1h, such as 10s";
            duration(variable, default, TIMEOUT, expects)
        };
        Ok(Self {
            connections: count("MAX_CONNECTIONS", defaults.connections)?,
            requests: count("MAX_REQUESTS", defaults.requests)?,
            request_head_timeout: timeout("REQUEST_HEAD_TIMEOUT", defaults.request_head_timeout)?,
            request_body_timeout: timeout("REQUEST_BODY_TIMEOUT", defaults.request_body_timeout)?,
            request_timeout: timeout("REQUEST_TIMEOUT", defaults.request_timeout)?,
            response_write_timeout: timeout(
                "RESPONSE_WRITE_TIMEOUT",
                defaults.response_write_timeout,
            )?,
            shutdown_delay: duration(
                "SHUTDOWN_DELAY",
                defaults.shutdown_delay,
                DELAY,
                "a duration from 0s to 60s, such as 5s",
            )?,
        })
    }

    /// Applies the request limits to all routes and fallbacks of a router.
    ///
    /// Call this function before adding [`TraceLayer`](crate::server::TraceLayer), so that a rejected request has a
    /// span. Afterwards, merge endpoints that must always answer, such as [`health`](super::health).
    /// [`router`](super::router) does all of this.
    pub fn apply(&self, router: Router) -> Router {
        let permits = Arc::new(Semaphore::new(self.requests));
        router
            .layer(from_fn_with_state(
                self.request_body_timeout,
                body::deadline,
            ))
            .layer(from_fn_with_state(self.request_timeout, problem::timeout))
            .layer(from_fn_with_state(permits, shed))
    }

    /// The former name of [`apply`](Self::apply).
    #[deprecated = "renamed to `apply`"]
    pub fn around(&self, router: Router) -> Router {
        self.apply(router)
    }
}

/// Answers 503 if all permits are in use. A request holds its permit until the handler returns the response, not until
/// the body is sent: a client that reads slowly occupies only its connection.
async fn shed(State(permits): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match permits.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => problem::overloaded(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variable: &str, value: &str) -> Result<Limits, ConfigError> {
        let lookup = |name: &str| (name == variable).then(|| value.to_owned());
        Limits::read(&lookup, &Limits::default())
    }

    #[test]
    fn unset_limits_are_defaults_of_caller() {
        let defaults = Limits {
            request_timeout: Duration::from_mins(1),
            ..Limits::default()
        };
        assert_eq!(Limits::read(&|_| None, &defaults).unwrap(), defaults);
    }

    #[test]
    fn each_variable_sets_its_own_limit() {
        let seconds = Duration::from_secs(7);
        let default = Limits::default();
        for (variable, value, expected) in [
            (
                "MAX_CONNECTIONS",
                "7",
                Limits {
                    connections: 7,
                    ..default
                },
            ),
            (
                "MAX_REQUESTS",
                "7",
                Limits {
                    requests: 7,
                    ..default
                },
            ),
            (
                "REQUEST_HEAD_TIMEOUT",
                "7s",
                Limits {
                    request_head_timeout: seconds,
                    ..default
                },
            ),
            (
                "REQUEST_BODY_TIMEOUT",
                "7s",
                Limits {
                    request_body_timeout: seconds,
                    ..default
                },
            ),
            (
                "REQUEST_TIMEOUT",
                "7s",
                Limits {
                    request_timeout: seconds,
                    ..default
                },
            ),
            (
                "RESPONSE_WRITE_TIMEOUT",
                "7s",
                Limits {
                    response_write_timeout: seconds,
                    ..default
                },
            ),
            (
                "SHUTDOWN_DELAY",
                "7s",
                Limits {
                    shutdown_delay: seconds,
                    ..default
                },
            ),
        ] {
            assert_eq!(read(variable, value).unwrap(), expected, "{variable}");
        }
    }

    #[test]
    fn limit_out_of_range_error_names_variable() {
        for (variable, value, range) in [
            ("MAX_CONNECTIONS", "0", "1 to 1000000"),
            ("MAX_REQUESTS", "18446744073709551616", "1 to 1000000"),
            ("MAX_REQUESTS", "-1", "1 to 1000000"),
            ("REQUEST_HEAD_TIMEOUT", "0s", "1ms to 1h"),
            ("REQUEST_BODY_TIMEOUT", "30", "1ms to 1h"),
            ("REQUEST_TIMEOUT", "500000000000years", "1ms to 1h"),
            ("RESPONSE_WRITE_TIMEOUT", "61m", "1ms to 1h"),
            ("SHUTDOWN_DELAY", "61s", "0s to 60s"),
        ] {
            let error = read(variable, value).unwrap_err().to_string();
            for part in [variable, &format!("`{value}`"), range] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
