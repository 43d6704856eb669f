//! Compares encoded spans, read by an independent decoder, with OpenTelemetry's own structs.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::{
    InstrumentationScope, SpanId, StringValue, TraceId,
    trace::{SpanContext, TraceFlags, TraceState},
};
use opentelemetry_proto::{
    tonic::{
        collector::trace::v1::ExportTraceServiceRequest, common::v1::KeyValue as ProtoKeyValue,
        common::v1::any_value, trace::v1::Status as ProtoStatus,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanEvents, SpanLinks},
};
use proptest::{collection::vec, prelude::*};
use prost::Message as _;

use super::*;
use crate::Limit;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        ".{0,200}".prop_map(|text| Value::String(text.into())),
        vec(any::<bool>(), 0..4).prop_map(|list| Value::Array(Array::Bool(list))),
        vec(any::<i64>(), 0..4).prop_map(|list| Value::Array(Array::I64(list))),
        vec(any::<f64>(), 0..4).prop_map(|list| Value::Array(Array::F64(list))),
        vec(".{0,20}", 0..4).prop_map(|list| {
            let list = list.into_iter().map(StringValue::from).collect();
            Value::Array(Array::String(list))
        }),
    ]
}

fn some_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = ("[a-z.]{1,20}", value()).prop_map(|(key, value)| KeyValue::new(key, value));
    vec(attribute, 0..12)
}

fn some_context() -> impl Strategy<Value = SpanContext> {
    let state = prop_oneof![
        Just(TraceState::NONE),
        Just(TraceState::from_key_value([("a", "1"), ("b@c", "2")]).unwrap()),
    ];
    (1..=u128::MAX, 1..=u64::MAX, 0_u8..4, any::<bool>(), state).prop_map(
        |(trace_id, span_id, flags, is_remote, state)| {
            let (trace_id, span_id) = (TraceId::from(trace_id), SpanId::from(span_id));
            SpanContext::new(trace_id, span_id, TraceFlags::new(flags), is_remote, state)
        },
    )
}

fn some_scope() -> impl Strategy<Value = InstrumentationScope> {
    let plain = InstrumentationScope::builder("plain").build();
    let full = InstrumentationScope::builder("full")
        .with_version("1.2.3")
        .with_schema_url("https://example.com/schema")
        .with_attributes([KeyValue::new("key", "value")])
        .build();
    prop_oneof![Just(plain), Just(full)]
}

fn time() -> impl Strategy<Value = SystemTime> {
    (0_u64..u64::MAX / 2).prop_map(|time| UNIX_EPOCH + Duration::from_nanos(time))
}

prop_compose! {
    fn some_events()(
        events in vec((time(), ".{0,20}", some_attributes(), 0_u32..3), 0..4),
        dropped in 0_u32..3,
    ) -> SpanEvents {
        let mut all = SpanEvents::default();
        all.events = events
            .into_iter()
            .map(|(time, name, attributes, dropped)| Event::new(name, time, attributes, dropped))
            .collect();
        all.dropped_count = dropped;
        all
    }
}

prop_compose! {
    fn some_links()(
        links in vec((some_context(), some_attributes(), 0_u32..3), 0..4),
        dropped in 0_u32..3,
    ) -> SpanLinks {
        let mut all = SpanLinks::default();
        all.links = links
            .into_iter()
            .map(|(cx, attributes, dropped)| Link::new(cx, attributes, dropped))
            .collect();
        all.dropped_count = dropped;
        all
    }
}

prop_compose! {
    fn some_span()(
        span_context in some_context(),
        (parent, parent_span_is_remote) in (any::<u64>(), any::<bool>()),
        kind in 0_usize..5,
        name in ".{0,40}",
        (start_time, end_time) in (time(), time()),
        attributes in some_attributes(),
        dropped_attributes_count in 0_u32..3,
        events in some_events(),
        links in some_links(),
        status in 0..3,
        instrumentation_scope in some_scope(),
    ) -> SpanData {
        let kinds = [
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ];
        SpanData {
            span_context,
            parent_span_id: if parent % 3 == 0 { SpanId::INVALID } else { parent.into() },
            parent_span_is_remote,
            span_kind: kinds[kind].clone(),
            name: name.clone().into(),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count,
            events,
            links,
            status: match status {
                0 => Status::Unset,
                1 => Status::Ok,
                _ => Status::error("the order failed"),
            },
            instrumentation_scope,
        }
    }
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_schema_url(
            [
                KeyValue::new("service.name", "checkout"),
                KeyValue::new("empty", ""),
            ],
            "https://example.com/resource",
        )
        .build()
}

fn keep_last_values(attributes: &mut Vec<ProtoKeyValue>) {
    let all = attributes.clone();
    let mut index = 0;
    attributes.retain(|attribute| {
        index += 1;
        all[index..].iter().all(|later| later.key != attribute.key)
    });
}

