//! Settings from environment variables. Each variable is read once, and an error names the variable, its value and the
//! allowed values.
//!
//! Every number and duration has an allowed range. Printed errors contain no secrets.
//!
//! A service reads all of its settings once at startup, through a [`Lookup`]:
//!
//! ```
//! use std::{net::SocketAddr, time::Duration};
//! use shared::config::{self, ConfigError, Lookup};
//!
//! struct Config {
//!     listen_addr: SocketAddr,
//!     timeout: Duration,
//! }
//!
//! fn read(lookup: Lookup<'_>) -> Result<Config, ConfigError> {
//!     let address = "an address with a port, such as 127.0.0.1:8080";
//!     Ok(Config {
//!         listen_addr: config::read(lookup, "LISTEN_ADDR", "127.0.0.1:8080", address)?,
//!         timeout: config::duration(lookup, "STOCK_TIMEOUT", "2s")?,
//!     })
//! }
//!
//! let config = read(&|name| (name == "STOCK_TIMEOUT").then(|| "500ms".to_owned()))?; // a test; a service passes &config::variable
//! assert_eq!(config.timeout, Duration::from_millis(500));
//! # assert_eq!(config.listen_addr.port(), 8080);
//! # Ok::<_, ConfigError>(())
//! ```

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use crate::redact;

/// A function that returns the value of an environment variable: [`variable`] in a service, or a map in a test, so that
/// tests do not need to change the process environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The error of an environment variable with an invalid value.
///
/// `Display` and `Debug` print the value [redacted](crate::redact::value). If the name of the variable contains `KEY`,
/// `TOKEN`, `SECRET`, `PASSWORD`, `CREDENTIAL` or `HEADERS`, the whole value is secret and is omitted.
#[derive(thiserror::Error, PartialEq, Eq)]
#[error("{variable} is {}: expected {expects}", printed(.variable, .value))]
pub struct ConfigError {
    /// The name of the environment variable.
    pub variable: &'static str,
    /// The value of the environment variable, including secrets.
    pub value: String,
    /// A description of the allowed values.
    pub expects: &'static str,
}

/// Returns the value for display, without secrets.
fn printed(variable: &str, value: &str) -> String {
    const SECRET: [&str; 6] = [
        "CREDENTIAL",
        "HEADERS",
        "KEY",
        "PASSWORD",
        "SECRET",
        "TOKEN",
    ];
    if SECRET.iter().any(|word| variable.contains(word)) {
        "set to a value that is not shown and cannot be used".to_owned()
    } else {
        format!("`{}`", redact::value(value))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

/// Reads a variable from the process environment. Use this function as the [`Lookup`] of a service. Invalid UTF-8
/// becomes replacement characters.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns the trimmed value of an optional variable. An empty value counts as unset.
pub fn text(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    let value = lookup(variable)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Reads a variable of any type that can be parsed, such as an address or an enum. If the variable is unset, `default`
/// is parsed.
///
/// # Errors
///
/// Fails if the value cannot be parsed. `expects` describes the allowed values for the error, as in "an address like
/// 127.0.0.1:8080".
pub fn read<T: FromStr>(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
    expects: &'static str,
) -> Result<T, ConfigError> {
    let value = text(lookup, variable).unwrap_or_else(|| default.to_owned());
    value.parse().map_err(|_| ConfigError {
        variable,
        value,
        expects,
    })
}

/// Reads a number within a range, such as a limit.
///
/// ```
/// use shared::config;
///
/// let expects = "a number from 1 to 100";
/// let workers = config::number(&config::variable, "WORKERS", "4", &(1..=100_usize), expects)?;
/// # assert_eq!(workers, 4);
/// # Ok::<_, config::ConfigError>(())
/// ```
///
/// # Errors
///
/// Fails if the value is not a number or not in `range`. `expects` describes the range for the error, as in "a number
/// from 1 to 10000".
pub fn number<N: FromStr + PartialOrd>(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
    range: &RangeInclusive<N>,
    expects: &'static str,
) -> Result<N, ConfigError> {
    within(lookup, variable, default, range, expects)
}

/// Reads a duration with a unit, such as `2s` or `500ms`, from 0s to 1day.
///
/// # Errors
///
/// Fails if the value is not a duration or is too long.
pub fn duration(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
) -> Result<Duration, ConfigError> {
    let expects = "a duration with its unit from 0s to 1day, such as 2s or 500ms";
    let range = Duration::ZERO..=Duration::from_hours(24);
    duration_in(lookup, variable, default, &range, expects)
}

/// Like [`duration`], but with an explicit range.
///
/// The range should end well below `Duration::MAX`: adding such a long duration to an `Instant` panics.
///
/// # Errors
///
/// Fails if the value is not a duration or not in `range`. `expects` describes the range for the error, as in "a
/// duration from 1ms to 1h".
pub fn duration_in(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
    range: &RangeInclusive<Duration>,
    expects: &'static str,
) -> Result<Duration, ConfigError> {
    let range = (*range.start()).into()..=(*range.end()).into();
    within::<humantime::Duration>(lookup, variable, default, &range, expects).map(Into::into)
}

fn within<T: FromStr + PartialOrd>(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
    range: &RangeInclusive<T>,
    expects: &'static str,
) -> Result<T, ConfigError> {
    let value = text(lookup, variable).unwrap_or_else(|| default.to_owned());
    let parsed = value.parse().ok().filter(|parsed| range.contains(parsed));
    parsed.ok_or(ConfigError {
        variable,
        value,
        expects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &str) -> impl Fn(&str) -> Option<String> {
        move |_| Some(value.to_owned())
    }

    #[test]
    fn printed_error_has_no_secrets() {
        for (variable, value) in [
            ("INVENTORY_URL", "ftp://ann:hunter2@host/?token=hunter2"),
            ("LISTEN_ADDR", "hunter2@127.0.0.1"),
            ("DATABASE_PASSWORD", "hunter2"),
            ("API_KEY", "hunter2"),
        ] {
            let error = read::<u8>(&set(value), variable, "", "another").unwrap_err();
            for printed in [
                error.to_string(),
                format!("{error:?}"),
                format!("{error:#?}"),
            ] {
                assert!(!printed.contains("hunter2"), "{printed}");
                assert!(printed.contains(variable), "{printed}");
                assert!(printed.contains("expected another"), "{printed}");
            }
            assert_eq!(error.value, value);
        }
    }

    #[test]
    fn number_out_of_range_error_states_range() {
        let read = |value| {
            number(
                &set(value),
                "LIMIT",
                "7",
                &(1..=10_u64),
                "a number from 1 to 10",
            )
        };
        assert_eq!(read("1"), Ok(1));
        assert_eq!(read(" 10 "), Ok(10));
        assert_eq!(read(""), Ok(7));
        for value in ["0", "11", "-1", "1.5", "18446744073709551616", "ten"] {
            let error = read(value).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("LIMIT is `{value}`: expected a number from 1 to 10")
            );
        }
    }

    #[test]
    fn duration_has_default_range() {
        let read = |value| duration(&set(value), "DELAY", "0s");
        assert_eq!(read("0s"), Ok(Duration::ZERO));
        assert_eq!(read("1day"), Ok(Duration::from_hours(24)));
        for value in ["1day 1ns", "500000000000years", "-1s", "2"] {
            let error = read(value).unwrap_err().to_string();
            for part in ["DELAY", &format!("`{value}`"), "from 0s to 1day"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
