//! [`Answer`]: the response to a gRPC call, from a collector or from a proxy in front of it. Derives the outcome from
//! the status.

use std::{io::Read as _, time::Duration};

use bytes::BytesMut;
use flate2::read::GzDecoder;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use percent_encoding::percent_decode;
use prost::Message as _;
use tonic::{Code, Status, metadata::MetadataMap};
use tonic_types::StatusExt as _;

use super::super::{Outcome, RESPONSE_BYTES, Response, hint, said};

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) body: BytesMut,
}

impl Answer {
    /// Returns whether the backend is unavailable or did not return a gRPC status. Another backend of a load balancer
    /// may respond differently.
    pub(super) fn is_unavailable(&self) -> bool {
        match self.grpc_status() {
            Some(status) => status.code() == Code::Unavailable,
            None => true,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self.grpc_status() {
            Some(status) if status.code() == Code::Ok => self.response().into(),
            Some(status) => outcome(&status),
            None => self.outcome_without_status(),
        }
    }

    /// Returns the gRPC status from the trailers, or from the headers if the response has no message.
    fn grpc_status(&self) -> Option<Status> {
        let fields = [&self.trailers, &self.headers]
            .into_iter()
            .find(|fields| fields.contains_key("grpc-status"))?;
        let code = fields["grpc-status"].to_str().ok()?.parse();
        let message = fields.get("grpc-message").map(|message| {
            let message = percent_decode(message.as_bytes()).decode_utf8_lossy();
            message.into_owned()
        });
        let metadata = MetadataMap::from_headers(fields.clone());
        let details = metadata.get_bin("grpc-status-details-bin");
        let details = details.and_then(|details| details.to_bytes().ok());
        Some(Status::with_details(
            code.map_or(Code::Unknown, Code::from_i32),
            message.unwrap_or_default(),
            details.unwrap_or_default(),
        ))
    }

    /// Returns the outcome of a response without a gRPC status by its [HTTP
    /// status](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). Such a response ended early,
    /// or came from a server that does not support gRPC.
    fn outcome_without_status(&self) -> Outcome {
        let content_type = self.headers.get(CONTENT_TYPE);
        let is_grpc = content_type
            .is_some_and(|content_type| content_type.as_bytes().starts_with(b"application/grpc"));
        let reason = if is_grpc {
            "its response ended without a status".to_owned()
        } else {
            format!("it answered {} without gRPC: {}", self.status, hint::GRPC)
        };
        match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge {
                reason,
                retryable: false,
            },
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Outcome::later(reason),
            status if status.is_success() => Outcome::later(reason),
            _ => Outcome::Refused(reason),
        }
    }

    /// Decodes the message of a successful response. A message that cannot be decoded counts as empty, since the
    /// collector has accepted the spans.
    fn response(&self) -> Response {
        let Some((prefix, message)) = self.body.split_at_checked(5) else {
            return Response::default();
        };
        let is_compressed = prefix[0] == 1;
        let mut plain = Vec::new();
        let message = if is_compressed {
            let limit = RESPONSE_BYTES as u64;
            let _ = GzDecoder::new(message).take(limit).read_to_end(&mut plain);
            plain.as_slice()
        } else {
            message
        };
        Response::decode(message).unwrap_or_default()
    }
}

/// Derives the outcome from a gRPC status by the [specification's
/// list](https://opentelemetry.io/docs/specs/otlp/#failures) of retryable codes.
fn outcome(status: &Status) -> Outcome {
    let reason = reason(status);
    let later = |after: Option<Duration>| Outcome::Later {
        reason: reason.clone(),
        after,
        silent: false,
        unsent: false,
    };
    let after = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    match status.code() {
        Code::ResourceExhausted | Code::OutOfRange if is_about_size(status.message()) => {
            Outcome::TooLarge {
                reason,
                retryable: false,
            }
        }
        Code::OutOfRange => Outcome::TooLarge {
            reason,
            retryable: true,
        },
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss => later(after),
        Code::ResourceExhausted if after.is_some() => later(after),
        _ => Outcome::Refused(reason),
    }
}

/// Returns whether the message of a gRPC status reports that the request was too large. gRPC has no separate status
/// code for this: grpc-go, grpc-java and gRPC C++ return `RESOURCE_EXHAUSTED`, tonic returns `OUT_OF_RANGE`.
fn is_about_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "larger than max",
        "too large",
        "exceeds maximum size",
        "exceeds the maximum",
        "exceeds limit",
    ]
    .iter()
    .any(|phrase| message.contains(phrase))
}

fn reason(status: &Status) -> String {
    let (code, message) = (status.code(), status.message());
    if message.is_empty() {
        format!("it answered {code:?}")
    } else {
        format!("it answered {code:?}: {}", said(message))
    }
}
