//! The settings, read once at startup.

mod base_url;

use std::net::SocketAddr;
use std::time::Duration;

use shared::config::{ConfigError, Lookup};
use shared::serve::Limits;

pub use base_url::{BaseUrl, BaseUrlError};

/// Default of `LISTEN_ADDR`.
pub const DEFAULT_LISTEN_ADDR: &str = "127.0.0.1:8080";

const INVENTORY_URL: &str = "INVENTORY_URL";
const TRACE_UI_URL: &str = "TRACE_UI_URL";

/// The number of calls to inventory per order, one after the other.
const CALLS: u32 = 2;

/// The settings of the service, read from environment variables.
#[derive(Debug, Clone)]
pub struct Config {
    /// `LISTEN_ADDR`, by default [`DEFAULT_LISTEN_ADDR`].
    pub listen_addr: SocketAddr,
    /// `INVENTORY_URL`, by default `http://127.0.0.1:8081`.
    pub inventory_url: BaseUrl,
    /// `INVENTORY_TIMEOUT`, by default `2s`: the time limit of a call, from connecting to the last byte of the answer.
    pub inventory_timeout: Duration,
    /// `INVENTORY_CONNECT_TIMEOUT`, by default `500ms`: the time limit of a connection attempt, DNS lookup included.
    pub inventory_connect_timeout: Duration,
    /// `TRACE_UI_URL`, by default `http://localhost:16686`: the trace UI, as seen from a browser.
    pub trace_ui_url: BaseUrl,
    /// `DEMO_ROUTES`, by default `false`: whether to serve the page at `/` and the pitfalls, which break traces on
    /// request.
    pub demo_routes: bool,
    /// Limits on connections, requests and waiting times. The default time limit of an order is the sum of the limits
    /// of its calls to inventory.
    pub limits: Limits,
}

impl Config {
    /// Reads the settings through `lookup`, which returns the value of a variable.
    ///
    /// # Errors
    ///
    /// A value is invalid. The error names the variable, the value and the accepted values.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let inventory_timeout = timeout(lookup, "INVENTORY_TIMEOUT", "2s")?;
        Ok(Self {
            listen_addr: shared::config::read(
                lookup,
                "LISTEN_ADDR",
                DEFAULT_LISTEN_ADDR,
                "an address like 127.0.0.1:8080",
            )?,
            inventory_url: inventory_url(lookup)?,
            inventory_timeout,
            inventory_connect_timeout: timeout(lookup, "INVENTORY_CONNECT_TIMEOUT", "500ms")?,
            trace_ui_url: trace_ui_url(lookup)?,
            demo_routes: shared::config::read(lookup, "DEMO_ROUTES", "false", "true or false")?,
            limits: limits(lookup, inventory_timeout)?,
        })
    }
}

fn inventory_url(lookup: Lookup<'_>) -> Result<BaseUrl, ConfigError> {
    let expects = "an http URL like http://127.0.0.1:8081, as checkout is built without TLS";
    let url: BaseUrl =
        shared::config::read(lookup, INVENTORY_URL, "http://127.0.0.1:8081", expects)?;
    if url.get().scheme() == "https" {
        // An `https` URL is rejected at startup, since every call would fail.
        return Err(ConfigError {
            variable: INVENTORY_URL,
            value: url.get().to_string(),
            expects,
        });
    }
    Ok(url)
}

/// Reads the URL of the trace UI. The page shows this URL to every visitor, so it must not contain user info.
fn trace_ui_url(lookup: Lookup<'_>) -> Result<BaseUrl, ConfigError> {
    let expects = "a URL like http://localhost:16686, without a user name";
    let url: BaseUrl =
        shared::config::read(lookup, TRACE_UI_URL, "http://localhost:16686", expects)?;
    if !url.get().username().is_empty() || url.get().password().is_some() {
        return Err(ConfigError {
            variable: TRACE_UI_URL,
            value: url.get().to_string(),
            expects,
        });
    }
    Ok(url)
}

/// Reads a timeout of at least 1ms: some programs interpret zero as "no limit", but here zero would fail every call.
fn timeout(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: &str,
) -> Result<Duration, ConfigError> {
    let range = Duration::from_millis(1)..=Duration::from_hours(1);
    let expects = "a duration with its unit from 1ms to 1h, such as 2s or 500ms";
    shared::config::duration_in(lookup, variable, default, &range, expects)
}

