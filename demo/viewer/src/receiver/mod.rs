//! The OTLP/HTTP receiver: `POST /v1/traces` in protobuf or JSON, plain or gzip.
//!
//! Accepted spans go to the [`Store`]. Metrics and logs are answered with 404, since accepting and dropping them would mislead the
//! exporter.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::otlp_json;
use crate::store::{Inserted, Store};

mod gzip;

/// Maximum size of a request body in bytes, both as sent and after decompression.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

#[derive(Clone)]
struct Receiver {
    store: Store,
    /// Allows only one body to be decoded at a time, since tiny messages take many times their encoded size in memory.
    decoding: Arc<Semaphore>,
}

/// Returns the routes of the OTLP port.
pub fn router(store: Store) -> Router {
    let receiver = Receiver {
        store,
        decoding: Arc::new(Semaphore::new(1)),
    };
    Router::new()
        .route("/v1/traces", post(export))
        .fallback(no_such_signal)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(receiver)
}

async fn export(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(encoding) = Encoding::of(&headers) else {
        let text = "the content-type must be application/x-protobuf or application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return encoding.refuse(rejection.status(), rejection.body_text()),
    };
    let turn = Arc::clone(&receiver.decoding).acquire_owned().await;
    // Decoding a large body takes time, so it runs on a blocking thread instead of the threads that answer pages.
    #[expect(
        clippy::disallowed_methods,
        reason = "requests that carry spans are not traced"
    )]
    let stored = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let body = decompressed(&headers, body)?;
        let request = encoding.decode(&body);
        let request = request.map_err(|error| (StatusCode::BAD_REQUEST, error))?;
        Ok(receiver.store.insert(request.resource_spans))
    });
    match stored.await.expect("reading a body does not panic") {
        Ok(inserted) => encoding.accept(inserted),
        Err((status, message)) => encoding.refuse(status, message),
    }
}

async fn no_such_signal() -> (StatusCode, &'static str) {
    let text = "only traces are received here, with POST /v1/traces\n";
    (StatusCode::NOT_FOUND, text)
}

/// Decompresses the body according to its `Content-Encoding` header.
fn decompressed(headers: &HeaderMap, body: Bytes) -> Result<Bytes, (StatusCode, String)> {
    let coding = headers.get(CONTENT_ENCODING);
    let coding = coding.map_or("", |coding| coding.to_str().unwrap_or("unreadable"));
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => gzip::decompress(&body, BODY_LIMIT).map_err(|error| match error {
            gzip::Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            gzip::Error::Invalid(_) => (StatusCode::BAD_REQUEST, error.to_string()),
        }),
        other => {
            let message = format!("the content-encoding must be gzip or none, and is {other}");
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// The encoding of an OTLP/HTTP request. The response uses the encoding of the request.
#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, which the specification requires in the body of every error.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The error code `google.rpc.Code.INVALID_ARGUMENT`.
const INVALID_ARGUMENT: i32 = 3;

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let media_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = media_type.split(';').next()?.trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn decode(self, body: &[u8]) -> Result<ExportTraceServiceRequest, String> {
        match self {
            Self::Protobuf => {
                ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string())
            }
            Self::Json => otlp_json::read(body).map_err(|error| error.to_string()),
        }
    }

    fn accept(self, inserted: Inserted) -> Response {
        let partial_success = partial_success(inserted);
        let body = match (self, &partial_success) {
            (Self::Protobuf, _) => ExportTraceServiceResponse { partial_success }.encode_to_vec(),
            // The specification requires `partialSuccess` to be absent, not `null`.
            (Self::Json, None) => b"{}".to_vec(),
            (Self::Json, Some(partial)) => {
                // 64-bit numbers are strings in protobuf JSON.
                let partial = json!({
                    "rejectedSpans": partial.rejected_spans.to_string(),
                    "errorMessage": partial.error_message,
                });
                json!({ "partialSuccess": partial }).to_string().into()
            }
        };
        self.answer(StatusCode::OK, body)
    }

    fn refuse(self, status: StatusCode, message: String) -> Response {
        let code = INVALID_ARGUMENT;
        let body = match self {
            Self::Protobuf => Status { code, message }.encode_to_vec(),
            Self::Json => json!({ "code": code, "message": message })
                .to_string()
                .into(),
        };
        self.answer(status, body)
    }

    fn answer(self, status: StatusCode, body: Vec<u8>) -> Response {
        let media_type = match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        };
        (status, [(CONTENT_TYPE, media_type)], body).into_response()
    }
}

fn partial_success(inserted: Inserted) -> Option<ExportTracePartialSuccess> {
    let rejected = inserted.invalid + inserted.over_limit;
    (rejected > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: format!(
            "{} with an invalid trace id or span id, {} of a trace that is full",
            inserted.invalid, inserted.over_limit
        ),
    })
}

#[cfg(test)]
mod tests;
