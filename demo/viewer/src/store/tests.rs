use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use super::*;
use crate::testing::{TestSpan, attribute, span, trace_id};

fn store(limits: Limits) -> Store {
    Store::new(limits)
}

fn of_trace(number: u8, mut of: TestSpan) -> TestSpan {
    of.span.trace_id = vec![number; 16];
    of
}

fn id(number: u8) -> TraceId {
    TraceId::from_bytes(&[number; 16]).unwrap()
}

fn simple(id: u64) -> TestSpan {
    span("checkout", id, None, "span", 0..1)
}

#[test]
fn spans_of_several_batches_form_one_trace() {
    let store = store(Limits::default());
    store.insert(vec![span("inventory", 2, Some(1), "child", 1..2).batch()]);
    store.insert(vec![span("checkout", 1, None, "root", 0..3).batch()]);
    let trace = store.trace(trace_id()).unwrap();
    assert_eq!(trace.spans.len(), 2);
    assert_eq!(trace.spans[0].parent, Some(trace.spans[1].id));
    assert_eq!(store.services(), ["checkout", "inventory"]);
}

#[test]
fn span_sent_twice_is_kept_once() {
    let store = store(Limits::default());
    store.insert(vec![simple(1).batch()]);
    let inserted = store.insert(vec![simple(1).batch(), simple(2).batch()]);
    assert_eq!((inserted.duplicates, inserted.accepted), (1, 1));
    assert_eq!(store.trace(trace_id()).unwrap().spans.len(), 2);
    assert_eq!(store.lost(), Lost::default());
}

#[test]
fn spans_with_invalid_ids_are_refused_and_counted() {
    let store = store(Limits::default());
    let mut short = simple(1);
    short.span.trace_id.pop();
    let inserted = store.insert(vec![
        short.batch(),
        of_trace(0, simple(1)).batch(),
        simple(0).batch(),
    ]);
    assert_eq!((inserted.invalid, inserted.accepted), (3, 0));
    assert_eq!(store.lost().refused_spans, 3);
    assert!(store.recent(10).is_empty());
}

#[test]
fn full_trace_refuses_and_counts_further_spans() {
    let store = store(Limits {
        spans_per_trace: 2,
        ..Limits::default()
    });
    let inserted = store.insert((1..=5).map(|id| simple(id).batch()).collect());
    assert_eq!((inserted.accepted, inserted.over_limit), (2, 3));
    let trace = store.trace(trace_id()).unwrap();
    assert_eq!((trace.spans.len(), trace.dropped), (2, 3));
    assert_eq!(store.lost().refused_spans, 3);
}

#[test]
fn oldest_trace_makes_room_for_the_newest() {
    let store = store(Limits {
        traces: 2,
        ..Limits::default()
    });
    for number in 1..=3 {
        store.insert(vec![of_trace(number, simple(1)).batch()]);
    }
    assert!(store.trace(id(1)).is_none());
    let recent: Vec<_> = store.recent(10).iter().map(|trace| trace.id).collect();
    assert_eq!(recent, [id(3), id(2)]);
    let lost = store.lost();
    assert_eq!((lost.evicted_traces, lost.evicted_spans), (1, 1));
}

#[test]
fn recent_traces_are_sorted_by_start_then_arrival() {
    let store = store(Limits::default());
    for (number, begin) in [(1, 30), (2, 10), (3, 20), (4, 20)] {
        // The span that arrives first is rarely the span that started first.
        for (span_id, begin) in [(1, 100), (2, begin)] {
            let span = span("checkout", span_id, None, "span", begin..200);
            store.insert(vec![of_trace(number, span).batch()]);
        }
    }
    let recent: Vec<_> = store.recent(10).iter().map(|trace| trace.id).collect();
    assert_eq!(recent, [id(1), id(4), id(3), id(2)]);
}

#[test]
fn memory_is_bounded_by_size_too() {
    let store = store(Limits {
        bytes: 10_000,
        ..Limits::default()
    });
    for number in 1..=20 {
        let name = "x".repeat(1_000);
        let large = of_trace(number, span("checkout", 1, None, &name, 0..1));
        store.insert(vec![large.batch()]);
    }
    let kept = store.recent(100).len();
    assert!((3..10).contains(&kept), "{kept} of 20 traces of 1 kB kept");
    assert!(store.trace(id(20)).is_some());
}

