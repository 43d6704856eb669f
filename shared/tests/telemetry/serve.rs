//! A service with custom telemetry, from start to shutdown.

use std::{error::Error, process::ExitCode};

use shared::{
    config,
    serve::{self, ServeError},
};

use crate::{exporters::Marks, process::run};

async fn service(expected: ExitCode) {
    // `serve::main_with` starts its own runtime and waits for all tasks of the process, so it runs on a blocking
    // thread.
    let service = tokio::task::spawn_blocking(|| {
        serve::main_with(
            "served",
            |telemetry| telemetry.span_processor(Marks).init(),
            async |_, _| {
                tracing::info_span!("work").in_scope(|| ());
                Ok::<_, ServeError>(())
            },
        )
    });
    assert_eq!(service.await.unwrap(), expected);
}

#[test]
fn serve_main_shuts_down_custom_telemetry() {
    let Some(outcome) = run(&[], async || service(ExitCode::SUCCESS).await) else {
        return;
    };
    for line in ["ended work", "shut down"] {
        assert!(outcome.lines().contains(&line), "{:#?}", outcome.lines());
    }
    assert_eq!(outcome.log("stopped")["spans.exported"], 1);
    assert_eq!(outcome.resources()[0]["service.name"], "served");
}

#[test]
fn setup_failure_names_service() {
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")];
    let Some(outcome) = run(&variables, async || service(ExitCode::FAILURE).await) else {
        return;
    };
    let expected = "served: OTEL_EXPORTER_OTLP_ENDPOINT is `nonsense`";
    assert!(outcome.stderr.starts_with(expected), "{}", outcome.stderr);
}

#[test]
fn service_error_is_logged_and_fails_process() {
    let Some(outcome) = run(&[], async || {
        let service = tokio::task::spawn_blocking(|| {
            serve::main("served", async |_, _| {
                config::read::<u8>(&|_| None, "LIMIT", "300", "a number up to 255")?;
                Ok::<_, Box<dyn Error>>(())
            })
        });
        assert_eq!(service.await.unwrap(), ExitCode::FAILURE);
    }) else {
        return;
    };
    let expected = "LIMIT is `300`: expected a number up to 255";
    assert_eq!(outcome.log("cannot run")["error"], expected);
}
