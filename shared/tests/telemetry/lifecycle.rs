//! Shutdown, drop and flush of telemetry.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake},
    thread,
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue, global,
    trace::{Span as _, Tracer as _},
};
use shared::{
    serve::{self, ServeError},
    telemetry,
};

use crate::process::{run, shut_down};

/// An endpoint without a listener.
pub(crate) const NO_COLLECTOR: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
/// Environment variables that limit the queue to 1 MiB, and thus a batch to a quarter of this.
pub(crate) const SMALL_QUEUE: [(&str, &str); 2] = [
    ("OTEL_RUST_BSP_MAX_QUEUE_BYTES", "1048576"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1048576"),
];

pub(crate) fn end_span(name: &'static str) {
    global::tracer("setup").start(name).end();
}

/// Ends a span that is dropped immediately, because it is larger than a batch may be.
pub(crate) fn end_large_span() {
    let mut span = global::tracer("setup").start("large");
    span.set_attribute(KeyValue::new("value", "x".repeat(300_000)));
}

/// Runs a closure on a thread without an async runtime.
fn without_runtime(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().spawn(work).unwrap().join().unwrap();
}

/// Minimal executor, which runs a future on the current thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn blocking_shutdown_needs_no_runtime_and_no_deadline() {
    let Some(outcome) = run(&[], async || {
        without_runtime(|| {
            let telemetry = telemetry::init("ends").unwrap();
            end_span("one");
            let counts = telemetry.shutdown_blocking(Duration::MAX);
            assert_eq!((counts.ended, counts.exported), (1, 1));
        });
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
}

#[test]
fn shutdown_works_in_any_executor() {
    let Some(outcome) = run(&[], async || {
        without_runtime(|| {
            let telemetry = telemetry::init("ends").unwrap();
            end_span("one");
            assert_eq!(block_on(telemetry.shutdown(Duration::MAX)).exported, 1);
        });
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
}

#[test]
fn shutdown_works_in_current_thread_runtime() {
    let Some(outcome) = run(&[("OTEL_METRICS_EXPORTER", "otlp")], async || {
        without_runtime(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let telemetry = telemetry::init("ends").unwrap();
                end_span("one");
                assert_eq!(shut_down(telemetry).await.exported, 1);
            });
        });
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
}

#[test]
fn provider_shutdown_without_deadline_works() {
    run(&[], async || {
        let (telemetry, parts) = telemetry::builder("ends").build().unwrap();
        let provider = parts.tracer_provider().unwrap().clone();
        without_runtime(move || provider.shutdown_with_timeout(Duration::MAX).unwrap());
        shut_down(telemetry).await;
    });
}

#[test]
fn span_that_ends_after_shutdown_is_counted() {
    let Some(outcome) = run(&[], async || {
        let telemetry = telemetry::init("ends").unwrap();
        let late = global::tracer("setup").start("late");
        end_span("one");
        assert_eq!(shut_down(telemetry).await.ended, 1);
        drop(late);
        end_span("later");
        let counts = telemetry::spans();
        assert_eq!((counts.ended, counts.exported), (3, 1));
        assert_eq!((counts.lost.shutdown, counts.lost.total()), (2, 2));
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
}

#[test]
fn early_return_exports_spans() {
    let fails = || -> Result<(), std::num::ParseIntError> {
        let telemetry = telemetry::init("ends").unwrap();
        end_span("one");
        "abc".parse::<u8>()?;
        telemetry.shutdown_blocking(Duration::ZERO);
        Ok(())
    };
    let Some(outcome) = run(&[], async || fails().unwrap_err().to_string().clear()) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
    assert_eq!(outcome.warnings(), [""; 0]);
}

#[test]
fn dropped_telemetry_reports_spans_without_collector() {
    let Some(outcome) = run(&[NO_COLLECTOR], async || {
        let telemetry = telemetry::init("ends").unwrap();
        end_span("one");
        end_span("two");
        let began = Instant::now();
        drop(telemetry);
        assert!((5..20).contains(&began.elapsed().as_secs()));
    }) else {
        return;
    };
    let report = outcome.log("telemetry dropped without shutdown, spans not exported");
    assert_eq!(report["spans.waiting"], 2);
}

#[test]
fn panic_in_service_exports_spans_and_goes_on() {
    let Some(outcome) = run(&[], async || {
        let service = tokio::task::spawn_blocking(|| {
            let main = || {
                serve::main("ends", async |_, _| {
                    tracing::info_span!("work").in_scope(|| ());
                    let is_sound = false;
                    assert!(is_sound, "expected");
                    Ok::<_, ServeError>(())
                })
            };
            catch_unwind(AssertUnwindSafe(main)).unwrap_err()
        });
        let panic = service.await.unwrap();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "expected");
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["work"]);
    assert_eq!(outcome.log("stopped")["spans.exported"], 1);
    assert_eq!(outcome.log("panicked")["exception.message"], "expected");
}

#[test]
fn flush_fails_once_for_lost_spans() {
    run(&SMALL_QUEUE, async || {
        let (telemetry, parts) = telemetry::builder("ends").build().unwrap();
        let provider = parts.tracer_provider().unwrap().clone();
        parts.install();
        end_span("one");
        provider.force_flush().unwrap();
        end_large_span();
        end_span("two");
        let error = provider.force_flush().unwrap_err().to_string();
        assert!(error.contains("1 too_large"), "{error}");
        provider.force_flush().unwrap();
        assert_eq!(shut_down(telemetry).await.exported, 2);
    });
}
