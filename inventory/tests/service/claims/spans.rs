//! Tests of the spans of queries: recorded attributes, and values that must not be recorded.

use std::collections::BTreeMap;

use serde_json::json;
use shared::testing::{Span, recorder};

use crate::service::{Service, execute};

const SELECT: &str =
    "SELECT available, price_cents, warehouse_latency_ms FROM stock WHERE item_id = $1";

pub(crate) async fn every_query_is_a_client_span_without_its_values(database_url: &str) {
    let recorder = recorder();
    let service = Service::start(database_url).await;

    let (trace_id, ()) = recorder
        .in_trace("caller", async {
            let answer = service.get_traced("/check/item-123").await;
            assert_eq!(answer.status, 200);
        })
        .await;
    let trace = recorder.trace(&trace_id, 3).await;
    trace.assert_joined();
    let span = trace.span("SELECT stock");
    let mut expected = vec![
        ("db.operation.name", "SELECT"),
        ("db.collection.name", "stock"),
        ("db.query.text", SELECT),
    ];
    expected.extend(system(database_url));
    assert_eq!(attributes(span), expected.into_iter().collect());
    assert_eq!(
        span.attribute("db.namespace"),
        Some(namespace(database_url))
    );

    let order = json!({"order_id": "secret-1", "item_id": "item-123", "quantity": 1}).to_string();
    let (trace_id, ()) = recorder
        .in_trace("caller", async {
            assert_eq!(service.post_traced(order).await.status, 201);
        })
        .await;
    let trace = recorder.trace(&trace_id, 3).await;
    assert_eq!(
        trace.tree(),
        "INTERNAL caller\n  SERVER POST /reservations\n    CLIENT UPDATE stock\n"
    );
    for span in &trace.spans {
        let said = format!("{span:?}");
        assert!(!said.contains("secret-1"), "a value is on a span: {said}");
    }

    service.stop().await;
}

pub(crate) async fn failed_query_names_the_databases_own_code(database_url: &str) {
    let recorder = recorder();
    let service = Service::start(database_url).await;
    execute(database_url, "DROP TABLE stock").await;

    let (trace_id, ()) = recorder
        .in_trace("caller", async {
            assert_eq!(service.get_traced("/check/item-123").await.status, 500);
        })
        .await;
    let trace = recorder.trace(&trace_id, 3).await;
    let code = if is_postgres(database_url) {
        "42P01"
    } else {
        "1"
    };
    let select = trace.span("SELECT stock");
    assert_eq!(select.error_type().as_deref(), Some(code));
    let answered = select.attribute("db.response.status_code");
    assert_eq!(answered.as_deref(), Some(code));
    assert_eq!(
        trace.span("GET /check/{item_id}").error_type().as_deref(),
        Some("500")
    );

    service.stop().await;
}

fn is_postgres(database_url: &str) -> bool {
    database_url.starts_with("postgres")
}

/// Returns the expected attributes that identify the database, without those that differ between machines.
fn system(database_url: &str) -> Vec<(&'static str, &'static str)> {
    let name = if is_postgres(database_url) {
        "postgresql"
    } else {
        "sqlite"
    };
    vec![("db.system.name", name)]
}

/// Returns the expected `db.namespace`. `SQLite` calls the main database `main`.
fn namespace(database_url: &str) -> String {
    if is_postgres(database_url) {
        let (address, _query) = database_url.split_once('?').unwrap_or((database_url, ""));
        let (_server, name) = address.rsplit_once('/').expect("the URL names a database");
        name.to_owned()
    } else {
        "main".to_owned()
    }
}

/// Returns the attributes of a span, without the location of the database, which differs between runs.
fn attributes(span: &Span) -> BTreeMap<&str, &str> {
    let location = ["server.address", "server.port", "db.namespace"];
    let attributes = span.attributes.iter();
    attributes
        .filter(|(key, _)| !location.contains(&key.as_str()))
        .map(|(key, value)| (key.as_str(), text(value)))
        .collect()
}

fn text(value: &opentelemetry::Value) -> &str {
    match value {
        opentelemetry::Value::String(text) => text.as_str(),
        other => panic!("a number where a text should be: {other}"),
    }
}
