//! Spans for SQL clients, whatever the driver: one CLIENT span a query.
//!
//! Attributes and names by the [conventions for database spans](https://opentelemetry.io/docs/specs/semconv/database/).

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _},
};

use crate::{
    semconv,
    tracer::{EndOnDrop, Tracer},
};

/// A query as the span shows it.
///
/// Its text is static by default, so that no value of a caller can get into it. SQL that is put together while the program
/// runs may be a `String`, an `Arc<str>` or a `Cow<'static, str>`; there too only placeholders may stand for values:
///
/// ```
/// use std::borrow::Cow;
/// use shared::database::Statement;
///
/// let columns = ["available", "price_cents"].join(", ");
/// let select = Statement::<Cow<'static, str>> {
///     operation: "SELECT".into(),
///     collection: "stock".into(),
///     text: format!("SELECT {columns} FROM stock WHERE item_id = $1").into(),
/// };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Statement<T = &'static str> {
    /// `db.operation.name`: the SQL command, in upper case.
    pub operation: T,
    /// `db.collection.name`: the table.
    pub collection: T,
    /// `db.query.text`: the SQL with placeholders.
    pub text: T,
}

/// Why a query failed, as the span shows it: what [`Database::query`] asks of the driver's error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// The database answered with this code of its own (an SQLSTATE): `db.response.status_code`, and `error.type` too.
    Answered(Cow<'static, str>),
    /// There was no answer, or one that cannot be used; with a short stable name for why (`pool_timeout`): `error.type`.
    Failed(Cow<'static, str>),
}

/// The database that queries go to, as their spans name it. Make it once, beside the pool of connections.
///
/// ```
/// use shared::database::Database;
///
/// let database = Database::new("postgresql").with_namespace("shop").with_server("db.internal", 5432);
/// ```
#[derive(Debug, Clone)]
pub struct Database {
    attributes: Arc<Vec<KeyValue>>,
    tracer: Tracer,
}

impl Database {
    /// `system` is `db.system.name`, a value of the conventions such as `sqlite` or `postgresql`.
    pub fn new(system: &'static str) -> Self {
        Self {
            attributes: Arc::new(vec![KeyValue::new(semconv::DB_SYSTEM_NAME, system)]),
            tracer: Tracer::default(),
        }
    }

    /// The database's name: `db.namespace`.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<String>) -> Self {
        self.with(KeyValue::new(semconv::DB_NAMESPACE, namespace.into()))
    }

    /// The server, for databases that are one: `server.address` and `server.port`.
    #[must_use]
    pub fn with_server(self, host: impl Into<String>, port: u16) -> Self {
        self.with(KeyValue::new(semconv::SERVER_ADDRESS, host.into()))
            .with(KeyValue::new(semconv::SERVER_PORT, i64::from(port)))
    }

    fn with(mut self, attribute: KeyValue) -> Self {
        Arc::make_mut(&mut self.attributes).push(attribute);
        self
    }

    /// Runs `query` in a CLIENT span `{operation} {collection}`.
    ///
    /// `reason` gives the `error.type` of a failure. If the future is dropped before the query has ended, the span ends with
    /// the event `shared.query.cancelled` and is not an error: the caller has gone, and the outcome is unknown.
    ///
    /// ```
    /// use shared::database::{Database, QueryError, Statement};
    ///
    /// const SELECT: Statement = Statement {
    ///     operation: "SELECT",
    ///     collection: "stock",
    ///     text: "SELECT available FROM stock WHERE item_id = $1",
    /// };
    ///
    /// # struct Error { code: Option<String> }
    /// # async fn fetch(_: &str, _: &str) -> Result<u32, Error> { Ok(7) } // the driver's own
    /// async fn available(database: &Database, item_id: &str) -> Result<u32, Error> {
    ///     let reason = |error: &Error| match &error.code {
    ///         Some(code) => QueryError::Answered(code.clone().into()),
    ///         None => QueryError::Failed("connection".into()),
    ///     };
    ///     database.query(&SELECT, reason, fetch(SELECT.text, item_id)).await
    /// }
    /// # let database = Database::new("postgresql").with_namespace("shop").with_server("db", 5432);
    /// # let available = available(&database, "item-123");
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async { assert!(available.await.is_ok()) });
    /// ```
    ///
    /// # Errors
    ///
    /// What `query` returns, unchanged.
    pub async fn query<T, E>(
        &self,
        statement: &Statement<impl Into<StringValue> + Clone>,
        reason: impl FnOnce(&E) -> QueryError,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let operation: StringValue = statement.operation.clone().into();
        let collection: StringValue = statement.collection.clone().into();
        let text: StringValue = statement.text.clone().into();
        let name = format!("{} {}", operation.as_str(), collection.as_str());
        let mut attributes = Vec::with_capacity(self.attributes.len() + 4);
        attributes.extend_from_slice(&self.attributes);
        attributes.extend([
            KeyValue::new(semconv::DB_OPERATION_NAME, operation),
            KeyValue::new(semconv::DB_COLLECTION_NAME, collection),
            KeyValue::new(semconv::DB_QUERY_TEXT, text),
        ]);
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let parent = Context::current();
        let cx = parent.with_span(self.tracer.start(span, &parent));
        let mut span = Query {
            ends: EndOnDrop(cx.clone()),
            is_done: false,
        };
        let result = query.with_context(cx.clone()).await;
        span.is_done = true;
        if let Err(error) = &result {
            let span = cx.span();
            let error_type = match reason(error) {
                QueryError::Answered(code) => {
                    let answered = KeyValue::new(semconv::DB_RESPONSE_STATUS_CODE, code.clone());
                    span.set_attribute(answered);
                    code
                }
                QueryError::Failed(name) => name,
            };
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
            span.set_status(Status::error(""));
        }
        result
    }
}

/// The span of a query, which ends when this is dropped.
struct Query {
    ends: EndOnDrop,
    is_done: bool,
}

impl Drop for Query {
    fn drop(&mut self) {
        if !self.is_done && !std::thread::panicking() {
            let span = self.ends.0.span();
            span.add_event(semconv::EVENT_QUERY_CANCELLED, Vec::new());
        }
    }
}
