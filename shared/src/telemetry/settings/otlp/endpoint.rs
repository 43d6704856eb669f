//! The variables `OTEL_EXPORTER_OTLP_[...]ENDPOINT`, and `OTEL_EXPORTER_OTLP_[...]INSECURE`.

use ::otlp::Protocol;
use url::Url;

use super::{
    super::variables::Variables,
    signal::{ENDPOINT, Signal},
};
use crate::config::ConfigError;

/// Returns the URL to which a signal (traces or metrics) is exported. An endpoint for the signal alone is
/// used unchanged; to the endpoint for all signals, HTTP appends the signal's path, such as `v1/traces`.
pub(super) fn endpoint(
    variables: &mut Variables<'_>,
    signal: &Signal,
    protocol: Protocol,
) -> Result<Url, ConfigError> {
    let default = if protocol.is_http() {
        "http://localhost:4318"
    } else {
        "http://localhost:4317"
    };
    let (variable, value) = variables
        .first(signal.endpoint)
        .unwrap_or_else(|| (ENDPOINT, default.to_owned()));
    let with_scheme = with_scheme(variables, signal, protocol, &value);
    let mut endpoint = url(variable, value, &with_scheme)?;
    if !protocol.is_http() && !matches!(endpoint.path(), "" | "/") {
        variables.warn(format!(
            "{variable} has a path, which has no effect: gRPC uses the host and port only"
        ));
    }
    if protocol.is_http() && variable == ENDPOINT {
        let path = format!("{}/{}", endpoint.path().trim_end_matches('/'), signal.path);
        endpoint.set_path(&path);
    }
    Ok(endpoint)
}

/// Adds a scheme to an endpoint without one (`host:port`), which gRPC accepts: `http` if the `_INSECURE`
/// variable is true, otherwise `https`.
fn with_scheme(
    variables: &mut Variables<'_>,
    signal: &Signal,
    protocol: Protocol,
    value: &str,
) -> String {
    let Some((variable, _)) = variables.first(signal.insecure) else {
        return default_scheme(protocol, value, false);
    };
    let insecure = variables.first_usable(&signal.insecure, "false", "true or false", |value| {
        value.to_ascii_lowercase().parse().ok()
    });
    if protocol.is_http() || value.contains("://") {
        variables.warn(format!(
            "{variable} has no effect: it applies to gRPC endpoints without http:// or https:// only"
        ));
    }
    default_scheme(protocol, value, insecure.unwrap_or(false))
}

fn default_scheme(protocol: Protocol, value: &str, insecure: bool) -> String {
    if protocol.is_http() || value.contains("://") {
        value.to_owned()
    } else if insecure {
        format!("http://{value}")
    } else {
        format!("https://{value}")
    }
}

fn url(variable: &'static str, value: String, with_scheme: &str) -> Result<Url, ConfigError> {
    let refused = |value: String, expects| ConfigError {
        variable,
        value,
        expects,
    };
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(with_scheme).ok().filter(is_http) {
        None => Err(refused(value, "a URL such as http://localhost:4318")),
        Some(url) if url.scheme() == "https" && cfg!(not(feature = "tls")) => Err(refused(
            value,
            "an http:// URL, or a build of `shared` with the cargo feature `tls`",
        )),
        Some(url) => Ok(url),
    }
}
