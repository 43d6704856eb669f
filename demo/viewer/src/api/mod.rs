//! Implements the part of Jaeger's HTTP API that scripts and tests use, in the format of Jaeger 2.
//!
//! `GET /api/v3/traces/{trace_id}` returns OTLP/JSON inside `{"result": ..}`, so clients also work with Jaeger.
//! `/api/v3/services`, `/api/v3/operations` and the search `/api/v3/traces` are compatible as well. `query` parses the
//! parameters of the search.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use serde::Serialize;
use serde_json::json;

use crate::otlp_json::Written;
use crate::store::{Source, Store, StoredSpan, Trace, TraceId};

mod query;

use query::{Parameters, Query};

/// Returns the routes under `/api`.
pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/api/v3/traces", get(traces))
        .route("/api/v3/traces/{trace_id}", get(trace))
        .route("/api/v3/services", get(services))
        .route("/api/v3/operations", get(operations))
        .route("/api", get(no_such_path))
        .route("/api/{*path}", get(no_such_path))
        .with_state(store)
}

async fn trace(State(store): State<Store>, Path(id): Path<String>) -> Response {
    let id: TraceId = match id.parse() {
        Ok(id) => id,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match store.trace(id) {
        Some(trace) => answer(otlp(&trace)),
        None => problem(StatusCode::NOT_FOUND, "trace not found"),
    }
}

async fn traces(State(store): State<Store>, RawQuery(query): RawQuery) -> Response {
    let query = match Query::read(&Parameters::read(query.as_deref())) {
        Ok(query) => query,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let mut found = store.recent(usize::MAX);
    found.retain(|trace| query.matches(trace));
    found.truncate(query.most);
    if found.is_empty() {
        return problem(StatusCode::NOT_FOUND, "No traces found");
    }
    let resource_spans = found.iter().flat_map(|trace| otlp(trace).resource_spans);
    let result = TracesData {
        resource_spans: resource_spans.collect(),
    };
    answer(result)
}

/// Serializes the traces directly, since `json!` would first build a value for every attribute of every span.
fn answer(result: TracesData) -> Response {
    #[derive(Serialize)]
    struct Answer {
        result: Written<TracesData>,
    }
    let result = Written(result);
    Json(Answer { result }).into_response()
}

async fn services(State(store): State<Store>) -> Json<serde_json::Value> {
    Json(json!({ "services": store.services() }))
}

async fn operations(State(store): State<Store>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let Some(service) = parameters.get("service") else {
        return problem(
            StatusCode::BAD_REQUEST,
            "the parameter `service` is missing",
        );
    };
    let wanted = parameters.get("span_kind");
    let traces = store.recent(usize::MAX);
    let spans = traces.iter().flat_map(|trace| &trace.spans);
    let operations: BTreeSet<_> = spans
        .filter(|span| span.source.service == service)
        .map(|span| (span.span.name.as_str(), kind(span.span.kind())))
        .filter(|(_, kind)| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind)))
        .collect();
    let operations = operations.iter();
    let operations: Vec<_> = operations
        .map(|(name, kind)| json!({ "name": name, "spanKind": kind }))
        .collect();
    Json(json!({ "operations": operations })).into_response()
}

async fn no_such_path() -> Response {
    let paths = "there are /api/v3/services, /api/v3/operations, /api/v3/traces and /api/v3/traces/{trace_id}";
    problem(StatusCode::NOT_FOUND, paths)
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
        SpanKind::Unspecified => "",
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    let body = json!({ "error": { "httpCode": status.as_u16(), "message": message } });
    (status, Json(body)).into_response()
}

/// Groups the spans of a trace under their resources and scopes.
pub(crate) fn otlp(trace: &Trace) -> TracesData {
    let mut sources: Vec<(&Source, Vec<Span>)> = Vec::new();
    let mut places = HashMap::new();
    for span in &trace.spans {
        let StoredSpan { source, span, .. } = &**span;
        // Equal sources within a trace are the same allocation, so the address identifies the source.
        let place = *places.entry(Arc::as_ptr(source)).or_insert_with(|| {
            sources.push((source, Vec::new()));
            sources.len() - 1
        });
        sources[place].1.push(span.clone());
    }
    let resource_spans = sources.into_iter().map(|(source, spans)| ResourceSpans {
        resource: source.resource.as_deref().cloned(),
        schema_url: source.resource_schema_url.clone(),
        scope_spans: vec![ScopeSpans {
            scope: source.scope.clone(),
            schema_url: source.scope_schema_url.clone(),
            spans,
        }],
    });
    TracesData {
        resource_spans: resource_spans.collect(),
    }
}

#[cfg(test)]
mod tests;
