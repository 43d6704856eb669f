//! Semantic conventions for CLIENT spans of database queries.

pub(crate) const DB_COLLECTION_NAME: &str = "db.collection.name";
pub(crate) const DB_NAMESPACE: &str = "db.namespace";
pub(crate) const DB_OPERATION_NAME: &str = "db.operation.name";
pub(crate) const DB_QUERY_TEXT: &str = "db.query.text";
pub(crate) const DB_RESPONSE_STATUS_CODE: &str = "db.response.status_code";
pub(crate) const DB_SYSTEM_NAME: &str = "db.system.name";
/// Name of the span event for a query whose future was dropped before the query ended.
pub(crate) const EVENT_QUERY_CANCELLED: &str = "query.cancelled";