/// Returns how many of a hundred traces fit into a megabyte, each with one span changed by `adorn`.
fn kept_of_a_hundred(adorn: impl Fn(&mut ResourceSpans)) -> usize {
    let store = store(Limits {
        bytes: 1_000_000,
        ..Limits::default()
    });
    for number in 1..=100 {
        let mut batch = of_trace(number, simple(1)).batch();
        adorn(&mut batch);
        store.insert(vec![batch]);
    }
    store.recent(100).len()
}

#[test]
fn resource_counts_as_much_as_it_holds() {
    let kept = kept_of_a_hundred(|batch| {
        let resource = batch.resource.as_mut().unwrap();
        let large = attribute("process.command_args", &"x".repeat(100_000));
        resource.attributes.push(large);
    });
    assert!((7..=9).contains(&kept), "{kept} traces of 100 kB in 1 MB");
}

#[test]
fn memory_weight_includes_small_values() {
    let attributes = || vec![KeyValue::default(); 2_000];
    let of_one_span = size_of::<KeyValue>() * 2_000;
    let kept = [
        kept_of_a_hundred(|batch| {
            batch.scope_spans[0].spans[0].attributes = attributes();
        }),
        kept_of_a_hundred(|batch| {
            batch.scope_spans[0].spans[0].events = vec![Event {
                attributes: attributes(),
                ..Event::default()
            }];
        }),
        kept_of_a_hundred(|batch| {
            batch.scope_spans[0].spans[0].links = vec![Link {
                attributes: attributes(),
                ..Link::default()
            }];
        }),
        kept_of_a_hundred(|batch| {
            batch.scope_spans[0].scope = Some(InstrumentationScope {
                attributes: attributes(),
                ..InstrumentationScope::default()
            });
        }),
    ];
    for kept in kept {
        assert!(kept > 0 && kept <= 1_000_000 / of_one_span, "{kept} kept");
    }
}

#[test]
fn trace_is_limited_to_quarter_of_memory() {
    let store = store(Limits {
        bytes: 100_000,
        ..Limits::default()
    });
    store.insert(vec![of_trace(2, simple(1)).batch()]);
    let large = |id| span("checkout", id, None, &"x".repeat(10_000), 0..1);
    let inserted = store.insert((1..=5).map(|id| large(id).batch()).collect());
    assert_eq!((inserted.accepted, inserted.over_limit), (2, 3));
    assert!(store.trace(id(2)).is_some(), "no other trace went for it");
}

#[test]
fn equal_sources_are_kept_once_in_a_trace() {
    let store = store(Limits::default());
    store.insert(vec![simple(1).batch()]);
    store.insert(vec![simple(2).batch()]);
    let spans = store.trace(trace_id()).unwrap().spans;
    assert!(Arc::ptr_eq(&spans[0].source, &spans[1].source));
}

#[test]
fn equal_sources_with_nan_are_kept_once() {
    let store = store(Limits::default());
    for id in 1..=2 {
        let mut batch = simple(id).batch();
        let nan = AnyValue {
            value: Some(Value::DoubleValue(f64::NAN)),
        };
        batch.resource.as_mut().unwrap().attributes[0].value = Some(nan);
        store.insert(vec![batch]);
    }
    let spans = store.trace(trace_id()).unwrap().spans;
    assert!(Arc::ptr_eq(&spans[0].source, &spans[1].source));
}

#[test]
fn different_sources_are_kept_apart() {
    type Change = fn(&mut ResourceSpans);
    let changes: [Change; 6] = [
        |_| {},
        |batch| batch.resource = None,
        |batch| batch.schema_url = "https://example.com/1".to_owned(),
        |batch| batch.scope_spans[0].schema_url = "https://example.com/1".to_owned(),
        |batch| batch.scope_spans[0].scope = Some(InstrumentationScope::default()),
        |batch| {
            let attributes = &mut batch.resource.as_mut().unwrap().attributes;
            attributes.push(attribute("host.name", "a"));
        },
    ];
    let store = store(Limits::default());
    for (id, change) in (1..).zip(changes) {
        let mut batch = simple(id).batch();
        change(&mut batch);
        store.insert(vec![batch]);
    }
    let spans = store.trace(trace_id()).unwrap().spans;
    let sources: HashSet<_> = spans.iter().map(|span| span.source.fingerprint).collect();
    assert_eq!(sources.len(), changes.len());
}

