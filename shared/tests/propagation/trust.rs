//! `TraceLayer::public_endpoint` and `TraceLayer::filter`: which callers' trace context is trusted, and which requests
//! are traced.

use shared::{server::TraceLayer, testing::recorder};

use crate::support::wire::{Service, line};

/// Returns the headers of a caller. Each test has a caller with another trace id, because the tests share the recorder.
fn caller(trace_id: &str) -> [Vec<u8>; 3] {
    [
        line("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-03")),
        line("tracestate", "foo=1 , bar=2"),
        line("baggage", "tenant=acme"),
    ]
}

#[tokio::test]
async fn public_endpoint_links_callers_trace() {
    recorder();
    let caller_id = "a0000000000000000000000000000001";
    let service = Service::start(TraceLayer::new().public_endpoint(|_| true)).await;
    let (answer, calls) = service.forward(&caller(caller_id)).await;

    let trace_id = answer.sent("traceresponse").0;
    assert_ne!(trace_id, caller_id);
    for call in calls {
        assert_eq!(call.sent("traceparent").0, trace_id);
        assert_eq!(call.header("tracestate"), None);
        assert_eq!(call.header("baggage"), None);
    }
    let trace = recorder().trace(&trace_id, 4).await;
    trace.assert_joined();
    let link = (caller_id.to_owned(), "00f067aa0ba902b7".to_owned());
    assert_eq!(trace.span("GET /forward").links, [link]);
    assert_eq!(recorder().now(caller_id).spans, []);
}

#[tokio::test]
async fn public_endpoint_without_caller_has_no_link() {
    recorder();
    let service = Service::start(TraceLayer::new().public_endpoint(|_| true)).await;
    let (answer, _) = service.forward(&[]).await;
    let trace = recorder().trace(&answer.sent("traceresponse").0, 4).await;
    assert_eq!(trace.span("GET /forward").links, []);
}

#[tokio::test]
async fn public_endpoint_is_decided_per_request() {
    recorder();
    let layer = TraceLayer::new().public_endpoint(|request| {
        let host = request.headers.get("x-forwarded-for");
        host.is_some()
    });
    let service = Service::start(layer).await;
    let caller_id = "a0000000000000000000000000000002";
    let (inside, _) = service.forward(&caller(caller_id)).await;
    assert_eq!(inside.sent("traceresponse").0, caller_id);

    let mut lines = caller(caller_id).to_vec();
    lines.push(line("x-forwarded-for", "192.0.2.1"));
    let (outside, _) = service.forward(&lines).await;
    assert_ne!(outside.sent("traceresponse").0, caller_id);
}

#[tokio::test]
async fn filtered_request_propagates_callers_context() {
    recorder();
    let caller_id = "a0000000000000000000000000000003";
    let service =
        Service::start(TraceLayer::new().filter(|request| request.uri.path() != "/forward")).await;
    let (answer, calls) = service.forward(&caller(caller_id)).await;

    assert_eq!(answer.header("traceresponse"), None);
    for call in calls {
        let (trace_id, _, flags) = call.sent("traceparent");
        assert_eq!((trace_id.as_str(), flags.as_str()), (caller_id, "03"));
        assert_eq!(call.header("tracestate"), Some("foo=1 , bar=2"));
        assert_eq!(call.header("baggage"), Some("tenant=acme"));
    }
    let trace = recorder().trace(caller_id, 3).await;
    assert!(
        trace.spans.iter().all(|span| span.name != "GET /forward"),
        "{trace}"
    );
    let children = trace.orphans();
    assert_eq!(
        children.len(),
        2,
        "the calls are the caller's children: {trace}"
    );
}

#[tokio::test]
async fn layer_propagator_overrides_global() {
    recorder();
    let layer = TraceLayer::new().propagator(shared::propagation::B3Propagator::single_header());
    let service = Service::start(layer).await;
    let caller_id = "a0000000000000000000000000000004";
    let mut lines = caller("a0000000000000000000000000000005").to_vec();
    lines.push(line("b3", format!("{caller_id}-00f067aa0ba902b7-1")));
    let (answer, calls) = service.forward(&lines).await;
    assert_eq!(answer.sent("traceresponse").0, caller_id);
    for call in calls {
        let (trace_id, _, flags) = call.sent("traceparent");
        assert_eq!(
            (trace_id.as_str(), flags.as_str()),
            (caller_id, "01"),
            "nobody said that it is random"
        );
    }
}

#[tokio::test]
async fn filtered_public_endpoint_drops_callers_context() {
    recorder();
    let layer = TraceLayer::new()
        .filter(|_| false)
        .public_endpoint(|_| true);
    let service = Service::start(layer).await;
    let caller_id = "a0000000000000000000000000000009";
    let (_, calls) = service.forward(&caller(caller_id)).await;
    for call in calls {
        assert_ne!(call.sent("traceparent").0, caller_id);
        assert_eq!(call.header("tracestate"), None);
        assert_eq!(call.header("baggage"), None);
    }
}
