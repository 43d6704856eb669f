//! [`ServerSpan`]: the only type that ends server spans.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use http::{Method, StatusCode, request, response};
use opentelemetry::{Context, KeyValue, trace::TraceContextExt as _};

use super::{
    access::{AccessLog, Outcome, RequestEnd},
    extensions::{CutOff, ErrorType},
    metrics::ServerMetrics,
    options::Options,
    route::KnownRoute,
};
use crate::{
    internal::{decision::Decision, semconv},
    span::request::{CurrentRequest, Failure},
};

/// How a request ended.
pub(super) enum End {
    /// The last byte of the response was passed to the server.
    Complete,
    /// The response, its body or the service failed. Contains the `error.type` of the failure.
    Failed(Cow<'static, str>),
    /// The caller disconnected, or an outer layer dropped the request.
    Abandoned,
}

/// Ends the server span exactly once: in [`finish`](Self::finish), or when this guard is dropped together with an
/// unfinished request.
pub(super) struct ServerSpan {
    cx: Context,
    started: Instant,
    method: Method,
    route: Option<KnownRoute>,
    status: Option<StatusCode>,
    request: CurrentRequest,
    /// The sampling decision. With `NoSpan`, the span in the context belongs to the caller and is not ended here.
    decision: Decision,
    /// Whether the span records attributes.
    is_recorded: bool,
    cut_off: Option<CutOff>,
    body_size: Option<u64>,
    metrics: Option<ServerMetrics>,
    access_log: AccessLog,
    /// Whether code that handles the request is running. A panic at any other time is not a failure of the request.
    runs: bool,
    ended: bool,
}

impl ServerSpan {
    pub(super) fn new(
        cx: Context,
        request: &request::Parts,
        route: Option<KnownRoute>,
        decision: Decision,
        current: CurrentRequest,
        metrics: Option<ServerMetrics>,
        access_log: AccessLog,
    ) -> Self {
        Self {
            decision,
            is_recorded: decision == Decision::Record && cx.span().is_recording(),
            cx,
            started: Instant::now(),
            method: request.method.clone(),
            route,
            status: None,
            request: current,
            cut_off: request.extensions.get().cloned(),
            body_size: None,
            metrics,
            access_log,
            runs: true,
            ended: false,
        }
    }

    /// Sets whether code that handles the request is running. While it runs, a panic is recorded as the failure of the
    /// request.
    pub(super) fn set_runs(span: &mut Option<Self>, runs: bool) {
        if let Some(span) = span {
            span.runs = runs;
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Records the head of the response. The body of the response may follow.
    pub(super) fn answered(&mut self, response: &mut response::Parts, options: &Options) {
        self.status = Some(response.status);
        if semconv::is_server_error(response.status) {
            // The `ErrorType` of a layer that replaced the response takes precedence over a failure that the handler
            // recorded, and both take precedence over the status code.
            if let Some(ErrorType(name)) = response.extensions.remove() {
                self.request.set_failure(Some(Failure::named(name)));
            }
            let code = || response.status.as_str().to_owned().into();
            self.request.update_failure(|failure| {
                let failure = failure.get_or_insert_default();
                failure.error_type.get_or_insert_with(code);
            });
        }
        self.body_size = options.body_sizes.then_some(0);
        if !self.is_recorded {
            return;
        }
        let span = self.cx.span();
        let status = i64::from(response.status.as_u16());
        span.set_attribute(KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, status));
        let headers = &options.response_headers;
        span.set_attributes(headers.attributes(semconv::HTTP_RESPONSE_HEADER, &response.headers));
        span.set_attributes(options.more_at_end(response));
    }

    /// Adds the number of bytes that were passed to the server to the size of the response body.
    pub(super) fn sent(&mut self, bytes: u64) {
        if let Some(size) = &mut self.body_size {
            *size += bytes;
        }
    }

    pub(super) fn finish(mut self, end: End) {
        self.end(end);
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let span = self.cx.span();
        let abandoned = matches!(end, End::Abandoned);
        if abandoned && self.is_recorded {
            span.add_event(semconv::EVENT_ABANDONED, Vec::new());
        }
        match end {
            End::Failed(error_type) => self.request.set_failure(Some(Failure::named(error_type))),
            _ if self.status.is_some_and(semconv::is_server_error) => {}
            // Failures are discarded, since the caller received a successful response or no longer waits for a
            // response.
            _ => self.request.set_failure(None),
        }
        let error_type = self
            .request
            .failure()
            .and_then(|failure| failure.error_type);
        if let Some(size) = self.body_size.filter(|_| self.is_recorded) {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new(semconv::HTTP_RESPONSE_BODY_SIZE, size));
        }
        let duration = self.started.elapsed();
        if let Some(metrics) = self.metrics.take() {
            metrics.ended(duration, self.status, error_type.clone());
        }
        if self.decision != Decision::NoSpan {
            span.end();
        }
        self.log(duration, abandoned, error_type.as_deref());
    }

    fn log(&self, duration: Duration, abandoned: bool, error_type: Option<&str>) {
        let _current = self.cx.clone().attach();
        let outcome = match (error_type, abandoned) {
            (Some(_), _) => Outcome::Failed,
            (None, true) => Outcome::Abandoned,
            (None, false) => Outcome::Served,
        };
        self.access_log.write(&RequestEnd {
            method: &self.method,
            route: self.route.as_ref().map(KnownRoute::as_str),
            status: self.status,
            duration,
            error_type,
            outcome,
        });
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        let end = if self.runs && std::thread::panicking() {
            End::Failed(semconv::ERROR_PANIC.into())
        } else if self
            .cut_off
            .as_ref()
            .is_some_and(|CutOff(token)| token.is_cancelled())
        {
            End::Failed(semconv::ERROR_SHUTDOWN.into())
        } else {
            End::Abandoned
        };
        self.end(end);
    }
}
