//! Options of the builder: custom layers, panic hook and log.

use std::{fmt, sync::Mutex};

use opentelemetry::{global, trace::Tracer as _};
use shared::telemetry::{self, Builder, InitError};
use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry,
};

use crate::process::{run, shut_down};

/// A layer that prints the message of every event.
pub(crate) struct Prints;

impl<S: Subscriber> Layer<S> for Prints {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                println!("mine: {value:?}");
            }
        });
    }
}

#[test]
fn custom_layers_have_independent_filters() {
    let variables = [("RUST_LOG", "warn")];
    let child = async || {
        let telemetry = telemetry::builder("beside").init_on(registry().with(Prints));
        let telemetry = telemetry.unwrap();
        let span = tracing::info_span!("span");
        span.in_scope(|| {
            tracing::trace!("a trace");
            tracing::warn!("a warning");
        });
        drop(span);
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    let mine = outcome.lines();
    for line in ["mine: a trace", "mine: a warning"] {
        assert!(mine.contains(&line), "{mine:#?}");
    }
    let warning = outcome.log("a warning");
    assert_eq!(warning["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(outcome.warnings(), ["a warning"]);
    assert!(outcome.logs().iter().all(|log| log["message"] != "a trace"));
    assert_eq!(outcome.names(), ["span"]);
}

/// Panics, and asserts that a panic hook that was installed before telemetry is still called.
async fn panics(builder: Builder) {
    static HEARD: Mutex<u32> = Mutex::new(0);
    std::panic::set_hook(Box::new(|_| *HEARD.lock().unwrap() += 1));
    let telemetry = builder.init().unwrap();
    let panicked = std::panic::catch_unwind(|| panic!("expected"));
    assert!(panicked.is_err());
    assert_eq!(*HEARD.lock().unwrap(), 1);
    shut_down(telemetry).await;
}

#[test]
fn panic_hook_calls_previous_hook() {
    let Some(outcome) = run(&[], async || panics(telemetry::builder("panics")).await) else {
        return;
    };
    assert_eq!(outcome.log("panicked")["exception.message"], "expected");
}

#[test]
fn disabled_panic_hook_keeps_previous_hook() {
    let child = async || panics(telemetry::builder("panics").panic_hook(false)).await;
    let Some(outcome) = run(&[], child) else {
        return;
    };
    outcome.log("telemetry initialized");
    assert!(outcome.logs().iter().all(|log| log["level"] == "INFO"));
}

#[test]
fn disabled_log_ignores_its_settings() {
    let variables = [("RUST_LOG", "no=such=filter"), ("LOG_FORMAT", "none")];
    let child = async || {
        let telemetry = telemetry::builder("silent").log(false).init().unwrap();
        tracing::error!("nobody hears it");
        tracing::info_span!("span").in_scope(|| ());
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert_eq!(outcome.lines(), [""; 0]);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.names(), ["span"]);
}

#[test]
fn second_init_is_refused_with_advice() {
    let child = async || {
        let first = telemetry::init("first").unwrap();
        let error = telemetry::init("second").unwrap_err();
        assert!(matches!(error, InitError::AlreadySet(_)));
        for part in ["already set", "init_on"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        global::tracer("setup").start("span");
        shut_down(first).await;
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    assert_eq!(outcome.resources()[0]["service.name"], "first");
}
