//! [`ServerSpan`]: the one place where a server span ends, whatever ended the request.

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
    decision::Decision,
    semconv,
    span::request::{CurrentRequest, Failure},
};

/// How a request ended.
pub(super) enum End {
    /// The last byte of the response was handed over.
    Complete,
    /// The response, its body or the service failed; with the `error.type`.
    Failed(Cow<'static, str>),
    /// Nobody waits for the response any more: the caller is gone, or a layer above has dropped the request.
    Abandoned,
}

/// Ends its span exactly once: by [`finish`](Self::finish), or by being dropped with the request that was not waited for.
pub(super) struct ServerSpan {
    cx: Context,
    started: Instant,
    method: Method,
    route: Option<KnownRoute>,
    status: Option<StatusCode>,
    request: CurrentRequest,
    /// With `NoSpan`, the context's span is the caller's.
    decision: Decision,
    /// Whether anybody wants to know more of it.
    is_recorded: bool,
    cut_off: Option<CutOff>,
    body_size: Option<u64>,
    metrics: Option<ServerMetrics>,
    access_log: AccessLog,
    /// Whether code of the request runs. If the thread unwinds in between, the panic is not the request's.
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

    /// Code of the request runs from here on, or has returned for now: a panic in it is the request's end.
    pub(super) fn set_runs(span: &mut Option<Self>, runs: bool) {
        if let Some(span) = span {
            span.runs = runs;
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// The response's head is there; its body may still be to come.
    pub(super) fn answered(&mut self, response: &mut response::Parts, options: &Options) {
        self.status = Some(response.status);
        if semconv::is_server_error(response.status) {
            // What the handler has named is more than a code says, and less than the layer that answers in its stead.
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

    /// So many bytes of the body were handed over.
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
            // Whatever failed on the way, the caller has an answer, or wants none.
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
