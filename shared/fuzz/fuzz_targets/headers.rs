//! Fuzzes propagation with arbitrary header lines: nothing panics, injected headers are valid, and extracting the
//! injected headers returns the same context.
//!
//! An input consists of lines. The first byte of a line selects the header name, the rest is the header's value.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Context, propagation::TextMapPropagator};
use shared::propagation::{
    B3Propagator, BaggagePropagator, HeaderExtractor, HeaderInjector, TraceContextPropagator,
};

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

fuzz_target!(|input: &[u8]| {
    let incoming = headers(input);
    through(&BaggagePropagator::new(), &incoming);
    through(&B3Propagator::single_header(), &incoming);
    through(&B3Propagator::multiple_headers(), &incoming);

    let w3c = TraceContextPropagator::new();
    let outgoing = through(&w3c, &incoming);
    match outgoing.get("traceparent") {
        Some(traceparent) => {
            assert!(is_valid(traceparent.as_bytes()));
            assert_eq!(incoming.get_all("traceparent").iter().count(), 1);
        }
        None => assert!(outgoing.is_empty()),
    }
    assert_eq!(through(&w3c, &outgoing), outgoing);
});

fn headers(input: &[u8]) -> HeaderMap {
    let lines = input.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| {
        let (name, value) = line.split_first()?;
        let name = NAMES[usize::from(*name) % NAMES.len()];
        Some((
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value).ok()?,
        ))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, value);
    }
    headers
}

fn through(propagator: &dyn TextMapPropagator, incoming: &HeaderMap) -> HeaderMap {
    let cx = propagator.extract_with_context(&Context::new(), &HeaderExtractor(incoming));
    let mut outgoing = HeaderMap::new();
    propagator.inject_context(&cx, &mut HeaderInjector(&mut outgoing));
    outgoing
}

fn is_valid(traceparent: &[u8]) -> bool {
    let fields: Vec<&[u8]> = traceparent.split(|byte| *byte == b'-').collect();
    let is_zero = |field: &[u8]| field.iter().all(|byte| *byte == b'0');
    let is_hex = |field: &[u8]| {
        field
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let [version, trace_id, span_id, flags] = fields[..] else {
        return false;
    };
    version == b"00"
        && (trace_id.len(), span_id.len(), flags.len()) == (32, 16, 2)
        && fields.iter().all(|field| is_hex(field))
        && !is_zero(trace_id)
        && !is_zero(span_id)
}
