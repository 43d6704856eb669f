//! OTLP over HTTP with protobuf bodies.

use std::{
    error::Error as StdError,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use prost::Message as _;
use url::Url;

use super::{Outcome, Response, said};
use crate::{
    error::causes,
    telemetry::{InitError, settings::Otlp},
};

/// No answer of a collector is longer.
const ANSWER_BYTES: usize = 64 * 1024;

pub(in crate::telemetry::otlp) struct Http {
    client: reqwest::Client,
    endpoint: Url,
    timeout: Duration,
    pub(super) gzip: bool,
}

/// `google.rpc.Status`, the body of a refusal.
#[derive(Clone, PartialEq, prost::Message)]
struct Refusal {
    #[prost(string, tag = "2")]
    message: String,
}

impl Http {
    pub(super) fn new(settings: &Otlp) -> Result<Self, InitError> {
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        let client = reqwest::Client::builder()
            .default_headers(headers(settings))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(settings.timeout)
            .connect_timeout(super::CONNECT_TIMEOUT)
            .user_agent(concat!(
                "OTel-OTLP-Exporter-Rust/",
                env!("CARGO_PKG_VERSION")
            ));
        #[cfg(feature = "tls")]
        let client = match super::certificates(settings)? {
            Some(certificates) => client.tls_certs_only(certificates),
            None => client,
        };
        Ok(Self {
            client: client.build().map_err(InitError::Client)?,
            endpoint: settings.endpoint.clone(),
            timeout: settings.timeout,
            gzip: settings.gzip,
        })
    }

    pub(super) async fn send(&self, request: Bytes) -> Outcome {
        match self.exchange(request).await {
            Ok(outcome) => outcome,
            // Nobody was there to hear anything, however long that took to find out.
            Err(error) if error.is_connect() => Outcome::later(root_cause(&error)),
            Err(error) if error.is_timeout() => Outcome::silent(self.timeout),
            Err(error) => Outcome::later(root_cause(&error)),
        }
    }

    async fn exchange(&self, request: Bytes) -> reqwest::Result<Outcome> {
        let mut request = self.client.post(self.endpoint.clone()).body(request);
        if self.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let mut response = request.send().await?;
        let status = response.status();
        let after = retry_after(response.headers());
        let mut body = Vec::new();
        // The status says what became of the spans, whatever becomes of the rest of the answer.
        while let Ok(Some(chunk)) = response.chunk().await {
            if body.len() + chunk.len() > ANSWER_BYTES {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(outcome(status, after, &body))
    }
}

fn headers(settings: &Otlp) -> HeaderMap {
    let mut headers = settings.header_map();
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    headers.insert(CONTENT_TYPE, protobuf);
    headers
}

/// [The specification's list](https://opentelemetry.io/docs/specs/otlp/#failures-1) of answers to try again after.
fn outcome(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Outcome {
    match status {
        status if status.is_success() => Response::decode(body).unwrap_or_default().into(),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::Later {
            reason: answered(status, body),
            after,
            silent: false,
        },
        StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge {
            reason: answered(status, body),
            retryable: false,
        },
        status => Outcome::Refused(answered(status, body)),
    }
}

fn answered(status: StatusCode, body: &[u8]) -> String {
    let message = Refusal::decode(body).unwrap_or_default().message;
    if message.is_empty() {
        format!("it answered {status}")
    } else {
        format!("it answered {status}: {}", said(&message))
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// "Connection refused" and not "error sending request": the system's own words.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let cause = causes(error).last().map(ToString::to_string);
    cause.unwrap_or_default()
}
