//! Tests orders while inventory's `PostgreSQL` server is stopped or frozen: the response, the trace and the log name
//! the database.

use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::services::{Answer, Services, row};

/// Maximum response time of an order while the database server is stopped.
const PROMPT: Duration = Duration::from_millis(500);

async fn start(cluster: &Cluster) -> Services {
    let directory = tempfile::tempdir().unwrap();
    let services = Services::start_with(directory, cluster.database_url("postgres")).await;
    let answer = order(&services).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    services
}

async fn order(services: &Services) -> Answer {
    services.checkout(r#"{"item_id":"item-123"}"#).await
}

/// Asserts that the trace and inventory's log show a failed query, and returns its error type.
async fn assert_database_failed(services: &Services, answer: &Answer) -> String {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.body["code"], "inventory_unavailable");
    assert_eq!(answer.headers["retry-after"], "1");

    let trace_id = answer.trace_id();
    let trace = services.trace(trace_id, 5).await;
    assert!(trace.is_joined());
    let query = row(&trace, "inventory", "SELECT stock");
    let error_type = query.error().expect("the query has failed");
    let server = row(&trace, "inventory", "GET /check/{item_id}");
    assert_eq!(server.error().as_deref(), Some("503"));

    let logged = services
        .inventory
        .log(|line| line["level"] == "ERROR" && line["trace_id"] == trace_id)
        .await;
    assert_eq!(logged["message"], "the database is unavailable");
    assert!(logged["error"].is_string(), "{logged}");
    error_type
}

#[tokio::test]
async fn stopped_postgres_is_503_and_in_trace() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let services = start(&cluster).await;
    cluster.stop();
    // The first query may use a connection that the stopped server has just closed.
    let answer = order(&services).await;
    assert_database_failed(&services, &answer).await;
    // Measures several orders, because a busy machine may delay one of them.
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let started = Instant::now();
        let answer = order(&services).await;
        quickest = quickest.min(started.elapsed());
        let error_type = assert_database_failed(&services, &answer).await;
        assert_eq!(error_type, "connect");
    }
    assert!(quickest < PROMPT, "{quickest:?}");
}

#[tokio::test]
async fn frozen_postgres_is_503_and_in_trace() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let services = start(&cluster).await;
    let frozen = cluster.freeze();
    // Inventory's database timeout is 0.5 s shorter than checkout's timeout for inventory. On a busy machine, this
    // difference may be too small, and checkout answers 504.
    let mut answers = Vec::new();
    while answers.len() < 10 {
        let answer = order(&services).await;
        if answer.status == 503 {
            let error_type = assert_database_failed(&services, &answer).await;
            assert!(
                matches!(error_type.as_str(), "timeout" | "pool_timeout"),
                "{error_type}"
            );
            drop(frozen);
            while order(&services).await.status != 200 {}
            return;
        }
        answers.push(answer);
    }
    panic!("no answer is 503: {answers:?}");
}
