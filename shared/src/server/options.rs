//! [`Options`]: the settings of a [`TraceLayer`](super::TraceLayer).

use std::{borrow::Cow, sync::Arc};

use http::{request, response};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
};

use super::{access::AccessLog, forwarded::Trusted, metrics::Instruments};
use crate::{
    internal::{headers::Recorded, metrics::Metrics, semconv::KnownMethods, tracer::Tracer},
    propagation,
    redact::Redaction,
};

pub(super) type Predicate = dyn Fn(&request::Parts) -> bool + Send + Sync;
pub(super) type SpanName = dyn Fn(&request::Parts) -> Cow<'static, str> + Send + Sync;
pub(super) type AtStart = dyn Fn(&request::Parts) -> Vec<KeyValue> + Send + Sync;
pub(super) type AtEnd = dyn Fn(&response::Parts) -> Vec<KeyValue> + Send + Sync;

#[derive(Clone)]
pub(super) struct Options {
    pub(super) tracer: Tracer,
    pub(super) metrics: Metrics<Instruments>,
    pub(super) known_methods: KnownMethods,
    pub(super) redaction: Redaction,
    pub(super) request_headers: Recorded,
    pub(super) response_headers: Recorded,
    pub(super) trusted: Trusted,
    pub(super) body_sizes: bool,
    pub(super) traceresponse: bool,
    pub(super) server_timing: bool,
    pub(super) access_log: AccessLog,
    pub(super) propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
    pub(super) filter: Option<Arc<Predicate>>,
    pub(super) public_endpoint: Option<Arc<Predicate>>,
    pub(super) span_name: Option<Arc<SpanName>>,
    pub(super) at_start: Option<Arc<AtStart>>,
    pub(super) at_end: Option<Arc<AtEnd>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tracer: Tracer::default(),
            metrics: Metrics::default(),
            known_methods: KnownMethods::default(),
            redaction: Redaction::default(),
            request_headers: Recorded::default(),
            response_headers: Recorded::default(),
            trusted: Trusted::default(),
            body_sizes: false,
            traceresponse: true,
            server_timing: false,
            access_log: AccessLog::default(),
            propagator: None,
            filter: None,
            public_endpoint: None,
            span_name: None,
            at_start: None,
            at_end: None,
        }
    }
}

impl Options {
    pub(super) fn extract(&self, carrier: &dyn Extractor) -> Context {
        match &self.propagator {
            Some(propagator) => propagation::extract_with(propagator.as_ref(), carrier),
            None => propagation::extract(carrier),
        }
    }

    pub(super) fn is_traced(&self, request: &request::Parts) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(request))
    }

    pub(super) fn is_public(&self, request: &request::Parts) -> bool {
        self.public_endpoint
            .as_ref()
            .is_some_and(|public| public(request))
    }

    pub(super) fn custom_name(&self, request: &request::Parts) -> Option<Cow<'static, str>> {
        self.span_name.as_ref().map(|name| name(request))
    }

    pub(super) fn more_at_start(&self, request: &request::Parts) -> Vec<KeyValue> {
        self.at_start
            .as_ref()
            .map(|attributes| attributes(request))
            .unwrap_or_default()
    }

    pub(super) fn more_at_end(&self, response: &response::Parts) -> Vec<KeyValue> {
        self.at_end
            .as_ref()
            .map(|attributes| attributes(response))
            .unwrap_or_default()
    }
}
