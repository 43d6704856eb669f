//! [`Trace`]: a request comes in, its span starts. Next: `future`.

use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use http::{Request, Response};
use http_body::Body;
use opentelemetry::{
    Context,
    trace::{Link, Span as _, SpanBuilder, SpanContext, SpanKind, TraceContextExt as _},
};
use tower_service::Service;

use super::{
    body::ResponseBody, extensions::Traced, failure::OneFailure, future::ResponseFuture,
    metrics::ServerMetrics, options::Options, request, span::ServerSpan,
};
use crate::{
    propagation::HeaderExtractor,
    span::CurrentRequest,
    tracer::{Fate, empty_context},
};

/// The service that [`TraceLayer`](super::TraceLayer) makes.
#[derive(Clone)]
pub struct Trace<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S> Trace<S> {
    pub(super) fn new(inner: S, options: Arc<Options>) -> Self {
        Self { inner, options }
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for Trace<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, RequestBody, B> Service<Request<RequestBody>> for Trace<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let (cx, span) = self.start(&parts);
        if span.is_some() {
            parts.extensions.insert(Traced(cx.clone()));
        }
        let _current = cx.clone().attach();
        let response = self.inner.call(Request::from_parts(parts, body));
        ResponseFuture::new(response, cx, span, Arc::clone(&self.options))
    }
}

impl<S> Trace<S> {
    /// The context that the request runs in, and its span, unless the request is filtered out or has one already.
    fn start(&self, request: &http::request::Parts) -> (Context, Option<ServerSpan>) {
        if let Some(Traced(outer)) = request.extensions.get() {
            let current = Context::current();
            // Whoever called this may have done so on a task of its own, without the context.
            let is_below = current.span().span_context().is_valid();
            return (if is_below { current } else { outer.clone() }, None);
        }
        let options = &self.options;
        let caller = options.extract(&HeaderExtractor(&request.headers));
        let is_public = options.is_public(request);
        // Whoever calls a public endpoint has no say in its trace, nor in those of the services behind it.
        let (parent, stranger) = if is_public {
            (empty_context(), Some(caller.span().span_context().clone()))
        } else {
            (caller, None)
        };
        if !options.is_traced(request) {
            return (parent, None);
        }
        let fate = options.tracer.fate(&parent);
        // Nothing is made that nobody will see.
        let attributes = if fate == Fate::Sampled || options.metrics.instruments().is_some() {
            request::attributes(request, options)
        } else {
            Vec::new()
        };
        let metrics = ServerMetrics::started(&options.metrics, &attributes);
        let span = SpanBuilder::from_name("").with_kind(SpanKind::Server);
        let (cx, current) = match fate {
            Fate::Absent if metrics.is_none() && !ServerSpan::is_logged() => return (parent, None),
            Fate::Absent => {
                let callers = parent.span().span_context().span_id();
                (parent, CurrentRequest::new(callers))
            }
            Fate::Dropped => self.span(span, &parent),
            Fate::Sampled => {
                let name = options.custom_name(request);
                let stranger = stranger.filter(SpanContext::is_valid);
                let span = SpanBuilder {
                    name: name.unwrap_or_else(|| request::span_name(request, options).into()),
                    attributes: Some(attributes),
                    links: stranger.map(|stranger| vec![Link::with_context(stranger)]),
                    ..span
                };
                self.span(span, &parent)
            }
        };
        let cx = cx.with_value(current.clone());
        let span = ServerSpan::new(cx.clone(), request, current, fate == Fate::Sampled, metrics);
        (cx, Some(span))
    }

    fn span(&self, span: SpanBuilder, parent: &Context) -> (Context, CurrentRequest) {
        let span = self.options.tracer.start(span, parent);
        let request = CurrentRequest::new(span.span_context().span_id());
        let span = OneFailure {
            span,
            request: request.clone(),
        };
        (parent.with_span(span), request)
    }
}
