//! Writes OTLP messages as JSON objects, with the field order and format of the Collector's `pdata`.

use base64::Engine as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::value::BASE64;
use crate::attributes;

/// Serializes a protobuf message as a JSON object.
pub(crate) struct Written<T>(pub(crate) T);

/// A protobuf message that can be written field by field.
trait Message {
    fn fields<M: SerializeMap>(&self, object: &mut Object<M>) -> Result<(), M::Error>;
}

impl<T: Message> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object(serializer.serialize_map(None)?);
        self.0.fields(&mut object)?;
        object.0.end()
    }
}

impl<T: Message> Message for &T {
    fn fields<M: SerializeMap>(&self, object: &mut Object<M>) -> Result<(), M::Error> {
        T::fields(self, object)
    }
}

/// Writes a missing message as an empty one.
impl<T: Message> Message for Option<T> {
    fn fields<M: SerializeMap>(&self, object: &mut Object<M>) -> Result<(), M::Error> {
        self.as_ref()
            .map_or(Ok(()), |message| message.fields(object))
    }
}

/// Serializes protobuf messages as a JSON array.
struct List<'a, T>(&'a [T]);

impl<T: Message> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Written))
    }
}

/// Writes a JSON object, omitting fields that have the zero value of their type.
struct Object<M>(M);

impl<M: SerializeMap> Object<M> {
    fn value<T>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error>
    where
        T: Serialize + PartialEq + Default,
    {
        if *value == T::default() {
            return Ok(());
        }
        self.0.serialize_entry(name, value)
    }

    /// Writes a 64-bit number in quotes, since many JSON parsers read numbers as doubles.
    fn large<T>(&mut self, name: &'static str, number: &T) -> Result<(), M::Error>
    where
        T: ToString + PartialEq + Default,
    {
        if *number == T::default() {
            return Ok(());
        }
        self.0.serialize_entry(name, &number.to_string())
    }

    fn hex(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), M::Error> {
        self.value(name, &attributes::hex(bytes))
    }

    fn list<T: Message>(&mut self, name: &'static str, list: &[T]) -> Result<(), M::Error> {
        if list.is_empty() {
            return Ok(());
        }
        self.0.serialize_entry(name, &List(list))
    }

    fn message<T: Message>(&mut self, name: &'static str, message: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &Written(message))
    }
}

/// Implements [`Message`] for a type, given its fields in order, each with the method that writes it.
macro_rules! fields {
    ($message:ty { $($method:ident $name:literal $field:ident,)+ }) => {
        impl Message for $message {
            fn fields<M: SerializeMap>(&self, object: &mut Object<M>) -> Result<(), M::Error> {
                $(object.$method($name, &self.$field)?;)+
                Ok(())
            }
        }
    };
}

fields!(TracesData {
    list "resourceSpans" resource_spans,
});
fields!(ResourceSpans {
    message "resource" resource,
    list "scopeSpans" scope_spans,
    value "schemaUrl" schema_url,
});
fields!(Resource {
    list "attributes" attributes,
    value "droppedAttributesCount" dropped_attributes_count,
    list "entityRefs" entity_refs,
});
fields!(EntityRef {
    value "schemaUrl" schema_url,
    value "type" r#type,
    value "idKeys" id_keys,
    value "descriptionKeys" description_keys,
});
fields!(ScopeSpans {
    message "scope" scope,
    list "spans" spans,
    value "schemaUrl" schema_url,
});
fields!(InstrumentationScope {
    value "name" name,
    value "version" version,
    list "attributes" attributes,
    value "droppedAttributesCount" dropped_attributes_count,
});
fields!(Span {
    hex "traceId" trace_id,
    hex "spanId" span_id,
    value "traceState" trace_state,
    hex "parentSpanId" parent_span_id,
    value "flags" flags,
    value "name" name,
    value "kind" kind,
    large "startTimeUnixNano" start_time_unix_nano,
    large "endTimeUnixNano" end_time_unix_nano,
    list "attributes" attributes,
    value "droppedAttributesCount" dropped_attributes_count,
    list "events" events,
    value "droppedEventsCount" dropped_events_count,
    list "links" links,
    value "droppedLinksCount" dropped_links_count,
    message "status" status,
});
fields!(Event {
    large "timeUnixNano" time_unix_nano,
    value "name" name,
    list "attributes" attributes,
    value "droppedAttributesCount" dropped_attributes_count,
});
fields!(Link {
    hex "traceId" trace_id,
    hex "spanId" span_id,
    value "traceState" trace_state,
    list "attributes" attributes,
    value "droppedAttributesCount" dropped_attributes_count,
    value "flags" flags,
});
fields!(Status {
    value "message" message,
    value "code" code,
});
fields!(KeyValue {
    value "key" key,
    message "value" value,
});
fields!(ArrayValue {
    list "values" values,
});
fields!(KeyValueList {
    list "values" values,
});

/// The name of the field that is set determines the type, so the field is written even if its value is zero.
impl Message for AnyValue {
    fn fields<M: SerializeMap>(&self, object: &mut Object<M>) -> Result<(), M::Error> {
        let map = &mut object.0;
        match &self.value {
            Some(Value::StringValue(text)) => map.serialize_entry("stringValue", text),
            Some(Value::BoolValue(flag)) => map.serialize_entry("boolValue", flag),
            Some(Value::IntValue(number)) => map.serialize_entry("intValue", &number.to_string()),
            Some(Value::DoubleValue(number)) => double(map, *number),
            Some(Value::ArrayValue(array)) => object.message("arrayValue", array),
            Some(Value::KvlistValue(list)) => object.message("kvlistValue", list),
            Some(Value::BytesValue(bytes)) => {
                map.serialize_entry("bytesValue", &BASE64.encode(bytes))
            }
            // The value is an index into a string table, which exists only in profiles.
            Some(Value::StringValueStrindex(_)) | None => Ok(()),
        }
    }
}

fn double<M: SerializeMap>(map: &mut M, number: f64) -> Result<(), M::Error> {
    let name = "doubleValue";
    match number {
        f64::INFINITY => map.serialize_entry(name, "Infinity"),
        f64::NEG_INFINITY => map.serialize_entry(name, "-Infinity"),
        number if number.is_nan() => map.serialize_entry(name, "NaN"),
        number => map.serialize_entry(name, &number),
    }
}
