//! Encodes spans as [OTLP](https://opentelemetry.io/docs/specs/otlp/) on the thread that ends them. The queue therefore
//! knows the exact size of each span, and the exporter's thread does not have to encode spans.

mod request;

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, KeyValue, SpanId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;

pub(super) use self::request::{RequestHead, ScopeSpans};
use super::protobuf;
use crate::ValueLimits;

/// Field number of `ResourceSpans.scope_spans`.
pub(super) const SCOPE_SPANS: u32 = 2;

/// Field number of `ScopeSpans.spans`.
pub(super) const SPANS: u32 = 2;

/// Encodes a span and appends it to the buffer as an entry of `ScopeSpans.spans`.
///
/// If given, `trace_state` is written instead of the span's own `TraceState`, which does not support all valid lists.
pub(super) fn span(
    buffer: &mut Vec<u8>,
    span: &SpanData,
    trace_state: Option<&str>,
    limits: ValueLimits,
) {
    protobuf::message(buffer, SPANS, |buffer| {
        span_fields(buffer, span, trace_state, limits);
    });
}

fn span_fields(
    buffer: &mut Vec<u8>,
    span: &SpanData,
    trace_state: Option<&str>,
    limits: ValueLimits,
) {
    ids(buffer, &span.span_context, trace_state);
    if span.parent_span_id != SpanId::INVALID {
        protobuf::bytes(buffer, 4, &span.parent_span_id.to_bytes());
    }
    protobuf::bytes(buffer, 5, ValueLimits::name(&span.name).as_bytes());
    let kind = match span.span_kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    };
    protobuf::uint(buffer, 6, kind);
    protobuf::fixed64(buffer, 7, nanoseconds(span.start_time));
    protobuf::fixed64(buffer, 8, nanoseconds(span.end_time));
    attributes(buffer, 9, &span.attributes, limits);
    protobuf::uint(buffer, 10, span.dropped_attributes_count.into());
    for event in span.events.iter() {
        protobuf::message(buffer, 11, |buffer| event_fields(buffer, event, limits));
    }
    protobuf::uint(buffer, 12, span.events.dropped_count.into());
    for link in span.links.iter() {
        protobuf::message(buffer, 13, |buffer| link_fields(buffer, link, limits));
    }
    protobuf::uint(buffer, 14, span.links.dropped_count.into());
    match &span.status {
        Status::Unset => {}
        Status::Ok => protobuf::message(buffer, 15, |buffer| protobuf::uint(buffer, 3, 1)),
        Status::Error { description } => protobuf::message(buffer, 15, |buffer| {
            protobuf::bytes(buffer, 2, ValueLimits::name(description).as_bytes());
            protobuf::uint(buffer, 3, 2);
        }),
    }
    let mut flags = flags(&span.span_context, span.parent_span_is_remote);
    if span.parent_span_id == SpanId::INVALID {
        // The SDK does not set this flag on root spans, although its id generator creates random trace ids.
        flags |= RANDOM_TRACE_ID;
    }
    protobuf::fixed32(buffer, 16, flags);
}

fn event_fields(buffer: &mut Vec<u8>, event: &Event, limits: ValueLimits) {
    protobuf::fixed64(buffer, 1, nanoseconds(event.timestamp));
    protobuf::bytes(buffer, 2, ValueLimits::name(&event.name).as_bytes());
    attributes(buffer, 3, &event.attributes, limits);
    protobuf::uint(buffer, 4, event.dropped_attributes_count.into());
}

fn link_fields(buffer: &mut Vec<u8>, link: &Link, limits: ValueLimits) {
    let cx = &link.span_context;
    ids(buffer, cx, None);
    attributes(buffer, 4, &link.attributes, limits);
    protobuf::uint(buffer, 5, link.dropped_attributes_count.into());
    protobuf::fixed32(buffer, 6, flags(cx, cx.is_remote()));
}

/// Writes the fields that spans and links have in common: trace id, span id and `tracestate`.
fn ids(buffer: &mut Vec<u8>, cx: &SpanContext, trace_state: Option<&str>) {
    protobuf::bytes(buffer, 1, &cx.trace_id().to_bytes());
    protobuf::bytes(buffer, 2, &cx.span_id().to_bytes());
    match trace_state {
        Some(list) => protobuf::bytes(buffer, 3, list.as_bytes()),
        None => protobuf::bytes(buffer, 3, cx.trace_state().header().as_bytes()),
    }
}

