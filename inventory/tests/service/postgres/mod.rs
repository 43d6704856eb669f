//! Runs the shared tests on a temporary `PostgreSQL` server, if Debian's package is installed.

mod outages;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use opentelemetry::trace::Status;
use shared::testing::recorder;
use sqlx::{Connection as _, PgConnection};

use crate::claims;
use crate::cluster::Cluster;
use crate::service::{Service, config, count, execute};

/// Runs each shared test on a new database of the cluster.
macro_rules! on_postgres {
    ($cluster:ident: $($claim:ident),+ $(,)?) => {
        $(
            println!("{}", stringify!($claim));
            execute(&$cluster.database_url("postgres"), concat!("CREATE DATABASE ", stringify!($claim))).await;
            claims::$claim(&$cluster.database_url(stringify!($claim))).await;
        )+
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_hold_on_postgres() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    claims::for_each_claim!(on_postgres, cluster);

    let service = Service::start(&cluster.database_url("postgres")).await;
    assert_eq!(service.available("item-123").await, 1_000_000);
    cluster.stop();
    let answer = service.get("/check/item-123").await;
    answer.problem(503, "database_unavailable");
    assert_eq!(service.get("/readyz").await.status, 503);
    service.stop().await;
}

/// Starts a service with the default database timeout, and returns it and its database URL.
async fn impatient(cluster: &Cluster) -> (Service, String) {
    let database_url = cluster.database_url("postgres");
    let mut config = config(&database_url).unwrap();
    config.database_timeout = Duration::from_millis(1500);
    (Service::start_with(config).await, database_url)
}

/// Requests an item while the database is unavailable. Returns the duration of the request and the error type of the
/// query's span.
async fn failed_check(service: &Service) -> (Duration, Option<String>) {
    let recorder = recorder();
    let started = Instant::now();
    let (trace_id, answer) = recorder
        .in_trace("caller", service.get_traced("/check/item-123"))
        .await;
    let took = started.elapsed();
    answer.problem(503, "database_unavailable");
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
    let query = recorder.span(&trace_id, "SELECT stock").await;
    assert!(matches!(query.status, Status::Error { .. }), "{query:?}");
    (took, query.error_type())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_server_is_reported_at_once() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let (service, _) = impatient(&cluster).await;
    cluster.stop();
    // The first query may get a pooled connection that the server has just closed.
    failed_check(&service).await;
    // Sends several requests, because a busy machine may delay one of them.
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let (took, error_type) = failed_check(&service).await;
        assert_eq!(error_type.as_deref(), Some("connect"));
        quickest = quickest.min(took);
    }
    assert!(quickest < Duration::from_millis(400), "{quickest:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_server_fails_the_query_within_its_timeout() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let (service, _) = impatient(&cluster).await;
    assert_eq!(service.available("item-123").await, 1_000_000);
    let frozen = cluster.freeze();
    for _ in 0..12 {
        let (took, error_type) = failed_check(&service).await;
        assert!(
            matches!(error_type.as_deref(), Some("timeout" | "pool_timeout")),
            "{error_type:?}"
        );
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    assert_eq!(service.get("/readyz").await.status, 503);
    drop(frozen);
    while service.get("/check/item-123").await.status != 200 {}
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_row_is_503_and_nothing_is_reserved_later() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let (service, database_url) = impatient(&cluster).await;
    let mut other = PgConnection::connect(&database_url).await.unwrap();
    let lock = "BEGIN; SELECT 1 FROM stock WHERE item_id = 'item-123' FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();

    // Sends more requests than the pool has connections.
    let answers = join_all(
        (0..15).map(async |n| service.reserve(&format!("order-{n}"), "item-123", 1).await),
    );
    for answer in answers.await {
        answer.problem(503, "database_unavailable");
    }
    assert_eq!(
        service.get("/readyz").await.status,
        200,
        "other rows are free"
    );
    assert_eq!(service.reserve("order-x", "item-slow", 1).await.status, 201);

    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(service.available("item-123").await, 1_000_000);
    assert_eq!(service.reserve("order-0", "item-123", 1).await.status, 201);
    assert_eq!(service.available("item-123").await, 999_999);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_database_is_503_and_not_ready() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let (service, database_url) = impatient(&cluster).await;
    execute(
        &database_url,
        "ALTER DATABASE postgres SET default_transaction_read_only = on;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    .await;
    for n in 0..3 {
        let answer = service.reserve(&format!("order-{n}"), "item-123", 1).await;
        answer.problem(503, "database_unavailable");
    }
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.body["reason"], "the database cannot be written");
    assert_eq!(service.available("item-123").await, 1_000_000);

    execute(
        &database_url,
        "SET transaction_read_only = off;
         ALTER DATABASE postgres RESET default_transaction_read_only;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    .await;
    while service.get("/readyz").await.status != 200 {}
    // After a failed write, the readiness check writes to a separate table.
    for (sql, rows) in [
        ("SELECT COUNT(*) FROM reservations", 0),
        ("SELECT COUNT(*) FROM write_probe", 1),
    ] {
        assert_eq!(count(&database_url, sql).await, rows, "{sql}");
    }
    service.stop().await;
}

#[tokio::test]
async fn refused_connection_is_an_error_without_the_password() {
    // The socket is bound but does not listen: connections are refused, and no other process can take the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let config = config(&format!("postgres://ann:hunter2@{address}/shop")).unwrap();
    let listener = shared::serve::bind(config.listen_addr).await.unwrap();

    let error = inventory::run(config, listener, tokio_util::sync::CancellationToken::new())
        .await
        .unwrap_err();

    assert!(
        error
            .to_string()
            .contains(&format!("postgres://{address}/shop")),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
