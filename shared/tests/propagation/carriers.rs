//! Carriers other than HTTP headers: maps of strings, and messages in a channel.

use std::collections::{BTreeMap, HashMap};

use opentelemetry::{
    Context, Value,
    propagation::Extractor as _,
    trace::{Status, TraceContextExt as _},
};
use shared::{
    propagation::{HeaderExtractor, HeaderInjector, MapExtractor, extract, inject},
    testing::recorder,
};
use tokio::sync::mpsc;

use crate::{
    channel,
    traceparent::{SPAN_ID, TRACE_ID, TRACEPARENT},
};

fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn caller(cx: &Context) -> Option<(String, String)> {
    let span = cx.span();
    let span_context = span.span_context();
    let ids = || {
        (
            span_context.trace_id().to_string(),
            span_context.span_id().to_string(),
        )
    };
    span_context.is_valid().then(ids)
}

#[test]
fn map_keys_are_case_insensitive() {
    recorder();
    for key in ["traceparent", "Traceparent", "TRACEPARENT"] {
        let message = map(&[(key, TRACEPARENT), ("tenant", "acme")]);
        let expected = Some((TRACE_ID.to_owned(), SPAN_ID.to_owned()));
        assert_eq!(caller(&extract(&MapExtractor(&message))), expected, "{key}");
    }
}

#[test]
fn two_spellings_of_a_key_are_two_headers() {
    recorder();
    let message = map(&[("traceparent", TRACEPARENT), ("Traceparent", TRACEPARENT)]);
    assert_eq!(caller(&extract(&MapExtractor(&message))), None);

    let message = map(&[("tracestate", "b=2"), ("TraceState", "a=1")]);
    let carrier = MapExtractor(&message);
    assert_eq!(carrier.get_all("tracestate"), Some(vec!["a=1", "b=2"]));
}

#[test]
fn missing_key_is_none() {
    let (message, headers) = (map(&[]), http::HeaderMap::new());
    assert_eq!(MapExtractor(&message).get("traceparent"), None);
    assert_eq!(MapExtractor(&message).get_all("traceparent"), None);
    assert_eq!(HeaderExtractor(&headers).get_all("traceparent"), None);
}

#[tokio::test]
async fn map_carries_trace_only_with_span() {
    let mut message = HashMap::new();
    inject(&mut message);
    assert_eq!(message, HashMap::new(), "no active span, nothing injected");

    let (trace_id, ()) = recorder()
        .in_trace("test", async { inject(&mut message) })
        .await;
    assert_eq!(
        caller(&extract(&message)).map(|caller| caller.0),
        Some(trace_id)
    );
}

#[tokio::test]
async fn reused_carrier_loses_previous_context() {
    recorder();
    let before = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "foo=1"),
        ("baggage", "tenant=acme"),
        ("retries", "3"),
    ];
    let (mut message, mut headers) = (map(&before), http::HeaderMap::new());
    for (name, value) in before {
        headers.append(name, value.parse().unwrap());
        headers.append(name, value.parse().unwrap());
    }
    let (trace_id, ()) = recorder()
        .in_trace("test", async {
            inject(&mut message);
            inject(&mut HeaderInjector(&mut headers));
        })
        .await;
    let sent = message.remove("traceparent").unwrap();
    assert_eq!(sent[3..35], trace_id);
    assert_eq!(message, map(&[("retries", "3")]));
    assert_eq!(headers.remove("traceparent").unwrap(), sent.as_str());
    let left: Vec<_> = headers.keys().collect();
    assert_eq!(left, ["retries"]);

    // Without a current span and without baggage, nothing is injected.
    let mut message = map(&before);
    inject(&mut message);
    assert_eq!(message, map(&[("retries", "3")]));
}

#[tokio::test]
async fn previous_context_keys_are_removed_in_any_case() {
    let mut message = map(&[("Tracestate", "foo=1"), ("TRACEPARENT", TRACEPARENT)]);
    let (trace_id, ()) = recorder()
        .in_trace("test", async { inject(&mut message) })
        .await;
    let extracted = caller(&extract(&MapExtractor(&message)));
    assert_eq!(extracted.map(|caller| caller.0), Some(trace_id));
    assert_eq!(message.len(), 1);
}

