//! Telemetry that the application assembles from its parts, without `init`.

use opentelemetry::{
    Context, global,
    trace::{TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use shared::{propagation, telemetry};
use tracing_subscriber::{layer::SubscriberExt as _, registry, util::SubscriberInitExt as _};

use crate::{
    builder::Prints,
    process::{run, shut_down},
};

/// Returns the names of the headers that the global propagator sends for a sampled span.
fn headers() -> Vec<String> {
    let mut carrier = std::collections::HashMap::new();
    let tracer = opentelemetry_sdk::trace::SdkTracerProvider::default().tracer("setup");
    let cx = Context::new().with_span(tracer.start("span"));
    let _current = cx.attach();
    propagation::inject(&mut carrier);
    carrier.into_keys().collect()
}

#[test]
fn build_sets_nothing_global_before_install() {
    let variables = [("OTEL_PROPAGATORS", "b3"), ("OTEL_BSP_SCHEDULE_DELAY", "x")];
    let child = async || {
        let (telemetry, parts) = telemetry::builder("by-hand").build().unwrap();
        assert!(!tracing::dispatcher::has_been_set());
        global::tracer("setup").start("too early");
        assert_eq!(headers(), [""; 0]);
        assert_eq!(parts.warnings().len(), 1);

        registry()
            .with(Prints)
            .with(parts.log_layer())
            .with(parts.span_layer())
            .init();
        parts.install();
        tracing::info_span!("in time").in_scope(|| tracing::warn!("logged"));
        global::tracer("setup").start("by the API");
        assert_eq!(headers(), ["b3"]);
        let counts = shut_down(telemetry).await;
        assert_eq!(counts, telemetry::spans());
        assert_eq!(counts.exported, 2);
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert_eq!(outcome.names(), ["by the API", "in time"]);
    assert_eq!(outcome.warnings().len(), 2, "the setting and the event");
    assert_eq!(outcome.log("logged")["service"], "by-hand");
    assert!(outcome.lines().contains(&"mine: logged"));
    outcome.log("telemetry initialized");
}

#[test]
fn services_in_one_process_are_separate() {
    let child = async || {
        for name in ["one", "two"] {
            let (telemetry, parts) = telemetry::builder(name).build().unwrap();
            let provider = parts.tracer_provider().unwrap();
            provider.tracer("setup").start(name);
            assert_eq!(shut_down(telemetry).await.exported, 1);
        }
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    let resources = outcome.resources();
    let names: Vec<_> = resources
        .iter()
        .map(|it| it["service.name"].as_str())
        .collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn parts_of_disabled_telemetry_do_nothing() {
    let variables = [("OTEL_SDK_DISABLED", "true")];
    let child = async || {
        let (telemetry, parts) = telemetry::builder("disabled").log(false).build().unwrap();
        assert!(parts.tracer_provider().is_none() && parts.meter_provider().is_none());
        registry()
            .with(Prints)
            .with(parts.log_layer())
            .with(parts.span_layer())
            .init();
        parts.install();
        tracing::info_span!("span").in_scope(|| tracing::debug!("still logged"));
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert!(outcome.lines().contains(&"mine: still logged"));
    assert_eq!(outcome.names(), [""; 0]);
}

#[test]
fn disabled_layers_do_not_enable_callsites() {
    let child = async || {
        let (telemetry, parts) = telemetry::builder("disabled").log(false).build().unwrap();
        registry()
            .with(parts.log_layer())
            .with(parts.span_layer())
            .init();
        println!("wanted: {}", tracing::enabled!(tracing::Level::ERROR));
        shut_down(telemetry).await;
    };
    if let Some(outcome) = run(&[("OTEL_SDK_DISABLED", "true")], child) {
        assert!(outcome.lines().contains(&"wanted: false"));
    }
}
