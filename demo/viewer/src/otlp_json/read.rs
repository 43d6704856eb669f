//! Parses OTLP messages from JSON objects.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::value::{Base64, Double, Enumeration, Hex, Integer};

/// Parses a batch of spans from OTLP/JSON.
///
/// # Errors
///
/// Returns an error if the body is not JSON or a field has a value of another type. The error message contains the
/// field and its position.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<ExportTraceServiceRequest> {
    serde_json::from_slice(body).map(|Object(request)| request)
}

/// A protobuf message in which every field is optional.
trait Message: Default {
    /// Reads the value of the field `name`. Ignores unknown fields.
    fn field<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error>;
}

/// Deserializes a protobuf message from a JSON object.
struct Object<T>(T);

impl<'de, T: Message> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Message> Visitor<'de> for Fields<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut message = T::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let read = message.field(&name, &mut map);
            read.map_err(|error| M::Error::custom(format_args!("{name}: {error}")))?;
        }
        Ok(Object(message))
    }
}

/// Reads the next value. `null` is the same as a missing value.
fn value<'de, T: Deserialize<'de>, M: MapAccess<'de>>(map: &mut M) -> Result<Option<T>, M::Error> {
    map.next_value()
}

fn text<'de, M: MapAccess<'de>>(map: &mut M) -> Result<String, M::Error> {
    Ok(value(map)?.unwrap_or_default())
}

fn texts<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Vec<String>, M::Error> {
    Ok(value(map)?.unwrap_or_default())
}

fn hex<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Vec<u8>, M::Error> {
    Ok(value(map)?.map_or_else(Vec::new, |Hex(bytes)| bytes))
}

fn integer<'de, N, M: MapAccess<'de>>(map: &mut M) -> Result<N, M::Error>
where
    N: TryFrom<i128> + Default,
{
    Ok(value(map)?.map_or_else(N::default, |Integer(number)| number))
}

fn message<'de, T: Message, M: MapAccess<'de>>(map: &mut M) -> Result<Option<T>, M::Error> {
    Ok(value(map)?.map(|Object(message)| message))
}

fn messages<'de, T: Message, M: MapAccess<'de>>(map: &mut M) -> Result<Vec<T>, M::Error> {
    let messages: Option<Vec<Object<T>>> = value(map)?;
    let messages = messages.unwrap_or_default().into_iter();
    Ok(messages.map(|Object(message)| message).collect())
}

fn skip<'de, M: MapAccess<'de>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value().map(|IgnoredAny| ())
}

/// Implements [`Message`] for a type, given the names of each field and the function that reads it.
macro_rules! fields {
    ($message:ty { $($($name:literal)|+ => $field:ident: $read:expr,)+ }) => {
        impl Message for $message {
            fn field<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
                match name {
                    $($($name)|+ => self.$field = $read(map)?,)+
                    _ => skip(map)?,
                }
                Ok(())
            }
        }
    };
}

