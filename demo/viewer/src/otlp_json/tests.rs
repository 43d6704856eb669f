use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};

use super::{Written, read};

/// Traces that contain every field with its zero value and with another value, as written by `ptrace.JSONMarshaler` of
/// the Collector's pdata 1.65.
const PDATA: &str = include_str!("pdata.json");

#[test]
fn traces_are_written_as_pdata_writes_them() {
    let ExportTraceServiceRequest { resource_spans } = read(PDATA.as_bytes()).unwrap();
    let written = serde_json::to_value(Written(TracesData { resource_spans })).unwrap();
    let expected: serde_json::Value = serde_json::from_str(PDATA).unwrap();
    // The Collector writes a double without a fraction as `0`, and this crate as `0.0`, which is the same number.
    assert_eq!(normal(written), normal(expected));
}

fn normal(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Array(values) => {
            for value in values {
                *value = normal(value.take());
            }
        }
        serde_json::Value::Object(fields) => {
            for value in fields.values_mut() {
                *value = normal(value.take());
            }
        }
        serde_json::Value::Number(number) => value = number.as_f64().into(),
        _ => {}
    }
    value
}

fn span(fields: &str) -> Span {
    try_span(fields).unwrap_or_else(|error| panic!("{fields}: {error}"))
}

fn try_span(fields: &str) -> serde_json::Result<Span> {
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let mut request = read(body.as_bytes())?;
    Ok(request.resource_spans[0].scope_spans[0].spans.remove(0))
}