/// Encodes spans as one request, grouped by instrumentation scope as in the queue.
fn encoded(
    spans: &[SpanData],
    limits: ValueLimits,
    resource: &Resource,
) -> ExportTraceServiceRequest {
    let mut scopes: Vec<ScopeSpans> = Vec::new();
    for data in spans {
        let scope = data.instrumentation_scope.clone();
        let position = scopes.iter().position(|spans| spans.scope == scope);
        let position = position.unwrap_or_else(|| {
            scopes.push(ScopeSpans::new(&scope));
            scopes.len() - 1
        });
        span(&mut scopes[position].spans, data, None, limits);
    }
    let request = RequestHead::new(resource).request(&scopes);
    ExportTraceServiceRequest::decode(request.as_slice()).expect("it is protobuf")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn encoded_spans_match_structs_of_protocol(spans in vec(some_span(), 1..6)) {
        let resource = resource();
        let attributes = ResourceAttributesWithSchema::from(&resource);
        let mut expected = group_spans_by_resource_and_scope(spans.clone(), &attributes);
        let all = expected.iter_mut().flat_map(|resource| &mut resource.scope_spans);
        for span in all.flat_map(|scope| &mut scope.spans) {
            // The encoder omits an unset status.
            span.status.take_if(|status| *status == ProtoStatus::default());
            // The encoder sets the flag for random trace ids on root spans.
            if span.parent_span_id.is_empty() {
                span.flags |= 2;
            }
            keep_last_values(&mut span.attributes);
            span.events.iter_mut().for_each(|event| keep_last_values(&mut event.attributes));
            span.links.iter_mut().for_each(|link| keep_last_values(&mut link.attributes));
        }
        // Compared as text, because the number NaN does not equal itself.
        prop_assert_eq!(
            format!("{:#?}", encoded(&spans, ValueLimits::NONE, &resource).resource_spans),
            format!("{expected:#?}")
        );
    }

    #[test]
    fn text_stays_within_limit(
        span in some_span(),
        value in 0_usize..50,
        stack in 0_usize..50,
    ) {
        let limits = ValueLimits {
            value: Limit::Characters(value),
            stack: Limit::Characters(stack),
        };
        let request = encoded(std::slice::from_ref(&span), limits, &resource());
        let sent = &request.resource_spans[0].scope_spans[0].spans[0];
        for sent in &sent.attributes {
            let given = span.attributes.iter().rfind(|given| given.key.as_str() == sent.key).unwrap();
            let Some(any_value::Value::StringValue(text)) = &sent.value.as_ref().unwrap().value else {
                continue;
            };
            prop_assert!(text.chars().count() <= value);
            prop_assert!(given.value.as_str().starts_with(text.as_str()));
        }
    }
}

#[test]
fn split_request_keeps_spans_in_order() {
    let resource = resource();
    let mut scopes = Vec::new();
    for number in 0..3_u8 {
        let scope = InstrumentationScope::builder(format!("scope {number}"))
            .with_version("1.2.3")
            .with_schema_url("https://example.com/scope")
            .build();
        let mut spans = ScopeSpans::new(&scope);
        for position in 0..5_u8 {
            protobuf::message(&mut spans.spans, SPANS, |buffer| {
                protobuf::bytes(buffer, 5, format!("{number} {position}").as_bytes());
            });
        }
        scopes.push(spans);
    }
    let decode = |request: &[u8]| ExportTraceServiceRequest::decode(request).unwrap();
    let request = RequestHead::new(&resource).request(&scopes);
    let whole = decode(&request).resource_spans.remove(0);
    let halves = crate::export::split::halves(&request, 7);
    let halves = halves.map(|half| decode(&half).resource_spans.remove(0));
    let names = |scopes: &[opentelemetry_proto::tonic::trace::v1::ScopeSpans]| {
        let spans = scopes.iter().flat_map(|scope| scope.spans.clone());
        spans.map(|span| span.name).collect::<Vec<_>>()
    };
    let all = names(&whole.scope_spans);
    assert_eq!(names(&halves[0].scope_spans), all[..7]);
    assert_eq!(names(&halves[1].scope_spans), all[7..]);
    for half in &halves {
        assert_eq!(half.resource, whole.resource);
        assert_eq!(half.schema_url, whole.schema_url);
        for scope in &half.scope_spans {
            let same = whole
                .scope_spans
                .iter()
                .find(|whole| whole.scope == scope.scope);
            assert_eq!(same.unwrap().schema_url, scope.schema_url);
        }
    }
    assert_eq!(halves[0].scope_spans.len(), 2);
    assert_eq!(halves[1].scope_spans.len(), 2);
}
