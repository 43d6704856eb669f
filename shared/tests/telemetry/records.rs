//! Records of the `log` crate become log lines.

use opentelemetry::trace::TraceContextExt as _;
use shared::telemetry;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::process::{run, shut_down};

async fn record() {
    let telemetry = telemetry::init("records").unwrap();
    log::warn!("outside");
    let span = tracing::info_span!("span");
    let trace_id = span.context().span().span_context().trace_id();
    span.in_scope(|| {
        log::warn!(target: "orders::stock", "trace {trace_id}");
        log::debug!(target: "orders::stock", "a detail");
        log::info!("nothing that matters");
    });
    drop(span);
    shut_down(telemetry).await;
}

#[test]
fn log_record_is_line_with_trace_ids() {
    let Some(outcome) = run(&[], async || record().await).map(|outcome| outcome.logs()) else {
        return;
    };
    let with = |text: &str| {
        let mut logs = outcome.clone();
        logs.retain(|log| log["message"].as_str().unwrap().starts_with(text));
        let [log] = &logs[..] else {
            panic!("one line: {logs:#?}")
        };
        log.clone()
    };
    let outside = with("outside");
    assert_eq!(outside["level"], "WARN");
    assert_eq!(outside["target"], "telemetry::records");
    assert_eq!(outside.get("trace_id"), None);
    let inside = with("trace ");
    assert_eq!(inside["target"], "orders::stock");
    assert_eq!(
        inside["message"],
        format!("trace {}", inside["trace_id"].as_str().unwrap())
    );
    assert_eq!(with("nothing that")["level"], "INFO");
    assert!(outcome.iter().all(|log| log["message"] != "a detail"));
}

#[test]
fn records_are_filtered_by_their_own_targets() {
    let variables = [("RUST_LOG", "error,orders=debug")];
    let Some(outcome) = run(&variables, async || record().await) else {
        return;
    };
    let logs = outcome.logs();
    let targets: Vec<_> = logs
        .iter()
        .map(|log| log["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, ["orders::stock"; 2], "{logs:#?}");
}

#[test]
fn record_is_message_of_pretty_line() {
    let Some(outcome) = run(&[("LOG_FORMAT", "pretty")], async || record().await) else {
        return;
    };
    let lines = outcome.lines();
    let line = lines.iter().find(|line| line.contains("outside")).unwrap();
    assert!(line.ends_with("  WARN records   outside"), "{line}");
}

/// A logger of the `log` crate that prints every record.
struct Mine;

impl log::Log for Mine {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("mine: {}", record.args());
    }

    fn flush(&self) {}
}

#[test]
fn existing_logger_keeps_its_records() {
    let child = async || {
        log::set_logger(&Mine).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        record().await;
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    assert!(outcome.lines().contains(&"mine: outside"));
    assert!(outcome.logs().iter().all(|log| log["message"] != "outside"));
}

/// Per-layer filters of `tracing` store the result of their last check on the thread. A record of the `log` crate must
/// not change this result.
#[test]
fn log_record_does_not_lose_span() {
    let child = async || {
        let telemetry = telemetry::init("records").unwrap();
        for _ in 0..10 {
            log::info!("not written");
            tracing::info_span!("after a record").in_scope(|| ());
            log::warn!(target: "orders::stock", "written");
            tracing::info_span!("after a line").in_scope(|| ());
        }
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&[("RUST_LOG", "error,orders=debug")], child) else {
        return;
    };
    let expected = [["after a line"; 10], ["after a record"; 10]].concat();
    assert_eq!(outcome.names(), expected);
}
