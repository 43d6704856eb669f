//! Property tests of the propagation headers: arbitrary bytes never cause a panic or a failed request, an invalid trace
//! context is never continued, and valid headers are passed on unchanged.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    baggage::BaggageExt as _,
    propagation::{TextMapCompositePropagator, TextMapPropagator},
    trace::TraceContextExt as _,
};
use proptest::{collection::vec, prelude::*};
use shared::{
    propagation::{
        B3Propagator, BaggagePropagator, HeaderExtractor, HeaderInjector, TraceContextPropagator,
    },
    server::TraceLayer,
    testing::recorder,
};

use crate::support::wire::{Service, line};

const NAMES: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-b3-parentspanid",
];

/// Generates header values from all bytes that HTTP allows in a header value.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8],
        0..80,
    )
}

fn valid_traceparent() -> impl Strategy<Value = String> {
    ("[0-9a-f]{31}[1-9a-f]", "[1-9a-f][0-9a-f]{15}", "0[0-3]")
        .prop_map(|(trace_id, span_id, flags)| format!("00-{trace_id}-{span_id}-{flags}"))
}

/// Generates a valid `traceparent` in which up to two bytes were replaced, removed or inserted.
fn almost_valid_traceparent() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        prop_oneof![Just(None), any_byte().prop_map(Some)],
        any::<bool>(),
    );
    (valid_traceparent(), vec(edit, 0..3)).prop_map(|(value, edits)| {
        let mut value = value.into_bytes();
        for (at, byte, insert) in edits {
            let at = at.index(value.len());
            match byte {
                Some(byte) if insert => value.insert(at, byte),
                Some(byte) => value[at] = byte,
                None => drop(value.remove(at)),
            }
        }
        value
    })
}

fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        Just(b'-'),
        Just(b' '),
        Just(b'+'),
        b'0'..=b'9',
        b'a'..=b'g',
        b'A'..=b'F',
        0x80..=0xff_u8
    ]
}

fn valid_tracestate() -> impl Strategy<Value = String> {
    let member = "[a-z0-9][-a-z0-9_*/@]{0,20}=[ -+--<>-~]{0,20}[!-+--<>-~]";
    vec(member, 1..=32).prop_map(|members| members.join(","))
}

/// Checks a `traceparent` against the rules of the specification, implemented in another way than the code under test.
fn is_valid_traceparent(value: &[u8]) -> bool {
    let Ok(value) = str::from_utf8(value) else {
        return false;
    };
    let value = value.trim_matches([' ', '\t']);
    let fields: Vec<&str> = value.splitn(5, '-').collect();
    let is_hex = |field: &str| !field.contains(|c| !matches!(c, '0'..='9' | 'a'..='f'));
    let is_zero = |field: &str| field.chars().all(|digit| digit == '0');
    let lengths: Vec<usize> = fields.iter().take(4).map(|field| field.len()).collect();
    lengths == [2, 32, 16, 2]
        && fields[..4].iter().all(|field| is_hex(field))
        && !is_zero(fields[1])
        && !is_zero(fields[2])
        && fields[0] != "ff"
        && (fields.len() == 4 || fields[0] != "00")
}

fn everything() -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
        Box::new(B3Propagator::single_header()),
        Box::new(B3Propagator::multiple_headers()),
    ])
}

fn headers(lines: &[(usize, Vec<u8>)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(NAMES[*name]),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    headers
}

fn through(propagator: &dyn TextMapPropagator, incoming: &HeaderMap) -> HeaderMap {
    let cx = propagator.extract_with_context(&Context::new(), &HeaderExtractor(incoming));
    let mut outgoing = HeaderMap::new();
    propagator.inject_context(&cx, &mut HeaderInjector(&mut outgoing));
    outgoing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_in_any_header_never_panic(lines in vec((0..NAMES.len(), any_value()), 0..8)) {
        through(&everything(), &headers(&lines));
    }

    #[test]
    fn injected_context_is_valid_and_round_trips(
        lines in vec((0..2_usize, prop_oneof![any_value(), almost_valid_traceparent(), valid_tracestate().prop_map(String::into_bytes)]), 0..4),
    ) {
        let propagator = TraceContextPropagator::new();
        let outgoing = through(&propagator, &headers(&lines));
        if let Some(traceparent) = outgoing.get("traceparent") {
            prop_assert!(is_valid_traceparent(traceparent.as_bytes()));
        }
        prop_assert_eq!(&through(&propagator, &outgoing), &outgoing);
    }

    #[test]
    fn only_valid_traceparent_is_continued(value in prop_oneof![almost_valid_traceparent(), any_value()]) {
        let headers = headers(&[(0, value.clone())]);
        let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(&headers));
        prop_assert_eq!(cx.span().span_context().is_valid(), is_valid_traceparent(&value));
    }

    #[test]
    fn valid_headers_round_trip_unchanged(parent in valid_traceparent(), state in valid_tracestate()) {
        let incoming = headers(&[(0, parent.into_bytes()), (1, state.into_bytes())]);
        prop_assert_eq!(through(&TraceContextPropagator::new(), &incoming), incoming);
    }

    #[test]
    fn baggage_round_trips_any_text(members in prop::collection::hash_map("[a-z]{1,8}", any::<String>(), 0..8)) {
        let members: HashMap<String, String> = members.into_iter().map(|(key, value)| (key, value.chars().take(40).collect())).collect();
        let pairs = members.iter().map(|(key, value)| opentelemetry::KeyValue::new(key.clone(), value.clone()));
        let propagator = BaggagePropagator::new();
        let mut headers = HeaderMap::new();
        propagator.inject_context(&Context::new().with_baggage(pairs), &mut HeaderInjector(&mut headers));
        let cx = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&headers));
        let read: HashMap<String, String> = cx.baggage().iter().map(|(key, (value, _))| (key.to_string(), value.to_string())).collect();
        prop_assert_eq!(read, members);
    }
}

/// Runs fewer cases than the other property tests, because each case needs a socket. The service must answer every
/// request.
#[test]
fn arbitrary_header_bytes_never_fail() {
    recorder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(Service::start(TraceLayer::new()));
    let value = prop_oneof![any_value(), almost_valid_traceparent()];
    let cases = vec((0..NAMES.len(), value), 0..6);
    proptest!(ProptestConfig::with_cases(100), |(lines in cases)| {
        let sent: Vec<Vec<u8>> = lines.iter().map(|(name, value)| line(NAMES[*name], value)).collect();
        let (answer, calls) = runtime.block_on(service.forward(&sent));
        let trace_id = answer.sent("traceresponse").0;
        let parents: Vec<&[u8]> = lines.iter().filter(|line| line.0 == 0).map(|line| line.1.as_slice()).collect();
        if let [parent] = parents[..] && is_valid_traceparent(parent) {
            prop_assert!(String::from_utf8_lossy(parent).contains(&trace_id));
        } else {
            let parents = parents.iter().any(|parent| String::from_utf8_lossy(parent).contains(&trace_id));
            prop_assert!(!parents, "continued what is invalid");
        }
        for call in calls {
            prop_assert_eq!(&call.sent("traceparent").0, &trace_id);
        }
    });
}
