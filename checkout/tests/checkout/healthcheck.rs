//! `checkout healthcheck`, the health check of containers: its exit code reflects `/readyz`.

use std::process::{Command, Output};

use axum::Router;
use shared::serve::health;

use crate::stand_in::{nobody, serve};

async fn healthcheck(url: &str) -> Output {
    let address = url.trim_start_matches("http://").to_owned();
    let asked = shared::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_checkout"))
            .arg("healthcheck")
            .env("LISTEN_ADDR", address)
            .output()
    });
    asked.await.unwrap().unwrap()
}

#[tokio::test]
async fn service_that_is_ready_is_healthy() {
    let url = serve(health(async || Ok(()))).await;
    let output = healthcheck(&url).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn healthcheck_reports_why_service_is_unhealthy() {
    let not_ready = serve(health(async || Err("no database"))).await;
    let no_service = serve(Router::new()).await;
    let (_socket, nobody) = nobody();
    for (url, said) in [
        (not_ready, "is not ready: HTTP/1.1 503"),
        (no_service, "is not ready: HTTP/1.1 404"),
        (nobody, "does not answer: "),
        ("nonsense".to_owned(), "LISTEN_ADDR is `nonsense`"),
    ] {
        let output = healthcheck(&url).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(said), "{error}");
    }
}
