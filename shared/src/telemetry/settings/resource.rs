//! The resource: the attributes that all spans of the process share.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};
use percent_encoding::percent_decode_str;

use super::variables::Variables;
use crate::{internal::semconv, redact, telemetry::Service};

/// Merges the resource attributes of the SDK, the program and the environment. The environment takes
/// precedence over the program, and the program over the SDK.
pub(super) fn read(variables: &mut Variables<'_>, service: Service) -> Resource {
    let attributes = variables.parse(
        "OTEL_RESOURCE_ATTRIBUTES",
        "none of its attributes",
        "percent-encoded key=value pairs, separated by commas",
        attributes,
    );
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(service.into_attributes())
        .with_attributes(attributes.unwrap_or_default());
    match variables.text("OTEL_SERVICE_NAME") {
        Some(name) => resource.with_service_name(name),
        None => resource,
    }
    .with_schema_url([], semconv::SCHEMA_URL)
    .build()
}

/// Parses percent-encoded `key=value` pairs. Returns `None` if one pair is malformed, since the specification
/// then discards the whole list.
fn attributes(list: &str) -> Option<Vec<KeyValue>> {
    let pairs = list
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let decode = |text: &str| Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned());
            let key = decode(key).filter(|key| !key.is_empty())?;
            let value = decode(value)?;
            // As in spans: the text of an error may contain a URL with a password.
            let value = if redact::is_error(&key) {
                redact::text(&value).into_owned()
            } else {
                value
            };
            Some(KeyValue::new(Key::new(key), value))
        })
        // An empty `service.name` counts as not set, so that it does not override the name set in code.
        .filter(|pair| !matches!(pair, Some(pair) if pair.key.as_str() == semconv::SERVICE_NAME && pair.value.as_str().is_empty()))
        .collect()
}
