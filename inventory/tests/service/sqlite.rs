//! Runs each shared test on a separate `SQLite` file, and tests failed starts.

use std::error::Error;
use std::time::Duration;

use tempfile::TempDir;

use crate::claims;
use crate::service::{Service, config};

/// Declares a test function for each shared test, with the same name.
macro_rules! on_sqlite {
    ($($claim:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                let directory = TempDir::new().unwrap();
                claims::$claim(&database_in(&directory)).await;
            }
        )+
    };
}

claims::for_each_claim!(on_sqlite);

fn database_in(directory: &TempDir) -> String {
    format!(
        "sqlite://{}/stock.sqlite?mode=rwc",
        directory.path().display()
    )
}

#[tokio::test]
async fn slow_item_exceeding_request_timeout_fails() {
    let directory = TempDir::new().unwrap();
    let mut config = config(&database_in(&directory)).unwrap();
    config.limits.request_timeout = Duration::from_secs(2);
    let service = Service::start_with(config).await;
    let answer = service.get("/check/item-stuck").await;
    answer.problem(503, "timeout");
    assert_eq!(service.get("/check/item-123").await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn missing_directory_error_names_file() {
    let directory = TempDir::new().unwrap();
    let database_url = format!(
        "sqlite://{}/missing/stock.sqlite?mode=rwc",
        directory.path().display()
    );
    let config = config(&database_url).unwrap();
    let listener = shared::serve::bind(config.listen_addr).await.unwrap();

    let error = inventory::run(config, listener, tokio_util::sync::CancellationToken::new())
        .await
        .unwrap_err();

    assert!(
        error.to_string().contains("missing/stock.sqlite"),
        "{error}"
    );
    assert!(error.source().is_some());
}