#[tokio::test]
async fn extraction_ignores_current_span() {
    let read = async { caller(&extract(&HashMap::<String, String>::new())) };
    let (_, read) = recorder().in_trace("test", read).await;
    assert_eq!(read, None);
}

#[tokio::test]
async fn channel_message_joins_senders_trace() {
    let (orders, mut received) = mpsc::channel(1);
    let (trace_id, sent) = recorder()
        .in_trace("place_order", channel::send(&orders, 7))
        .await;
    sent.unwrap();
    channel::process(received.recv().await.unwrap()).await;

    let trace = recorder().trace(&trace_id, 4).await;
    trace.assert_joined();
    assert_eq!(
        trace.tree(),
        "INTERNAL place_order\n  \
           PRODUCER send orders\n    \
             CONSUMER process orders\n      \
               INTERNAL ship\n"
    );
    let sender = (trace_id, trace.span("send orders").span_id.clone());
    assert_eq!(trace.span("process orders").links, [sender]);
    for operation in ["send", "process"] {
        let span = trace.span(&format!("{operation} orders"));
        assert_eq!(span.attributes, messaging(operation));
    }
}

/// Returns the attributes that the semantic conventions require of a messaging span for the queue `orders`.
fn messaging(operation: &'static str) -> BTreeMap<String, Value> {
    let attributes = [
        ("messaging.system", "tokio"),
        ("messaging.destination.name", "orders"),
        ("messaging.operation.name", operation),
        ("messaging.operation.type", operation),
    ];
    attributes
        .map(|(key, value)| (key.to_owned(), value.into()))
        .into()
}

#[tokio::test]
async fn undeliverable_message_fails_sender_span() {
    let (orders, received) = mpsc::channel(1);
    drop(received);
    let (trace_id, sent) = recorder()
        .in_trace("place_order", channel::send(&orders, 7))
        .await;
    sent.unwrap_err();
    let trace = recorder().trace(&trace_id, 2).await;
    let span = trace.span("send orders");
    let mut expected = messaging("send");
    expected.insert("error.type".into(), "closed".into());
    assert_eq!(span.attributes, expected);
    assert_eq!(span.status, Status::error(""));
}

#[tokio::test]
async fn batch_span_links_every_sender() {
    let (orders, mut received) = mpsc::channel(2);
    let mut senders = Vec::new();
    for order_id in [1, 2] {
        let sent = recorder()
            .in_trace("place_order", channel::send(&orders, order_id))
            .await;
        let trace = recorder().trace(&sent.0, 2).await;
        senders.push((sent.0, trace.span("send orders").span_id.clone()));
    }
    let mut messages = Vec::new();
    received.recv_many(&mut messages, 2).await;
    channel::process_batch(messages).await;

    let spans = recorder().all();
    let batch = spans
        .iter()
        .find(|span| span.links == senders)
        .expect("a span with both links");
    assert_eq!(batch.parent_id, None);
    let mut expected = messaging("process");
    expected.insert("messaging.batch.message_count".into(), 2.into());
    assert_eq!(batch.attributes, expected);
    let trace = recorder().trace(&batch.trace_id, 3).await;
    assert_eq!(
        trace.tree(),
        "CONSUMER process orders\n  INTERNAL ship\n  INTERNAL ship\n"
    );
}

#[tokio::test]
async fn carrier_may_enter_span_during_injection() {
    #[derive(Default)]
    struct Traced(HashMap<String, String>);

    impl opentelemetry::propagation::Injector for Traced {
        fn set(&mut self, key: &str, value: String) {
            tracing::info_span!("set header").in_scope(|| self.0.set(key, value));
        }
    }

    impl shared::propagation::Carrier for Traced {
        fn remove(&mut self, key: &str) {
            tracing::info_span!("remove header").in_scope(|| self.0.remove(key));
        }
    }

    let mut carrier = Traced::default();
    let sending = async { inject(&mut carrier) };
    let (trace_id, ()) = recorder().in_trace("send", sending).await;
    assert!(carrier.0["traceparent"].contains(&trace_id));
}
