//! [`Attempt`]: the one place where a client span ends, whatever became of the attempt.

use std::time::Instant;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _},
};
use reqwest::Response;

use crate::{
    headers::Recorded,
    metrics::{Instruments, low_cardinality},
    propagation::remember_origin,
    semconv,
    tracer::Tracer,
};

/// Ends its span when dropped: with an answer, with a failure, or with neither where the caller has dropped the request.
pub(super) struct Attempt<'a> {
    cx: Context,
    started: Instant,
    instruments: Option<&'a Instruments>,
    measured: Vec<KeyValue>,
}

impl<'a> Attempt<'a> {
    /// Starts the span, as a child of the current one.
    pub(super) fn start(
        name: String,
        attributes: Vec<KeyValue>,
        tracer: &Tracer,
        instruments: Option<&'a Instruments>,
    ) -> Self {
        let measured = instruments
            .map(|_| low_cardinality(&attributes, &DURATION))
            .unwrap_or_default();
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let parent = remember_origin(Context::current());
        Self {
            cx: parent.with_span(tracer.start(span, &parent)),
            started: Instant::now(),
            instruments,
            measured,
        }
    }

    /// The context that the attempt is made in, and that its server continues.
    pub(super) fn context(&self) -> Context {
        self.cx.clone()
    }

    /// The response's head is there.
    pub(super) fn answered(self, response: &Response, recorded: &Recorded) {
        let status = response.status();
        let mut attributes = vec![KeyValue::new(
            semconv::HTTP_RESPONSE_STATUS_CODE,
            i64::from(status.as_u16()),
        )];
        if let Some(version) = semconv::protocol_version(response.version()) {
            attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(peer) = response.remote_addr() {
            let (address, port) = (peer.ip().to_string(), i64::from(peer.port()));
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_ADDRESS, address));
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_PORT, port));
        }
        if status.is_client_error() || status.is_server_error() {
            let code = status.as_str().to_owned();
            attributes.push(KeyValue::new(semconv::ERROR_TYPE, code));
        }
        attributes.extend(recorded.attributes(semconv::HTTP_RESPONSE_HEADER, response.headers()));
        self.finish(attributes, semconv::client_status(status));
    }

    /// There will be no response.
    pub(super) fn failed(self, error_type: &'static str) {
        let attributes = vec![KeyValue::new(semconv::ERROR_TYPE, error_type)];
        self.finish(attributes, Status::error(""));
    }

    fn finish(mut self, attributes: Vec<KeyValue>, status: Status) {
        if self.instruments.is_some() {
            self.measured
                .extend(low_cardinality(&attributes, &DURATION));
        }
        let span = self.cx.span();
        span.set_attributes(attributes);
        span.set_status(status);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(instruments) = self.instruments {
            let duration = self.started.elapsed().as_secs_f64();
            instruments.client_duration.record(duration, &self.measured);
        }
        self.cx.span().end();
    }
}

/// Of a client span's attributes, those of `http.client.request.duration`.
const DURATION: [&str; 6] = [
    semconv::HTTP_REQUEST_METHOD,
    semconv::SERVER_ADDRESS,
    semconv::SERVER_PORT,
    semconv::HTTP_RESPONSE_STATUS_CODE,
    semconv::ERROR_TYPE,
    semconv::NETWORK_PROTOCOL_VERSION,
];
