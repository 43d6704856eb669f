//! [`Trace`]: starts the span of each request. The module `future` runs the request.

use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use http::{Request, Response};
use http_body::Body;
use opentelemetry::{
    Context,
    trace::{Link, Span, SpanBuilder, SpanContext, SpanKind, TraceContextExt as _},
};
use tower_service::Service;

use super::{
    body::ResponseBody, extensions::Traced, failure::OneFailure, future::ResponseFuture,
    metrics::ServerMetrics, not_sampled::NotSampled, options::Options, request, route::KnownRoute,
    span::ServerSpan,
};
use crate::{
    internal::{
        clock::Clock,
        decision::Decision,
        tracer::{empty_context, not_sampled},
    },
    propagation::HeaderExtractor,
    span::{
        request::{CurrentRequest, clock},
        scope::Scope,
    },
};

/// The service that [`TraceLayer`](super::TraceLayer) returns.
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
        let Start {
            scope,
            mut span,
            is_traced,
        } = self.start(&parts);
        if is_traced {
            parts.extensions.insert(Traced(scope.context().clone()));
        }
        let current = scope.enter();
        let response = self.inner.call(Request::from_parts(parts, body));
        ServerSpan::set_runs(&mut span, false);
        drop(current);
        let options = is_traced.then(|| Arc::clone(&self.options));
        ResponseFuture::new(response, scope, span, options)
    }
}

/// The state at the start of a request.
struct Start {
    /// The context in which the request runs.
    scope: Scope,
    /// The span guard, if a span, a metric or a log line is recorded.
    span: Option<ServerSpan>,
    /// Whether this layer traces the request. False if the request is filtered out or has a span already.
    is_traced: bool,
}

impl Start {
    fn untraced(scope: Scope) -> Self {
        Self {
            scope,
            span: None,
            is_traced: false,
        }
    }
}

impl<S> Trace<S> {
    fn start(&self, request: &http::request::Parts) -> Start {
        if let Some(Traced(outer)) = request.extensions.get() {
            let current = Context::current();
            // If this service was called from a separate task, the current context is empty, and the outer layer's
            // context is used.
            let is_below = current.span().span_context().is_valid();
            return Start::untraced(if is_below {
                Scope::context_only(current)
            } else {
                Scope::new(outer.clone())
            });
        }
        let options = &self.options;
        let caller = options.extract(&HeaderExtractor(&request.headers));
        let is_public = options.is_public(request);
        // Callers of a public endpoint must not influence the traces of this service or of the services that it calls.
        let (parent, untrusted) = if is_public {
            (empty_context(), Some(caller.span().span_context().clone()))
        } else {
            (caller, None)
        };
        if !options.is_traced(request) {
            return Start::untraced(Scope::new(parent));
        }
        self.trace(request, &parent, untrusted)
    }

    /// Starts the span of a request, and computes attributes only if a span or metrics will use them.
    fn trace(
        &self,
        request: &http::request::Parts,
        parent: &Context,
        untrusted: Option<SpanContext>,
    ) -> Start {
        let options = &self.options;
        let decision = options.tracer.decision(parent);
        let mut span = SpanBuilder::from_name("").with_kind(SpanKind::Server);
        let is_described = decision == Decision::Record || options.metrics.instruments().is_some();
        if !is_described && !options.access_log.is_written() {
            return Start {
                scope: Scope::new(options.tracer.start_in(parent, span, decision)),
                span: None,
                is_traced: true,
            };
        }
        let route = KnownRoute::of(request);
        let mut metrics = None;
        if is_described {
            let route = route.as_ref().map(KnownRoute::as_str);
            let attributes = request::attributes(request, route, options);
            metrics = ServerMetrics::started(&options.metrics, &attributes);
            let name = options.custom_name(request);
            span.name = name.unwrap_or_else(|| request::span_name(request, route, options).into());
            span.attributes = Some(attributes);
            let untrusted = untrusted.filter(SpanContext::is_valid);
            span.links = untrusted.map(|untrusted| vec![Link::with_context(untrusted)]);
        }
        let (cx, current) = match decision {
            Decision::NoSpan => {
                let callers = parent.span().span_context().span_id();
                (parent.clone(), CurrentRequest::new(callers, Clock::start()))
            }
            Decision::NotSampled(trace_id, span_id) => {
                let clock = clock(parent).unwrap_or_else(Clock::start);
                let span = NotSampled(not_sampled(parent, trace_id, span_id));
                with_request(parent, span, clock)
            }
            Decision::Drop | Decision::Record => {
                let span = options.tracer.start(span, parent);
                let clock = span.clock();
                with_request(parent, span, clock)
            }
        };
        let cx = cx.with_value(current.clone());
        let access_log = options.access_log.clone();
        let span = ServerSpan::new(
            cx.clone(),
            request,
            route,
            decision,
            current,
            metrics,
            access_log,
        );
        Start {
            scope: Scope::new(cx),
            span: Some(span),
            is_traced: true,
        }
    }
}

/// Returns a copy of `parent` with the span of the request, and the object that collects the request's failures.
fn with_request<S: Span + Send + Sync + 'static>(
    parent: &Context,
    span: S,
    clock: Clock,
) -> (Context, CurrentRequest) {
    let current = CurrentRequest::new(span.span_context().span_id(), clock);
    let request = current.clone();
    (parent.with_span(OneFailure { span, request }), current)
}
