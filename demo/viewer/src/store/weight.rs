//! Computes the memory of spans and sources: the size of every allocation that they own, not their encoded size.
//!
//! An empty attribute takes two bytes in protobuf and sixty bytes in memory, so a limit on the encoded size would not
//! limit memory.

use std::mem::size_of;

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Link;

/// Overhead of an allocation, and of the table entries of a span or source, in bytes.
const ALLOCATION: usize = 16;
const ENTRIES: usize = 64;

/// Returns the memory of a span's allocations and table entry in bytes. The caller adds the size of the struct.
pub(super) fn span(span: &Span) -> usize {
    let status = span.status.as_ref().map_or(0, |s| text(&s.message));
    let events = span.events.iter();
    let links = span.links.iter();
    ENTRIES
        + bytes(&span.trace_id)
        + bytes(&span.span_id)
        + bytes(&span.parent_span_id)
        + text(&span.trace_state)
        + text(&span.name)
        + status
        + attributes(&span.attributes)
        + list(&span.events)
        + events
            .map(|e| text(&e.name) + attributes(&e.attributes))
            .sum::<usize>()
        + list(&span.links)
        + links.map(link).sum::<usize>()
}

/// Returns the memory of a process in bytes: its resource, schema URL and service name.
pub(super) fn process(service: &String, resource: Option<&Resource>, schema_url: &String) -> usize {
    let resource = resource.map_or(0, |resource| {
        let entities = resource.entity_refs.iter().map(|entity| {
            let keys = entity.id_keys.iter().chain(&entity.description_keys);
            text(&entity.schema_url)
                + text(&entity.r#type)
                + list(&entity.id_keys)
                + list(&entity.description_keys)
                + keys.map(text).sum::<usize>()
        });
        attributes(&resource.attributes) + list(&resource.entity_refs) + entities.sum::<usize>()
    });
    text(service) + text(schema_url) + resource
}

/// Returns the memory of a source's allocations and table entry in bytes, without its process. The caller adds the size
/// of the struct.
pub(super) fn scope(scope: Option<&InstrumentationScope>, schema_url: &String) -> usize {
    let scope = scope.map_or(0, |scope| {
        text(&scope.name) + text(&scope.version) + attributes(&scope.attributes)
    });
    ENTRIES + text(schema_url) + scope
}

fn link(link: &Link) -> usize {
    bytes(&link.trace_id)
        + bytes(&link.span_id)
        + text(&link.trace_state)
        + attributes(&link.attributes)
}

fn attributes(attributes: &Vec<KeyValue>) -> usize {
    let owned = attributes
        .iter()
        .map(|a| text(&a.key) + value(a.value.as_ref()));
    list(attributes) + owned.sum::<usize>()
}

fn value(value: Option<&AnyValue>) -> usize {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(string)) => text(string),
        Some(Value::BytesValue(binary)) => bytes(binary),
        Some(Value::ArrayValue(array)) => {
            let owned = array.values.iter().map(|v| self::value(Some(v)));
            list(&array.values) + owned.sum::<usize>()
        }
        Some(Value::KvlistValue(pairs)) => attributes(&pairs.values),
        _ => 0,
    }
}

fn list<T>(list: &Vec<T>) -> usize {
    allocation(list.capacity() * size_of::<T>())
}

fn text(text: &String) -> usize {
    allocation(text.capacity())
}

fn bytes(bytes: &Vec<u8>) -> usize {
    allocation(bytes.capacity())
}

fn allocation(size: usize) -> usize {
    if size == 0 { 0 } else { ALLOCATION + size }
}
