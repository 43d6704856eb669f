//! [`Attempt`]: one attempt of a request. The only type that ends client spans.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use http::{HeaderMap, StatusCode, Version};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _},
};

use super::TraceMiddleware;
use crate::{
    internal::{
        decision::Decision,
        headers::Recorded,
        metrics::{self, Histogram, Meter, Metrics, low_cardinality},
        semconv,
    },
    propagation::{self, remember_origin},
};

/// Ends the span of an attempt when dropped: with a response, with a failure, or with neither if the caller dropped the
/// request.
pub(super) struct Attempt {
    /// The context with the attempt's span, or with the caller's span if the attempt has none.
    cx: Context,
    decision: Decision,
    /// Whether the span or metrics record attributes.
    is_described: bool,
    started: Instant,
    metrics: Metrics<Instruments>,
    measured: Vec<KeyValue>,
    response_headers: Recorded,
    sends_baggage: bool,
    /// The protocol version of the request, if known.
    version: Option<Version>,
    pub(super) alive: Arc<()>,
}

/// The head of a response from any client.
pub(super) struct Head<'a> {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: &'a HeaderMap,
    /// The address of the server, if the client exposes it.
    pub(super) peer: Option<SocketAddr>,
}

impl Attempt {
    /// Starts the attempt's span as a child of the current span. `describe` returns the span's name and attributes, and
    /// is called only if the span or metrics record them.
    pub(super) fn start(
        settings: &TraceMiddleware,
        sends_baggage: bool,
        version: Option<Version>,
        describe: impl FnOnce() -> (String, Vec<KeyValue>),
    ) -> Self {
        let metrics = settings.metrics.clone();
        let parent = remember_origin(Context::current());
        let decision = settings.tracer.decision(&parent);
        let mut span = SpanBuilder::from_name("").with_kind(SpanKind::Client);
        let mut measured = Vec::new();
        let is_described = decision == Decision::Record || metrics.instruments().is_some();
        if is_described {
            let (name, attributes) = describe();
            if metrics.instruments().is_some() {
                measured = low_cardinality(&attributes, &DURATION_ATTRIBUTES);
            }
            span = span.with_attributes(attributes);
            span.name = name.into();
        }
        Self {
            cx: settings.tracer.start_in(&parent, span, decision),
            decision,
            is_described,
            started: Instant::now(),
            metrics,
            measured,
            response_headers: settings.response_headers.clone(),
            sends_baggage,
            version,
            alive: Arc::default(),
        }
    }

    /// Returns the context of the attempt. The server's span becomes a child of the span in this context.
    pub(super) fn context(&self) -> Context {
        self.cx.clone()
    }

    /// Writes the attempt's context into the request's headers. Removes the `baggage` header if the host must not
    /// receive it, even if the header was copied into the request and no propagator replaces it, for example while
    /// tracing is off.
    pub(super) fn inject(&self, headers: &mut HeaderMap) {
        if !self.sends_baggage {
            headers.remove(propagation::BAGGAGE);
        }
        if self.sends_baggage || self.cx.baggage().is_empty() {
            propagation::inject_headers(&self.cx, headers);
        } else {
            propagation::inject_headers(&self.cx.with_cleared_baggage(), headers);
        }
    }

    /// Records the head of the response on the span and ends the span.
    pub(super) fn answered(self, head: &Head<'_>) {
        if !self.is_described {
            return;
        }
        let status = head.status;
        let mut attributes = Vec::with_capacity(6);
        let code = i64::from(status.as_u16());
        attributes.push(KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, code));
        if let Some(version) = semconv::protocol_version(head.version) {
            attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(peer) = head.peer {
            let (address, port) = (semconv::address(peer.ip()), i64::from(peer.port()));
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_ADDRESS, address));
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_PORT, port));
        }
        if status.is_client_error() || status.is_server_error() {
            let code = status.as_str().to_owned();
            attributes.push(KeyValue::new(semconv::ERROR_TYPE, code));
        }
        let recorded = &self.response_headers;
        attributes.extend(recorded.attributes(semconv::HTTP_RESPONSE_HEADER, head.headers));
        self.finish(attributes, semconv::client_status(status));
    }

    /// Records a failure without a response on the span and ends the span.
    pub(super) fn failed(self, error_type: &'static str) {
        let mut attributes = vec![KeyValue::new(semconv::ERROR_TYPE, error_type)];
        let version = self.version.and_then(semconv::protocol_version);
        attributes.extend(
            version.map(|version| KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version)),
        );
        self.finish(attributes, Status::error(""));
    }

    fn finish(mut self, attributes: Vec<KeyValue>, status: Status) {
        if self.metrics.instruments().is_some() {
            self.measured
                .extend(low_cardinality(&attributes, &DURATION_ATTRIBUTES));
        }
        if self.decision == Decision::Record {
            let span = self.cx.span();
            span.set_attributes(attributes);
            span.set_status(status);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(instruments) = self.metrics.instruments() {
            let duration = self.started.elapsed().as_secs_f64();
            instruments.duration.record(duration, &self.measured);
        }
        if matches!(self.decision, Decision::Record | Decision::Drop) {
            self.cx.span().end();
        }
    }
}

/// The metric instruments of client requests.
#[derive(Debug)]
pub(super) struct Instruments {
    duration: Histogram,
}

impl metrics::Instruments for Instruments {
    fn new(meter: &Meter) -> Self {
        Self {
            duration: meter.seconds(
                "http.client.request.duration",
                "Duration of HTTP client requests.",
            ),
        }
    }
}

/// Keys of the attributes that the metric `http.client.request.duration` records.
const DURATION_ATTRIBUTES: [&str; 6] = [
    semconv::HTTP_REQUEST_METHOD,
    semconv::SERVER_ADDRESS,
    semconv::SERVER_PORT,
    semconv::HTTP_RESPONSE_STATUS_CODE,
    semconv::ERROR_TYPE,
    semconv::NETWORK_PROTOCOL_VERSION,
];