/// Returns the `flags` field of a span or link: the W3C trace flags, and whether the parent span or the linked span
/// belongs to another process.
fn flags(cx: &SpanContext, is_remote: bool) -> u32 {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    u32::from(cx.trace_flags().to_u8()) | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

/// The W3C trace flag for a random trace id, as the SDK's id generator creates by default.
const RANDOM_TRACE_ID: u32 = 0x02;

fn nanoseconds(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

fn attributes(buffer: &mut Vec<u8>, field: u32, attributes: &[KeyValue], limits: ValueLimits) {
    let may_repeat = may_repeat(attributes);
    for (index, attribute) in attributes.iter().enumerate() {
        let key = attribute.key.as_str();
        // If an attribute is set again, the SDK stores its key twice. OTLP requires unique keys, so only the last value
        // is exported.
        let is_later = || {
            attributes[index + 1..]
                .iter()
                .any(|it| it.key.as_str() == key)
        };
        if may_repeat && is_later() {
            continue;
        }
        protobuf::message(buffer, field, |buffer| {
            protobuf::bytes(buffer, 1, key.as_bytes());
            protobuf::message(buffer, 2, |buffer| {
                any_value(buffer, key, &attribute.value, limits);
            });
        });
    }
}

/// Returns whether an attribute key may occur twice. A small Bloom filter avoids comparing every key with every other
/// key.
fn may_repeat(attributes: &[KeyValue]) -> bool {
    let mut seen = [0_u64; 8];
    attributes.iter().any(|attribute| {
        let key = attribute.key.as_str().as_bytes();
        let at = |index: usize| usize::from(key.get(index).copied().unwrap_or_default());
        let hash = key.len() * 31 + at(key.len() / 2) * 7 + at(key.len().wrapping_sub(1)) * 3;
        let word = &mut seen[hash / 64 % 8];
        let bit = 1 << (hash % 64);
        let was_seen = *word & bit != 0;
        *word |= bit;
        was_seen
    })
}

fn pair(buffer: &mut Vec<u8>, field: u32, key: &str, value: &Value, limits: ValueLimits) {
    protobuf::message(buffer, field, |buffer| {
        protobuf::bytes(buffer, 1, key.as_bytes());
        protobuf::message(buffer, 2, |buffer| any_value(buffer, key, value, limits));
    });
}

fn any_value(buffer: &mut Vec<u8>, key: &str, value: &Value, limits: ValueLimits) {
    match value {
        Value::Bool(value) => boolean(buffer, *value),
        Value::I64(value) => integer(buffer, *value),
        Value::F64(value) => double(buffer, *value),
        Value::String(value) => text(buffer, limits.text(key, value.as_str())),
        Value::Array(array) => protobuf::message(buffer, 5, |buffer| match array {
            Array::Bool(values) => each(buffer, values, |buffer, value| boolean(buffer, *value)),
            Array::I64(values) => each(buffer, values, |buffer, value| integer(buffer, *value)),
            Array::F64(values) => each(buffer, values, |buffer, value| double(buffer, *value)),
            Array::String(values) => each(buffer, values, |buffer, value| {
                text(buffer, limits.text(key, value.as_str()));
            }),
            // `Array` is non-exhaustive, but has no other variants yet.
            _ => {}
        }),
        other => text(buffer, limits.text(key, &other.as_str())),
    }
}

fn each<T>(buffer: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for value in values {
        protobuf::message(buffer, 1, |buffer| write(buffer, value));
    }
}

fn text(buffer: &mut Vec<u8>, value: &str) {
    protobuf::member_bytes(buffer, 1, value.as_bytes());
}

fn boolean(buffer: &mut Vec<u8>, value: bool) {
    protobuf::member_uint(buffer, 2, value.into());
}

fn integer(buffer: &mut Vec<u8>, value: i64) {
    protobuf::member_uint(buffer, 3, value.cast_unsigned());
}

fn double(buffer: &mut Vec<u8>, value: f64) {
    protobuf::member_double(buffer, 4, value);
}

#[cfg(test)]
mod tests;
