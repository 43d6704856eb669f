//! [`redact`]: removes secrets from the texts of errors in an ended span, since they can contain URLs.

use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, StringValue, Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;

use crate::redact;

/// Redacts the attributes that contain errors, including those of events and links, and the status description of a
/// failed span.
pub(super) fn redact(span: &mut SpanData) {
    attributes(&mut span.attributes);
    for event in &mut span.events.events {
        attributes(&mut event.attributes);
    }
    for link in &mut span.links.links {
        attributes(&mut link.attributes);
    }
    if let Status::Error { description } = &mut span.status
        && let Cow::Owned(redacted) = redact::text(description)
    {
        *description = redacted.into();
    }
}

/// Suffix of the attribute key under which `tracing-opentelemetry` records the causes of an error.
const CAUSES: &str = ".chain";

fn attributes(attributes: &mut [KeyValue]) {
    let mut have_causes = false;
    for attribute in &mut *attributes {
        let key = attribute.key.as_str();
        if redact::is_error(key) {
            have_causes |= key.ends_with(CAUSES);
            redact_value(&mut attribute.value);
        }
    }
    if have_causes {
        named_errors(attributes);
    }
}

/// Redacts errors in fields whose name does not indicate an error, such as `cause = &error as &dyn Error`. Such a field
/// is recognized by its attribute of causes, here `cause.chain`.
fn named_errors(attributes: &mut [KeyValue]) {
    for index in 0..attributes.len() {
        let key = attributes[index].key.as_str();
        let causes = |other: &KeyValue| other.key.as_str().strip_suffix(CAUSES) == Some(key);
        if !redact::is_error(key) && attributes.iter().any(causes) {
            redact_value(&mut attributes[index].value);
        }
    }
}

fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => redact_text(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(redact_text),
        _ => {}
    }
}

fn redact_text(text: &mut StringValue) {
    if let Cow::Owned(redacted) = redact::text(text.as_str()) {
        *text = redacted.into();
    }
}
