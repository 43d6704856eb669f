//! Spans of queries, independent of the driver.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use opentelemetry::{
    StringValue,
    trace::{SpanKind, Status},
};
use shared::{
    database::{Database, Statement},
    testing::{Span, recorder},
};

const TEXT: &str = "SELECT available FROM stock WHERE item_id = $1";

async fn span<T: Clone + Into<StringValue>>(statement: Statement<T>) -> Span {
    let database = Database::new("sqlite");
    let query = async { Ok::<_, Infallible>(()) };
    let query = database.query(&statement, |never| match *never {}, query);
    let (trace_id, result) = recorder().in_trace("caller", query).await;
    result.unwrap();
    recorder().span(&trace_id, "SELECT stock").await
}

#[tokio::test]
async fn statement_is_recorded_borrowed_or_owned() {
    let statement: Statement = Statement {
        operation: "SELECT",
        collection: "stock",
        text: TEXT,
    };
    let owned = Statement {
        operation: "SELECT".to_owned(),
        collection: "stock".to_owned(),
        text: TEXT.to_owned(),
    };
    let built = Statement::<Cow<'static, str>> {
        operation: "SELECT".into(),
        collection: "stock".into(),
        text: TEXT.replace("available", "available, price_cents").into(),
    };
    let shared = Statement::<Arc<str>> {
        operation: "SELECT".into(),
        collection: "stock".into(),
        text: TEXT.into(),
    };
    let spans = [
        (span(statement).await, TEXT),
        (span(owned).await, TEXT),
        (
            span(built).await,
            "SELECT available, price_cents FROM stock WHERE item_id = $1",
        ),
        (span(shared).await, TEXT),
    ];
    for (span, text) in spans {
        assert_eq!(span.kind, SpanKind::Client);
        let expected = [
            ("db.system.name", "sqlite"),
            ("db.operation.name", "SELECT"),
            ("db.collection.name", "stock"),
            ("db.query.text", text),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned().into()));
        assert_eq!(span.attributes, expected.into());
    }
}

#[tokio::test]
async fn dropped_query_is_recorded_as_cancelled() {
    let statement: Statement = Statement {
        operation: "SELECT",
        collection: "stock",
        text: TEXT,
    };
    let database = Database::new("sqlite");
    let never = std::future::pending::<Result<(), Infallible>>();
    let query = database.query(&statement, |never| match *never {}, never);
    let impatient =
        async { tokio::time::timeout(std::time::Duration::from_millis(1), query).await };
    let (trace_id, result) = recorder().in_trace("caller", impatient).await;
    assert!(result.is_err());
    let cancelled = recorder().span(&trace_id, "SELECT stock").await;
    assert_eq!(cancelled.status, Status::Unset);
    assert_eq!(cancelled.error_type(), None);
    let events: Vec<_> = cancelled.events.iter().map(|event| &*event.name).collect();
    assert_eq!(events, ["query.cancelled"]);
}
