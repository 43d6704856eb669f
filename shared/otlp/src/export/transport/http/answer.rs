//! [`Answer`]: the response to an HTTP request, from a collector or from a proxy in front of it. Derives the outcome
//! from the status.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use prost::Message as _;
use serde::Deserialize;

use super::super::{Outcome, PartialSuccess, Response, said};

/// A response of the collector, or of a proxy in front of it.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// `google.rpc.Status`, the body of an error response.
#[derive(Clone, PartialEq, prost::Message)]
struct Refusal {
    #[prost(string, tag = "2")]
    message: String,
}

impl Answer {
    /// Derives the outcome from the HTTP status by the [specification's
    /// list](https://opentelemetry.io/docs/specs/otlp/#failures-1) of retryable statuses.
    pub(super) fn outcome(&self) -> Outcome {
        match self.status {
            status if status.is_success() && self.is_web_page() => Outcome::later(format!(
                "it answered {status} with a web page instead of an OTLP response: check the endpoint (OTEL_EXPORTER_OTLP_ENDPOINT), and \
                 whether a proxy asks for a login"
            )),
            status if status.is_success() => self.response().into(),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Outcome::Later {
                reason: self.reason(),
                after: self.retry_after,
                silent: false,
                unsent: false,
            },
            StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge {
                reason: self.reason(),
                retryable: false,
            },
            _ => Outcome::Refused(self.reason()),
        }
    }

    /// Returns whether the body is HTML. With a 2xx status, any other body is accepted: some collectors respond with
    /// JSON, plain text or nothing.
    pub(super) fn is_web_page(&self) -> bool {
        self.content_type.contains("html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    fn response(&self) -> Response {
        if self.content_type.contains("json") {
            json_response(&self.body)
        } else {
            Response::decode(self.body.as_slice()).unwrap_or_default()
        }
    }

    fn reason(&self) -> String {
        let message = Refusal::decode(self.body.as_slice())
            .unwrap_or_default()
            .message;
        if message.is_empty() {
            format!("it answered {}", self.status)
        } else {
            format!("it answered {}: {}", self.status, said(&message))
        }
    }
}

/// Decodes a JSON response, in which a 64-bit number may be a string.
fn json_response(body: &[u8]) -> Response {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Body {
        partial_success: Partial,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Partial {
        rejected_spans: serde_json::Value,
        error_message: String,
    }
    let partial = serde_json::from_slice::<Body>(body)
        .unwrap_or_default()
        .partial_success;
    let rejected = partial.rejected_spans;
    let rejected = rejected
        .as_i64()
        .or_else(|| rejected.as_str()?.parse().ok());
    Response {
        partial_success: Some(PartialSuccess {
            rejected_spans: rejected.unwrap_or(0),
            error_message: partial.error_message,
        }),
    }
}

/// Returns the delay of a `Retry-After` header, which contains seconds or a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
