//! The minimum level at which `tracing` spans become spans of a trace.

use shared::telemetry::{self, Builder};
use tracing::level_filters::LevelFilter;

use crate::process::{run, shut_down};

/// Creates spans of several levels and targets.
async fn spans(builder: Builder) {
    let telemetry = builder.init().unwrap();
    for span in [
        tracing::warn_span!("warn"),
        tracing::info_span!("info"),
        tracing::debug_span!("debug"),
        tracing::trace_span!("trace"),
        tracing::debug_span!(target: "orders::stock", "debug of orders"),
        tracing::trace_span!(target: "hyper::proto", "trace of hyper"),
    ] {
        span.in_scope(|| ());
    }
    shut_down(telemetry).await;
}

#[test]
fn default_span_level_is_info() {
    let variables = [("RUST_LOG", "trace")];
    let Some(outcome) = run(&variables, async || {
        spans(telemetry::builder("levels")).await;
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["info", "warn"]);
}

#[test]
fn code_sets_span_levels_per_target() {
    let child = async || {
        let builder = telemetry::builder("levels").span_level(LevelFilter::WARN);
        spans(builder.span_level_for("orders", LevelFilter::DEBUG)).await;
    };
    let Some(outcome) = run(&[("RUST_LOG", "error")], child) else {
        return;
    };
    assert_eq!(outcome.names(), ["debug of orders", "warn"]);
}

#[test]
fn environment_overrides_span_levels_of_code() {
    let variables = [("OTEL_RUST_SPAN_LEVEL", "trace,orders=off")];
    let child = async || {
        let builder = telemetry::builder("levels").span_level(LevelFilter::WARN);
        spans(builder).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert_eq!(outcome.names(), ["debug", "info", "trace", "warn"]);
}