/// Reads the limits. The default of `REQUEST_TIMEOUT` exceeds the timeouts of all calls together, so that a slow call
/// is answered with the error of the call and not with a request timeout.
fn limits(lookup: Lookup<'_>, inventory_timeout: Duration) -> Result<Limits, ConfigError> {
    let mut defaults = Limits::default();
    let calls = inventory_timeout * CALLS;
    // Time for reading the request body and for the payment.
    let rest = defaults.request_body_timeout + Duration::from_secs(1);
    defaults.request_timeout = defaults.request_timeout.max(calls + rest);
    Limits::read(lookup, &defaults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(&|name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn unset_variables_use_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen_addr.to_string(), "127.0.0.1:8080");
        assert_eq!(
            config.inventory_url.get().as_str(),
            "http://127.0.0.1:8081/"
        );
        assert_eq!(config.inventory_timeout, Duration::from_secs(2));
        assert_eq!(config.inventory_connect_timeout, Duration::from_millis(500));
        assert!(!config.demo_routes);
        assert_eq!(config.limits, Limits::default());
        assert_eq!(
            config.trace_ui_url.get().as_str(),
            "http://localhost:16686/"
        );
    }

    #[test]
    fn error_names_variable_value_and_accepted_values() {
        for (variable, value, example) in [
            ("LISTEN_ADDR", "8080", "127.0.0.1:8080"),
            ("INVENTORY_URL", "inventory:8081", "http://127.0.0.1:8081"),
            ("INVENTORY_URL", "http://", "http://127.0.0.1:8081"),
            ("INVENTORY_URL", "http://a/?", "http://127.0.0.1:8081"),
            ("INVENTORY_URL", "https://a/", "without TLS"),
            ("INVENTORY_TIMEOUT", "2", "2s"),
            ("INVENTORY_TIMEOUT", "0s", "from 1ms to 1h"),
            ("INVENTORY_TIMEOUT", "999us", "from 1ms to 1h"),
            ("INVENTORY_TIMEOUT", "61m", "from 1ms to 1h"),
            ("INVENTORY_TIMEOUT", "500000000000years", "from 1ms to 1h"),
            ("INVENTORY_CONNECT_TIMEOUT", "61m", "from 1ms to 1h"),
            ("MAX_REQUESTS", "none", "from 1"),
            ("DEMO_ROUTES", "yes", "true or false"),
            (
                "TRACE_UI_URL",
                "javascript:alert(1)",
                "http://localhost:16686",
            ),
        ] {
            let error = read(&[(variable, value)]).unwrap_err().to_string();
            for part in [variable, &format!("`{value}`"), example] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn password_of_a_url_is_never_printed() {
        let url = "http://ann:hunter2@inventory:8081";
        let config = read(&[("INVENTORY_URL", url)]).unwrap();
        assert_eq!(config.inventory_url.get().password(), Some("hunter2"));
        let mut printed = vec![format!("{config:?}"), format!("{config:#?}")];
        for (variable, value) in [
            ("INVENTORY_URL", "https://ann:hunter2@inventory"),
            ("INVENTORY_URL", "http://inventory/?token=hunter2"),
            ("INVENTORY_URL", "ann:hunter2@inventory:8081"),
            ("TRACE_UI_URL", "http://ann:hunter2@traces"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err();
            printed.extend([format!("{error}"), format!("{error:?}")]);
        }
        for printed in printed {
            assert!(!printed.contains("hunter2"), "{printed}");
            assert!(printed.contains("REDACTED"), "{printed}");
        }
    }

    #[test]
    fn default_request_timeout_covers_all_calls() {
        let config = read(&[("INVENTORY_TIMEOUT", "20s")]).unwrap();
        assert!(config.limits.request_timeout > Duration::from_secs(40));
        let set = [("INVENTORY_TIMEOUT", "20s"), ("REQUEST_TIMEOUT", "3s")];
        let config = read(&set).unwrap();
        assert_eq!(config.limits.request_timeout, Duration::from_secs(3));
    }
}
