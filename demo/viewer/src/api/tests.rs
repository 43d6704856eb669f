use serde_json::Value;

use super::*;
use crate::pages::{self, BackLink};
use crate::store::Limits;
use crate::testing::{TRACE_ID, request, span};

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
    assert_eq!(child["status"], json!({}));
    for zero in ["kind", "flags", "attributes", "events", "traceState"] {
        assert_eq!(child.get(zero), None, "zero values are left out");
    }
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

/// Two traces of checkout: one starts at second 10 and takes 2 s, the other starts at second 20, takes 1 ms and fails.
fn two() -> Store {
    const S: u64 = 1_000_000_000;
    let mut slow = request("checkout", 1, "POST /checkout", 10 * S..12 * S);
    slow.set("http.response.status_code", "200");
    let mut failed = request("checkout", 1, "GET /item", 20 * S..20 * S + 1_000_000).failed("500");
    failed.set("http.response.status_code", "500");
    failed.span.trace_id = vec![7; 16];
    let store = Store::new(Limits::default());
    store.insert(vec![slow.batch(), failed.batch()]);
    store
}

const ALL_TIMES: &str =
    "query.startTimeMin=1970-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z";

/// Returns the ids of the traces that a search finds, in the order of the response.
async fn found(query: &str) -> Vec<String> {
    let (status, body) = get(&two(), &format!("/api/v3/traces?{query}")).await;
    if status == 404 {
        assert_eq!(body["error"]["message"], "No traces found");
        return Vec::new();
    }
    assert_eq!(status, 200, "{query}: {body:#}");
    let resources = body["result"]["resourceSpans"].as_array().unwrap();
    let id = |resource: &Value| resource["scopeSpans"][0]["spans"][0]["traceId"].clone();
    let ids = resources
        .iter()
        .map(|resource| id(resource).as_str().unwrap().to_owned());
    ids.collect()
}

#[tokio::test]
async fn search_answers_the_traces_that_match_newest_first() {
    let (slow, failed) = (TRACE_ID.to_owned(), "07".repeat(16));
    let both = vec![failed.clone(), slow.clone()];
    for (more, expected) in [
        ("", both.clone()),
        ("&query.serviceName=checkout", both.clone()),
        ("&query.service_name=checkout", both.clone()),
        ("&query.serviceName=inventory", vec![]),
        ("&query.operationName=POST+/checkout", vec![slow.clone()]),
        ("&query.durationMin=1.5s", vec![slow.clone()]),
        ("&query.duration_max=1500ms", vec![failed.clone()]),
        ("&query.searchDepth=1", vec![failed.clone()]),
        ("&query.num_traces=1", vec![failed.clone()]),
        (
            "&query.attributes=%7B%22http.response.status_code%22%3A%22500%22%7D",
            vec![failed.clone()],
        ),
        (
            "&query.attributes=%7B%22error%22%3A%22true%22%7D",
            vec![failed.clone()],
        ),
    ] {
        assert_eq!(
            found(&format!("{ALL_TIMES}{more}")).await,
            expected,
            "{more}"
        );
    }
    let before =
        "query.start_time_min=1970-01-01T00:00:00Z&query.start_time_max=1970-01-01T00:00:15Z";
    assert_eq!(found(before).await, [slow]);
}

#[tokio::test]
async fn search_with_bad_times_names_parameter() {
    for (query, named) in [
        ("", "query.start_time_min"),
        (
            "query.startTimeMin=1970-01-01T00:00:00Z",
            "query.start_time_max",
        ),
        ("query.startTimeMin=yesterday", "query.start_time_min"),
        (
            &format!("{ALL_TIMES}&query.durationMin=long") as &str,
            "query.duration_min",
        ),
        (
            &format!("{ALL_TIMES}&query.searchDepth=some"),
            "query.search_depth",
        ),
        (
            &format!("{ALL_TIMES}&query.attributes=x"),
            "query.attributes",
        ),
    ] {
        let (status, body) = get(&two(), &format!("/api/v3/traces?{query}")).await;
        assert_eq!(status, 400, "{query}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{query}: {message}");
    }
}

#[tokio::test]
async fn operations_are_names_and_kinds_of_a_service() {
    let (_, body) = get(&two(), "/api/v3/operations?service=checkout").await;
    assert_eq!(
        body,
        json!({ "operations": [
            { "name": "GET /item", "spanKind": "server" },
            { "name": "POST /checkout", "spanKind": "server" },
        ] })
    );
    let (_, body) = get(
        &two(),
        "/api/v3/operations?service=checkout&span_kind=client",
    )
    .await;
    assert_eq!(body, json!({ "operations": [] }));
    let (status, _) = get(&two(), "/api/v3/operations").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn unknown_api_paths_are_404_in_json() {
    let store = Store::new(Limits::default());
    for path in [
        "/api",
        "/api/traces",
        "/api/v3/nothing",
        "/api/v3/traces/a/b",
    ] {
        // Uses the router that also serves the pages, since its fallback for unknown paths is an HTML page.
        let (status, body) =
            crate::testing::get(pages::router(store.clone(), BackLink::default()), path).await;
        assert_eq!(status, 404, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["httpCode"], 404, "{path}");
    }
}
