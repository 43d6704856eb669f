//! Settings out of environment variables: each read once, each error naming the variable, its value and what would do.

use std::{str::FromStr, time::Duration};

/// Looks one variable up: [`variable`] in a service, a map in a test, so that tests never set process variables.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable whose value cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable} is `{value}`: expected {expects}")]
pub struct ConfigError {
    /// The variable's name.
    pub variable: &'static str,
    /// The value it has.
    pub value: String,
    /// What would have done.
    pub expects: &'static str,
}

/// The process's own environment, as a [`Lookup`]. A value that is not UTF-8 is shown with replacement characters.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The trimmed value of a variable; one that is empty counts as unset.
pub fn text(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    let value = lookup(variable)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Reads a variable, or `default` where it is unset.
///
/// # Errors
///
/// When the value does not parse; `expects` says what would, as in "expected an address like 127.0.0.1:8080".
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

/// Reads a duration with its unit, such as `2s` or `500ms`.
///
/// # Errors
///
/// When the value is no duration.
pub fn duration(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
) -> Result<Duration, ConfigError> {
    read::<humantime::Duration>(
        lookup,
        variable,
        default,
        "a duration with its unit, such as 2s or 500ms",
    )
    .map(Into::into)
}
