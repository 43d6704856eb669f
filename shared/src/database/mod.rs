//! Spans for SQL clients with any driver: one CLIENT span per query.
//!
//! Names and attributes follow the [conventions for database spans](https://opentelemetry.io/docs/specs/semconv/database/).

mod failure;

use std::sync::Arc;

use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _},
};

pub use self::failure::QueryFailure;
use crate::internal::{
    semconv,
    tracer::{EndOnDrop, Tracer},
};

/// The description of a query, recorded on the query's span.
///
/// The SQL text is static by default, so that it cannot contain values from a caller. SQL that is built at run time may
/// be a `String`, an `Arc<str>` or a `Cow<'static, str>`. Such SQL must contain placeholders instead of values:
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

/// The former name of [`QueryFailure`].
#[deprecated = "renamed to `QueryFailure`"]
pub type QueryError = QueryFailure;

/// The target database of queries. Create it once, together with the connection pool.
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
    /// Creates a database with the given `db.system.name`: a value from the semantic conventions, such as `sqlite` or
    /// `postgresql`.
    pub fn new(system: &'static str) -> Self {
        Self {
            attributes: Arc::new(vec![KeyValue::new(semconv::DB_SYSTEM_NAME, system)]),
            tracer: Tracer::default(),
        }
    }

    /// Sets the name of the database: `db.namespace`.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<String>) -> Self {
        self.with(KeyValue::new(semconv::DB_NAMESPACE, namespace.into()))
    }

    /// Sets the server, for networked databases: `server.address` and `server.port`.
    #[must_use]
    pub fn with_server(self, host: impl Into<String>, port: u16) -> Self {
        self.with(KeyValue::new(semconv::SERVER_ADDRESS, host.into()))
            .with(KeyValue::new(semconv::SERVER_PORT, i64::from(port)))
    }

    fn with(mut self, attribute: KeyValue) -> Self {
        Arc::make_mut(&mut self.attributes).push(attribute);
        self
    }

    /// Runs `query` in a CLIENT span named `{operation} {collection}`.
    ///
    /// `reason` returns the `error.type` of a failed query, usually with [`QueryFailure::of`]. If the future is dropped
    /// before the query has finished, the span ends with the event `query.cancelled` and is not marked as an error,
    /// because the outcome of the query is unknown.
    ///
    /// ```
    /// # use std::{error::Error, fmt};
    /// use shared::database::{Database, QueryFailure, Statement};
    ///
    /// const SELECT: Statement = Statement {
    ///     operation: "SELECT",
    ///     collection: "stock",
    ///     text: "SELECT available FROM stock WHERE item_id = $1",
    /// };
    ///
    /// # #[derive(Debug)]
    /// # struct DriverError { code: Option<String> }
    /// # impl fmt::Display for DriverError {
    /// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("failed") }
    /// # }
    /// # impl Error for DriverError {}
    /// # async fn fetch(_: &str, _: &str) -> Result<u32, DriverError> { Ok(7) } // calls the driver
    /// async fn available(database: &Database, item_id: &str) -> Result<u32, DriverError> {
    ///     let reason = |error: &DriverError| QueryFailure::of(error, error.code.as_deref());
    ///     database.query(&SELECT, reason, fetch(SELECT.text, item_id)).await
    /// }
    /// # let database = Database::new("postgresql").with_namespace("shop").with_server("db", 5432);
    /// # let available = available(&database, "item-123");
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async { assert!(available.await.is_ok()) });
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of `query` unchanged.
    pub async fn query<T, E>(
        &self,
        statement: &Statement<impl Into<StringValue> + Clone>,
        reason: impl FnOnce(&E) -> QueryFailure,
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
                QueryFailure::Answered(code) => {
                    let answered = KeyValue::new(semconv::DB_RESPONSE_STATUS_CODE, code.clone());
                    span.set_attribute(answered);
                    code
                }
                QueryFailure::Failed(name) => name,
            };
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
            span.set_status(Status::error(""));
        }
        result
    }
}

/// Ends the span of a query on drop.
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