fields!(ExportTraceServiceRequest {
    "resourceSpans" | "resource_spans" => resource_spans: messages,
});
fields!(ResourceSpans {
    "resource" => resource: message,
    "scopeSpans" | "scope_spans" => scope_spans: messages,
    "schemaUrl" | "schema_url" => schema_url: text,
});
fields!(Resource {
    "attributes" => attributes: messages,
    "droppedAttributesCount" | "dropped_attributes_count" => dropped_attributes_count: integer,
    "entityRefs" | "entity_refs" => entity_refs: messages,
});
fields!(EntityRef {
    "schemaUrl" | "schema_url" => schema_url: text,
    "type" => r#type: text,
    "idKeys" | "id_keys" => id_keys: texts,
    "descriptionKeys" | "description_keys" => description_keys: texts,
});
fields!(ScopeSpans {
    "scope" => scope: message,
    "spans" => spans: messages,
    "schemaUrl" | "schema_url" => schema_url: text,
});
fields!(InstrumentationScope {
    "name" => name: text,
    "version" => version: text,
    "attributes" => attributes: messages,
    "droppedAttributesCount" | "dropped_attributes_count" => dropped_attributes_count: integer,
});
fields!(Span {
    "traceId" | "trace_id" => trace_id: hex,
    "spanId" | "span_id" => span_id: hex,
    "traceState" | "trace_state" => trace_state: text,
    "parentSpanId" | "parent_span_id" => parent_span_id: hex,
    "flags" => flags: integer,
    "name" => name: text,
    "kind" => kind: kind,
    "startTimeUnixNano" | "start_time_unix_nano" => start_time_unix_nano: integer,
    "endTimeUnixNano" | "end_time_unix_nano" => end_time_unix_nano: integer,
    "attributes" => attributes: messages,
    "droppedAttributesCount" | "dropped_attributes_count" => dropped_attributes_count: integer,
    "events" => events: messages,
    "droppedEventsCount" | "dropped_events_count" => dropped_events_count: integer,
    "links" => links: messages,
    "droppedLinksCount" | "dropped_links_count" => dropped_links_count: integer,
    "status" => status: message,
});
fields!(Event {
    "timeUnixNano" | "time_unix_nano" => time_unix_nano: integer,
    "name" => name: text,
    "attributes" => attributes: messages,
    "droppedAttributesCount" | "dropped_attributes_count" => dropped_attributes_count: integer,
});
fields!(Link {
    "traceId" | "trace_id" => trace_id: hex,
    "spanId" | "span_id" => span_id: hex,
    "traceState" | "trace_state" => trace_state: text,
    "attributes" => attributes: messages,
    "droppedAttributesCount" | "dropped_attributes_count" => dropped_attributes_count: integer,
    "flags" => flags: integer,
});
fields!(Status {
    "message" => message: text,
    "code" => code: code,
});
fields!(KeyValue {
    "key" => key: text,
    "value" => value: message,
});
fields!(ArrayValue {
    "values" => values: messages,
});
fields!(KeyValueList {
    "values" => values: messages,
});

/// Only one of the fields of a value may be set. If several are present, the last one counts; `null` sets none.
impl Message for AnyValue {
    fn field<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        let read = match name {
            "stringValue" | "string_value" => value(map)?.map(Value::StringValue),
            "boolValue" | "bool_value" => value(map)?.map(Value::BoolValue),
            "intValue" | "int_value" => value(map)?.map(|Integer(number)| Value::IntValue(number)),
            "doubleValue" | "double_value" => {
                value(map)?.map(|Double(number)| Value::DoubleValue(number))
            }
            "arrayValue" | "array_value" => message(map)?.map(Value::ArrayValue),
            "kvlistValue" | "kvlist_value" => message(map)?.map(Value::KvlistValue),
            "bytesValue" | "bytes_value" => {
                value(map)?.map(|Base64(bytes)| Value::BytesValue(bytes))
            }
            _ => return skip(map),
        };
        if read.is_some() {
            self.value = read;
        }
        Ok(())
    }
}

fn kind<'de, M: MapAccess<'de>>(map: &mut M) -> Result<i32, M::Error> {
    enumeration(map, |name| SpanKind::from_str_name(name).map(Into::into))
}

fn code<'de, M: MapAccess<'de>>(map: &mut M) -> Result<i32, M::Error> {
    enumeration(map, |name| StatusCode::from_str_name(name).map(Into::into))
}

fn enumeration<'de, M: MapAccess<'de>>(
    map: &mut M,
    number: impl Fn(&str) -> Option<i32>,
) -> Result<i32, M::Error> {
    match value(map)? {
        None => Ok(0),
        Some(Enumeration::Number(number)) => Ok(number),
        Some(Enumeration::Name(name)) => {
            number(&name).ok_or_else(|| M::Error::custom(format_args!("unknown name `{name}`")))
        }
    }
}
