//! [`TraceLayer`]: what is traced, and how. Next: `service`, which a request enters.

use std::{borrow::Cow, fmt, sync::Arc};

use http::request::Parts;
use opentelemetry::{
    Context,
    global::ObjectSafeTracerProvider,
    propagation::{Extractor, TextMapPropagator},
};
use tower_layer::Layer;

use super::service::Trace;
use crate::{propagation, tracer::Tracer};

type Predicate = dyn Fn(&Parts) -> bool + Send + Sync;
type SpanName = dyn Fn(&Parts) -> Cow<'static, str> + Send + Sync;

/// Wraps a service so that every request is a SERVER span, continued from the caller's trace context.
///
/// The span lasts from the request's head to the last byte of the response's body. Its attributes are those of the
/// [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span). The handler runs
/// with the span as current context, so spans and log lines below it need no hand from anybody.
///
/// A clone shares the settings.
#[derive(Clone)]
pub struct TraceLayer {
    pub(super) options: Arc<Options>,
}

#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) tracer: Tracer,
    propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
    filter: Option<Arc<Predicate>>,
    public_endpoint: Option<Arc<Predicate>>,
    span_name: Option<Arc<SpanName>>,
}

impl TraceLayer {
    /// A layer that traces every request with the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self {
            options: Arc::default(),
        }
    }

    /// Traces only the requests for which `filter` is true. The others get no span, but the caller's context still
    /// reaches what the handler calls. Default: all are traced.
    #[must_use]
    pub fn filter(mut self, filter: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.options).filter = Some(Arc::new(filter));
        self
    }

    /// Does not trust the context of requests for which `public` is true: they start a trace of their own, with a link
    /// to the caller's, and drop its baggage. For whatever the open internet can reach. Default: all are trusted.
    #[must_use]
    pub fn public_endpoint(
        mut self,
        public: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.options).public_endpoint = Some(Arc::new(public));
        self
    }

    /// Names the spans. Keep to few names: a route, never a path. Default: `{method} {route}`, or the method alone
    /// where no route matched.
    #[must_use]
    pub fn span_name(
        mut self,
        name: impl Fn(&Parts) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.options).span_name = Some(Arc::new(name));
        self
    }

    /// Makes spans with this provider instead of the global one.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        Arc::make_mut(&mut self.options).tracer = Tracer::of(provider);
        self
    }

    /// Reads the caller's context with this propagator instead of the global one.
    #[must_use]
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.options).propagator = Some(Arc::new(propagator));
        self
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, Arc::clone(&self.options))
    }
}

impl Options {
    pub(super) fn extract(&self, carrier: &dyn Extractor) -> Context {
        match &self.propagator {
            Some(propagator) => propagation::extract_with(propagator.as_ref(), carrier),
            None => propagation::extract(carrier),
        }
    }

    pub(super) fn is_traced(&self, request: &Parts) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(request))
    }

    pub(super) fn is_public(&self, request: &Parts) -> bool {
        self.public_endpoint
            .as_ref()
            .is_some_and(|public| public(request))
    }

    pub(super) fn custom_name(&self, request: &Parts) -> Option<Cow<'static, str>> {
        self.span_name.as_ref().map(|name| name(request))
    }
}
