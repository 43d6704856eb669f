//! [`Scope`]: code runs with an OpenTelemetry context that is `tracing::Span::current()` too.

use std::sync::OnceLock;

use opentelemetry::{
    Context, ContextGuard,
    trace::{FutureExt as _, TraceContextExt as _},
};
use tracing::{Instrument as _, span::Entered};

/// A context to run code in, such as a request's or a task's.
///
/// With the span layer of [`crate::telemetry`], it is a `tracing` span as well, so that `.in_current_span()`,
/// `Span::current().record(..)` and `OpenTelemetrySpanExt` reach the context's span.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    cx: Context,
    /// Disabled unless the span layer has adopted `cx`.
    span: tracing::Span,
}

impl Scope {
    /// Makes the span of `cx` a `tracing` span too, if it has one.
    pub(crate) fn new(cx: Context) -> Self {
        let adopt = ADOPT.get().filter(|_| cx.span().span_context().is_valid());
        let Some(adopt) = adopt else {
            return Self::context_only(cx);
        };
        let _current = cx.clone().attach();
        Self { span: adopt(), cx }
    }

    /// A scope that leaves `tracing::Span::current()` as it is.
    pub(crate) fn context_only(cx: Context) -> Self {
        Self {
            cx,
            span: tracing::Span::none(),
        }
    }

    /// Makes context and span current until the guard is dropped.
    pub(crate) fn enter(&self) -> ScopeGuard<'_> {
        // The span makes its context current by itself, but only where the span layer is.
        let cx = self.attach();
        ScopeGuard {
            _span: self.span.enter(),
            _cx: cx,
        }
    }

    /// Makes the context alone current, which costs less.
    pub(crate) fn attach(&self) -> ContextGuard {
        self.cx.clone().attach()
    }

    /// Runs a future in the scope. What the future drops is dropped in it too.
    pub(crate) fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        future.with_context(self.cx).instrument(self.span)
    }

    #[cfg(feature = "server")]
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }
}

/// Leaves the span before its context.
#[must_use = "dropping the guard leaves the scope"]
pub(crate) struct ScopeGuard<'a> {
    _span: Entered<'a>,
    _cx: ContextGuard,
}

type Adopt = fn() -> tracing::Span;

static ADOPT: OnceLock<Adopt> = OnceLock::new();

/// Sets how the span layer makes a `tracing` span of the current context. Until then, scopes are contexts only.
#[cfg(feature = "telemetry")]
pub(crate) fn adopt_with(adopt: Adopt) {
    let _ = ADOPT.set(adopt);
}
