use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;

use super::*;
use crate::attributes;
use crate::store::Limits;
use crate::testing::{TRACE_ID, client, serve, span, trace_id};

async fn receiver() -> (Store, String) {
    let store = Store::new(Limits {
        spans_per_trace: 3,
        ..Limits::default()
    });
    let url = serve(router(store.clone())).await;
    (store, url)
}

async fn post(url: &str, content_type: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    client()
        .post(format!("{url}/v1/traces"))
        .header("content-type", content_type)
        .body(body)
        .send()
        .await
        .unwrap()
}

fn request(spans: impl IntoIterator<Item = ResourceSpans>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: spans.into_iter().collect(),
    }
}

fn content_type(response: &reqwest::Response) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn protobuf_is_stored_and_answered_in_protobuf() {
    let (store, url) = receiver().await;
    let request = request([span("checkout", 1, None, "root", 0..1).batch()]);
    let response = post(&url, "application/x-protobuf", request.encode_to_vec()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(content_type(&response), "application/x-protobuf");
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer.partial_success, None);
    assert_eq!(store.trace(trace_id()).unwrap().spans.len(), 1);
}

#[tokio::test]
async fn specification_json_example_is_accepted() {
    let (store, url) = receiver().await;
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"EEE19B7EC3C1B174","name":"hello",
        "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","kind":2}}]}}]}}]}}"#,
        TRACE_ID.to_uppercase()
    );
    let response = post(&url, "application/json; charset=utf-8", body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(content_type(&response), "application/json");
    assert_eq!(response.text().await.unwrap(), "{}");
    let trace = store.trace(trace_id()).unwrap();
    assert_eq!(trace.spans[0].span.name, "hello");
    assert_eq!(trace.spans[0].source.service, "web");
}

#[tokio::test]
async fn refused_spans_are_a_partial_success() {
    let (store, url) = receiver().await;
    let spans = (0..=4).map(|id| span("checkout", id, None, "span", 0..1).batch());
    let body = request(spans).encode_to_vec();
    let response = post(&url, "application/x-protobuf", body).await;
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    // The span with id 0 is invalid, and three of the other four spans fill the trace.
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2, "{}", partial.error_message);
    assert_eq!(store.trace(trace_id()).unwrap().spans.len(), 3);
}

#[tokio::test]
async fn undecodable_protobuf_is_400_with_protobuf_status() {
    let (_, url) = receiver().await;
    let response = post(&url, "application/x-protobuf", "not protobuf").await;
    assert_eq!(response.status(), 400);
    assert_eq!(content_type(&response), "application/x-protobuf");
    let status = Status::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(status.code, INVALID_ARGUMENT);
    assert!(!status.message.is_empty());
}

#[tokio::test]
async fn undecodable_json_is_400_with_json_status() {
    let (_, url) = receiver().await;
    let response = post(&url, "application/json", "{").await;
    assert_eq!(response.status(), 400);
    let status: serde_json::Value = response.json().await.unwrap();
    assert_eq!(status["code"], INVALID_ARGUMENT);
    assert!(status["message"].as_str().unwrap().contains("EOF"));
}

#[tokio::test]
async fn other_media_types_are_415() {
    let (_, url) = receiver().await;
    assert_eq!(post(&url, "text/plain", "hello").await.status(), 415);
    let bare = client().post(format!("{url}/v1/traces"));
    assert_eq!(bare.send().await.unwrap().status(), 415);
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn post_encoded(url: &str, coding: &str, body: Vec<u8>) -> reqwest::Response {
    let request = client()
        .post(format!("{url}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", coding);
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn gzip_is_stored_like_what_it_holds() {
    let (store, url) = receiver().await;
    let request = request([span("checkout", 1, None, "root", 0..1).batch()]);
    let response = post_encoded(&url, "gzip", gzipped(&request.encode_to_vec())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(store.trace(trace_id()).unwrap().spans.len(), 1);
}

#[tokio::test]
async fn gzip_that_grows_over_the_limit_is_413() {
    let (_, url) = receiver().await;
    let bomb = gzipped(&vec![0; BODY_LIMIT + 1]);
    assert!(bomb.len() < BODY_LIMIT / 100);
    let response = post_encoded(&url, "gzip", bomb).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn invalid_gzip_body_is_400() {
    let (_, url) = receiver().await;
    let response = post_encoded(&url, "gzip", b"plain".to_vec()).await;
    assert_eq!(response.status(), 400);
    let cut = gzipped(b"some bytes");
    let response = post_encoded(&url, "gzip", cut[..cut.len() - 4].to_vec()).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn other_content_codings_are_415_and_named() {
    let (_, url) = receiver().await;
    let response = post_encoded(&url, "br", Vec::new()).await;
    assert_eq!(response.status(), 415);
    let status = Status::decode(response.bytes().await.unwrap()).unwrap();
    assert!(status.message.contains("br"), "{}", status.message);
}

#[tokio::test]
async fn json_with_numbers_that_are_none_is_taken() {
    let (store, url) = receiver().await;
    let attributes = [r#""NaN""#, r#""-Infinity""#, r#""1.5""#, "2.5", "3"]
        .map(|value| format!(r#"{{"key":"ratio","value":{{"doubleValue":{value}}}}}"#));
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{TRACE_ID}","spanId":"eee19b7ec3c1b174",
        "name":"divide","attributes":[{}]}}]}}]}}]}}"#,
        attributes.join(",")
    );
    let response = post(&url, "application/json", body).await;
    assert_eq!(response.status(), 200);
    let trace = store.trace(trace_id()).unwrap();
    let values = trace.spans[0].span.attributes.iter();
    let values: Vec<_> = values.map(|a| attributes::text(a.value.as_ref())).collect();
    assert_eq!(values, ["NaN", "-Infinity", "1.5", "2.5", "3"]);
}

#[tokio::test]
async fn metrics_and_logs_are_not_accepted() {
    let (_, url) = receiver().await;
    for signal in ["metrics", "logs"] {
        let response = client().post(format!("{url}/v1/{signal}")).body("");
        assert_eq!(response.send().await.unwrap().status(), 404, "{signal}");
    }
}

#[tokio::test]
async fn body_over_the_limit_is_413() {
    let (_, url) = receiver().await;
    // The body is one byte longer than allowed, so the receiver has read all of it when it responds. If the receiver
    // closed the connection with unread data, the response could be lost.
    let body = vec![b' '; BODY_LIMIT + 1];
    let response = post(&url, "application/json", body).await;
    assert_eq!(response.status(), 413);
}