fn attribute(value: &str) -> Option<Value> {
    let mut span = span(&format!(r#""attributes":[{{"key":"a","value":{value}}}]"#));
    let KeyValue { value, .. } = span.attributes.remove(0);
    value?.value
}

#[test]
fn null_counts_as_absent_for_every_field() {
    let null_in_every_field = PDATA_FIELDS
        .map(|name| format!(r#""{name}":null"#))
        .join(",");
    assert_eq!(span(&null_in_every_field), Span::default());
    for body in [
        format!("{{{null_in_every_field}}}"),
        format!(r#"{{"resourceSpans":[{{{null_in_every_field}}}]}}"#),
        format!(r#"{{"resourceSpans":[{{"resource":{{{null_in_every_field}}}}}]}}"#),
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{{null_in_every_field}}}}}]}}]}}"#
        ),
    ] {
        read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
    }
    for of_span in ["attributes", "events", "links"] {
        span(&format!(r#""{of_span}":[{{{null_in_every_field}}}]"#));
    }
    assert_eq!(attribute(&format!("{{{null_in_every_field}}}")), None);
    let other_is_null = attribute(r#"{"stringValue":"a","intValue":null}"#);
    assert_eq!(other_is_null, Some(Value::StringValue("a".to_owned())));
}

const PDATA_FIELDS: [&str; 44] = [
    "resourceSpans",
    "resource",
    "scopeSpans",
    "schemaUrl",
    "attributes",
    "droppedAttributesCount",
    "entityRefs",
    "type",
    "idKeys",
    "descriptionKeys",
    "scope",
    "spans",
    "name",
    "version",
    "traceId",
    "spanId",
    "traceState",
    "parentSpanId",
    "flags",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "events",
    "droppedEventsCount",
    "links",
    "droppedLinksCount",
    "status",
    "timeUnixNano",
    "message",
    "code",
    "key",
    "value",
    "values",
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
    "trace_id",
    "start_time_unix_nano",
    "scope_spans",
    "resource_spans",
];

#[test]
fn original_field_names_are_read_like_json_names() {
    let snake_case = snake_case(PDATA);
    assert!(
        snake_case.contains("dropped_attributes_count"),
        "{snake_case}"
    );
    let (snake, camel) = (read(snake_case.as_bytes()), read(PDATA.as_bytes()));
    // NaN is not equal to itself, so the test compares the debug texts.
    assert_eq!(
        format!("{:?}", snake.unwrap()),
        format!("{:?}", camel.unwrap())
    );
}

/// Converts the keys of JSON objects to snake case. `NaN` is the only other text with an upper-case letter after a
/// lower-case one.
fn snake_case(json: &str) -> String {
    let mut snake = String::new();
    let mut before = ' ';
    for character in json.chars() {
        if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
            snake.push('_');
            snake.push(character.to_ascii_lowercase());
        } else {
            snake.push(character);
        }
        before = character;
    }
    snake.replace("Na_n", "NaN")
}

#[test]
fn enumerations_are_read_by_number_and_name() {
    for kind in ["2", r#""2""#, r#""SPAN_KIND_SERVER""#] {
        assert_eq!(span(&format!(r#""kind":{kind}"#)).kind(), SpanKind::Server);
    }
    for code in ["2", r#""STATUS_CODE_ERROR""#] {
        let span = span(&format!(r#""status":{{"code":{code}}}"#));
        assert_eq!(span.status.unwrap().code, 2);
    }
    assert_eq!(span(r#""kind":77"#).kind, 77, "a kind of a later version");
}

#[test]
fn whole_numbers_are_read_with_and_without_quotes() {
    for time in ["1000", r#""1000""#, "1e3", "1000.0", r#""1e3""#] {
        let span = span(&format!(
            r#""startTimeUnixNano":{time},"droppedLinksCount":{time}"#
        ));
        assert_eq!(span.start_time_unix_nano, 1_000, "{time}");
        assert_eq!(span.dropped_links_count, 1_000, "{time}");
    }
    assert_eq!(
        span(&format!(r#""endTimeUnixNano":{0}"#, u64::MAX)).end_time_unix_nano,
        u64::MAX
    );
    for number in [i64::MIN, -1, i64::MAX] {
        for value in [number.to_string(), format!(r#""{number}""#)] {
            let value = attribute(&format!(r#"{{"intValue":{value}}}"#));
            assert_eq!(value, Some(Value::IntValue(number)));
        }
    }
}

#[test]
fn doubles_are_read_with_and_without_quotes() {
    for (text, number) in [
        ("1.5", 1.5),
        (r#""1.5""#, 1.5),
        ("2", 2.0),
        (r#""-Infinity""#, f64::NEG_INFINITY),
    ] {
        let value = attribute(&format!(r#"{{"doubleValue":{text}}}"#));
        assert_eq!(value, Some(Value::DoubleValue(number)));
    }
    let nan = attribute(r#"{"doubleValue":"NaN"}"#);
    assert!(matches!(nan, Some(Value::DoubleValue(number)) if number.is_nan()));
}

#[test]
fn bytes_are_read_in_both_alphabets_of_base64() {
    let bytes = Some(Value::BytesValue(vec![0xfb, 0xff, 0xfe, 0x01]));
    for text in ["+//+AQ==", "-__-AQ==", "-__-AQ", "+//+AQ"] {
        assert_eq!(
            attribute(&format!(r#"{{"bytesValue":"{text}"}}"#)),
            bytes,
            "{text}"
        );
    }
}

#[test]
fn unknown_fields_are_ignored_everywhere() {
    let unknown = r#""later":{"deep":[1,{"er":null}]}"#;
    assert_eq!(span(unknown), Span::default());
    assert_eq!(attribute(&format!("{{{unknown}}}")), None);
    assert_eq!(
        read(format!("{{{unknown}}}").as_bytes()).unwrap(),
        ExportTraceServiceRequest::default()
    );
}

#[test]
fn wrong_value_error_names_field_and_position() {
    for (fields, field) in [
        (
            r#""kind":"SPAN_KIND_SIDEWAYS""#,
            "kind: unknown name `SPAN_KIND_SIDEWAYS`",
        ),
        (r#""traceId":"xyz""#, "traceId: expected hexadecimal digits"),
        (
            r#""name":5"#,
            "name: invalid type: integer `5`, expected a string",
        ),
        (r#""flags":-1"#, "flags: -1 is out of range"),
        (
            r#""startTimeUnixNano":1.5"#,
            "startTimeUnixNano: expected a whole number",
        ),
        (r#""attributes":{}"#, "attributes: invalid type: map"),
    ] {
        let error = try_span(fields).unwrap_err().to_string();
        assert!(error.contains(&format!("spans: {field}")), "{error}");
        assert!(error.contains("at line 1 column"), "{error}");
    }
}

#[test]
fn deeply_nested_value_is_refused() {
    let depth = 10_000;
    let value = format!(
        "{}{}",
        r#"{"arrayValue":{"values":["#.repeat(depth),
        "]}}".repeat(depth)
    );
    let fields = format!(r#""attributes":[{{"value":{value}}}]"#);
    assert!(
        try_span(&fields)
            .unwrap_err()
            .to_string()
            .contains("recursion")
    );
}

#[test]
fn empty_value_is_written_as_empty_object() {
    let value = AnyValue { value: None };
    assert_eq!(serde_json::to_string(&Written(value)).unwrap(), "{}");
}
