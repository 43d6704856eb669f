//! Who is exporting: the attributes that every span of the process has.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};
use percent_encoding::percent_decode_str;

use super::variables::Variables;
use crate::{semconv, telemetry::Service};

/// What the SDK says of itself, what the code says of its service, and before that what the environment says:
/// `service.name` in the specification's order.
pub(super) fn read(variables: &mut Variables<'_>, service: Service) -> Resource {
    let attributes = variables.parse("OTEL_RESOURCE_ATTRIBUTES", "no attribute of it", attributes);
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

/// `key=value` pairs, percent-encoded, or `None` where one of them is none: the specification discards the whole list then.
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
            Some(KeyValue::new(Key::new(key), decode(value)?))
        })
        // An empty name is none: it would hide the one in the code.
        .filter(|pair| !matches!(pair, Some(pair) if pair.key.as_str() == semconv::SERVICE_NAME && pair.value.as_str().is_empty()))
        .collect()
}
