//! OTLP over gRPC: `opentelemetry.proto.collector.trace.v1.TraceService/Export`, with requests that are encoded already.

use std::{error::Error as _, time::Duration};

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    client::Grpc as Client,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use super::{Outcome, Response, said};
use crate::{
    error::causes,
    telemetry::{InitError, settings::Otlp},
};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

pub(in crate::telemetry::otlp) struct Grpc {
    channel: Channel,
    metadata: MetadataMap,
    timeout: Duration,
    gzip: bool,
}

impl Grpc {
    pub(super) fn new(settings: &Otlp) -> Result<Self, InitError> {
        let endpoint = Endpoint::from_shared(settings.endpoint.to_string())
            .and_then(|endpoint| {
                endpoint.user_agent(concat!(
                    "OTel-OTLP-Exporter-Rust/",
                    env!("CARGO_PKG_VERSION")
                ))
            })
            .map_err(InitError::Channel)?
            .connect_timeout(super::CONNECT_TIMEOUT);
        #[cfg(feature = "tls")]
        let endpoint = if settings.endpoint.scheme() == "https" {
            endpoint
                .tls_config(super::tls(settings))
                .map_err(InitError::Channel)?
        } else {
            endpoint
        };
        Ok(Self {
            channel: endpoint.connect_lazy(),
            metadata: MetadataMap::from_headers(settings.header_map()),
            timeout: settings.timeout,
            gzip: settings.gzip,
        })
    }

    pub(super) async fn send(&self, request: Bytes) -> Outcome {
        match tokio::time::timeout(self.timeout, self.call(request)).await {
            Ok(Ok(response)) => response.into(),
            Ok(Err(status)) => outcome(&status),
            Err(_) => Outcome::silent(self.timeout),
        }
    }

    async fn call(&self, request: Bytes) -> Result<Response, Status> {
        let mut client = Client::new(self.channel.clone());
        if self.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        // Without it the channel's buffer says only that it is gone.
        client.ready().await.map_err(|error| unreachable(&error))?;
        let mut request = Request::new(request);
        *request.metadata_mut() = self.metadata.clone();
        let path = PathAndQuery::from_static(EXPORT);
        let response = client.unary(request, path, Encoded).await?;
        Ok(response.into_inner())
    }
}

fn unreachable(error: &tonic::transport::Error) -> Status {
    let cause = causes(error).last().map(ToString::to_string);
    Status::unavailable(cause.unwrap_or_default())
}

/// [The specification's list](https://opentelemetry.io/docs/specs/otlp/#failures) of codes to try again after.
fn outcome(status: &Status) -> Outcome {
    let after = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    // It was made here, of a connection that broke, whatever its code: nobody has refused anything.
    if status.source().is_some() {
        return Outcome::later(answered(status));
    }
    match status.code() {
        Code::ResourceExhausted | Code::OutOfRange if is_about_size(status.message()) => {
            Outcome::TooLarge {
                reason: answered(status),
                retryable: false,
            }
        }
        Code::OutOfRange => Outcome::TooLarge {
            reason: answered(status),
            retryable: true,
        },
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss => Outcome::Later {
            reason: answered(status),
            after,
            silent: false,
        },
        Code::ResourceExhausted if after.is_some() => Outcome::Later {
            reason: answered(status),
            after,
            silent: false,
        },
        _ => Outcome::Refused(answered(status)),
    }
}

/// Whether a status was returned because of the size of the message. Servers have no code of their own for that: grpc-go,
/// grpc-java and gRPC C++ return `RESOURCE_EXHAUSTED`, tonic returns `OUT_OF_RANGE`.
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

/// Of a connection that failed the status is made here, and its cause says why.
fn answered(status: &Status) -> String {
    match causes(status).skip(1).last() {
        Some(cause) => cause.to_string(),
        None if status.message().is_empty() => format!("it answered {:?}", status.code()),
        None => format!(
            "it answered {:?}: {}",
            status.code(),
            said(status.message())
        ),
    }
}

/// A request as it is, and the part of the answer that matters.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Response;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Response;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Response>, Status> {
        let body = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(Response::decode(body).unwrap_or_default()))
    }
}
