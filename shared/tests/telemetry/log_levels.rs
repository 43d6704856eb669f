//! `RUST_LOG` selects the log lines.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use shared::{server::TraceLayer, telemetry};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::process::{run, shut_down};

/// Sends a request that fails, which is logged at level `error`.
async fn fail() {
    let telemetry = telemetry::init("levels").unwrap();
    let service = service_fn(async |_: Request<String>| {
        let mut answer = Response::new(String::new());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Ok::<_, Infallible>(answer)
    });
    let service = TraceLayer::new().layer(service);
    service.oneshot(Request::new(String::new())).await.unwrap();
    shut_down(telemetry).await;
}

#[test]
fn disabled_log_omits_failed_request() {
    if let Some(outcome) = run(&[("RUST_LOG", "off")], async || fail().await) {
        assert_eq!(outcome.logs(), [(); 0].map(|()| serde_json::Value::Null));
    }
}

#[test]
fn error_level_log_includes_failed_request() {
    if let Some(outcome) = run(&[("RUST_LOG", "error")], async || fail().await) {
        assert_eq!(outcome.log("request failed")["level"], "ERROR");
    }
}

#[test]
fn panic_is_logged_with_disabled_log() {
    let child = async || {
        let telemetry = telemetry::init("levels").unwrap();
        std::panic::catch_unwind(|| panic!("expected")).unwrap_err();
        shut_down(telemetry).await;
    };
    if let Some(outcome) = run(&[("RUST_LOG", "off")], child) {
        assert_eq!(outcome.log("panicked")["exception.message"], "expected");
    }
}
