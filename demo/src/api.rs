//! The part of Jaeger's HTTP API that scripts and tests use, in the shape Jaeger 2 answers it.
//!
//! `GET /api/v3/traces/{trace_id}` is OTLP in JSON inside `{"result": ..}`, so what works here works against Jaeger.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use serde_json::json;

use crate::store::{Source, Store, StoredSpan, Trace, TraceId};

/// The routes below `/api/v3`.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/v3/traces/{trace_id}", get(trace))
        .route("/api/v3/services", get(services))
        .with_state(store)
}

async fn trace(State(store): State<Store>, Path(id): Path<String>) -> Response {
    let id: TraceId = match id.parse() {
        Ok(id) => id,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match store.trace(id) {
        Some(trace) => Json(json!({ "result": otlp(&trace) })).into_response(),
        None => problem(StatusCode::NOT_FOUND, "trace not found"),
    }
}

async fn services(State(store): State<Store>) -> Json<serde_json::Value> {
    Json(json!({ "services": store.services() }))
}

fn problem(status: StatusCode, message: &str) -> Response {
    let body = json!({ "error": { "httpCode": status.as_u16(), "message": message } });
    (status, Json(body)).into_response()
}

/// The trace with its spans back under the resource and scope they came from.
pub fn otlp(trace: &Trace) -> TracesData {
    let mut sources: Vec<(&Source, Vec<Span>)> = Vec::new();
    for span in &trace.spans {
        let StoredSpan { source, span, .. } = &**span;
        let source = Arc::as_ref(source);
        match sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, spans)) => spans.push(span.clone()),
            None => sources.push((source, vec![span.clone()])),
        }
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
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::store::Limits;
    use crate::testing::{TRACE_ID, span};

    async fn get(store: &Store, path: &str) -> (u16, Value) {
        let (status, body) = crate::testing::get(router(store.clone()), path).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    #[tokio::test]
    async fn trace_is_answered_as_otlp_json() {
        let store = Store::new(Limits::default());
        for (service, id, parent) in [
            ("checkout", 1, None),
            ("inventory", 2, Some(1)),
            ("checkout", 3, Some(1)),
        ] {
            store.insert(vec![
                span(service, id, parent, "span", 1_500..2_500).batch(),
            ]);
        }
        let (status, body) = get(&store, &format!("/api/v3/traces/{TRACE_ID}")).await;
        assert_eq!(status, 200);
        let resources = body["result"]["resourceSpans"].as_array().unwrap();
        assert_eq!(
            resources.len(),
            2,
            "spans of one process stand together: {body:#}"
        );
        let of = |at: usize| &resources[at]["scopeSpans"][0]["spans"];
        assert_eq!(of(0).as_array().unwrap().len(), 2);
        let child = &of(1)[0];
        assert_eq!(child["traceId"], TRACE_ID);
        assert_eq!(child["spanId"], "0000000000000002");
        assert_eq!(child["parentSpanId"], "0000000000000001");
        assert_eq!(child["startTimeUnixNano"], "1500");
        assert!(child["kind"].is_i64());
        let attribute = &resources[1]["resource"]["attributes"][0];
        assert_eq!(attribute["key"], "service.name");
        assert_eq!(attribute["value"]["stringValue"], "inventory");
    }

    #[tokio::test]
    async fn unknown_trace_is_404_as_jaeger_says_it() {
        let (status, body) = get(
            &Store::new(Limits::default()),
            &format!("/api/v3/traces/{TRACE_ID}"),
        )
        .await;
        assert_eq!(status, 404);
        assert_eq!(body["error"]["httpCode"], 404);
        assert_eq!(body["error"]["message"], "trace not found");
    }

    #[tokio::test]
    async fn invalid_trace_id_is_400() {
        let (status, body) = get(&Store::new(Limits::default()), "/api/v3/traces/zebra").await;
        assert_eq!(status, 400);
        assert!(body["error"]["message"].as_str().unwrap().contains("zebra"));
    }

    #[tokio::test]
    async fn services_are_listed() {
        let store = Store::new(Limits::default());
        store.insert(vec![span("checkout", 1, None, "span", 0..1).batch()]);
        let (_, body) = get(&store, "/api/v3/services").await;
        assert_eq!(body, json!({ "services": ["checkout"] }));
    }
}