/// Creates a hundred equal attributes with values of 25 bytes, and one attribute with this number.
fn large_attributes(number: u64) -> Vec<KeyValue> {
    let mut attributes = vec![attribute("key", "the value of an attribute"); 100];
    attributes.push(attribute("number", &number.to_string()));
    attributes
}

/// A time limit that linear cost stays far below and quadratic cost far exceeds: linear cost takes seconds, quadratic
/// cost minutes.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn thousands_of_sources_cost_linear_time() {
    const SOURCES: u64 = 4_200;
    let many_resources = (1..=SOURCES).map(|id| {
        let mut batch = simple(id).batch();
        let resource = batch.resource.as_mut().unwrap();
        resource.attributes = large_attributes(id);
        resource
            .attributes
            .push(attribute("service.name", &id.to_string()));
        batch
    });
    let mut many_scopes = simple(1).batch();
    many_scopes.resource.as_mut().unwrap().attributes = large_attributes(0);
    many_scopes.scope_spans = (1..=SOURCES)
        .map(|id| {
            let mut scope = simple(id).batch().scope_spans.remove(0);
            scope.scope = Some(InstrumentationScope {
                attributes: large_attributes(id),
                ..InstrumentationScope::default()
            });
            scope
        })
        .collect();
    for batch in [many_resources.collect(), vec![many_scopes]] {
        let store = store(Limits {
            bytes: usize::MAX,
            ..Limits::default()
        });
        let begun = Instant::now();
        assert_eq!(store.insert(batch).accepted, SOURCES);
        let trace = store.trace(trace_id()).unwrap();
        let waterfall = crate::waterfall::Waterfall::of(&trace);
        assert_eq!(waterfall.rows.len() as u64, SOURCES);
        let answered: usize = crate::api::otlp(&trace).resource_spans.len();
        assert_eq!(answered as u64, SOURCES);
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    }
}

#[test]
fn full_trace_refuses_large_source_in_linear_time() {
    let store = store(Limits {
        bytes: 1_000_000,
        ..Limits::default()
    });
    let mut batch = simple(1).batch();
    batch.resource.as_mut().unwrap().attributes = vec![attribute("key", "value"); 100_000];
    let span = batch.scope_spans[0].spans.remove(0);
    batch.scope_spans[0].spans = vec![span; 50_000];
    let begun = Instant::now();
    assert_eq!(store.insert(vec![batch]).over_limit, 50_000);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn store_is_read_while_large_batch_is_inserted() {
    const SPANS: u64 = 200_000;
    let store = store(Limits {
        spans_per_trace: usize::MAX,
        bytes: usize::MAX,
        ..Limits::default()
    });
    let mut batch = simple(1).batch();
    batch.scope_spans[0].spans = (1..=SPANS).map(|id| simple(id).span).collect();
    let writer = thread::spawn({
        let store = store.clone();
        move || store.insert(vec![batch])
    });
    let mut partial = 0;
    while !writer.is_finished() {
        let revisions = store.revisions();
        partial += usize::from(!revisions.is_empty() && (revisions[0].1.0 as u64) < SPANS);
    }
    assert_eq!(writer.join().unwrap().accepted, SPANS);
    assert!(partial > 0, "no reader was let in before the end");
}

#[tokio::test]
async fn waiting_ends_when_the_trace_is_as_wanted() {
    let store = store(Limits::default());
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .wait_for(trace_id(), |trace| trace.spans.len() == 2)
                .await
        }
    });
    store.insert(vec![simple(1).batch()]);
    store.insert(vec![simple(2).batch()]);
    assert_eq!(waiting.await.unwrap().spans.len(), 2);
}
