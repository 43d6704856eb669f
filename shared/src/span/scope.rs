//! [`Scope`]: an OpenTelemetry context, with its span as `tracing::Span::current()`.

use std::sync::OnceLock;

use opentelemetry::{
    Context, ContextGuard,
    trace::{FutureExt as _, TraceContextExt as _},
};
use tracing::{Instrument as _, Span};

/// A context to run code in, such as that of a request or a task.
///
/// With the span layer of [`crate::telemetry`], the context's span is a `tracing` span as well, so that `.in_current_span()`,
/// `Span::current().record(..)` and `OpenTelemetrySpanExt` use it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    cx: Context,
    /// Disabled unless the span layer has adopted `cx`.
    span: Span,
}

impl Scope {
    /// Creates the `tracing` span of `cx`, if `cx` has a span.
    pub(crate) fn new(cx: Context) -> Self {
        let adoption = ADOPTION
            .get()
            .filter(|_| cx.span().span_context().is_valid());
        let Some(adoption) = adoption else {
            return Self::context_only(cx);
        };
        let _current = cx.clone().attach();
        Self {
            span: (adoption.adopt)(),
            cx,
        }
    }

    /// Creates a scope that leaves `tracing::Span::current()` unchanged.
    pub(crate) fn context_only(cx: Context) -> Self {
        Self {
            cx,
            span: Span::none(),
        }
    }

    /// Makes the context and its span current until the guard is dropped.
    pub(crate) fn enter(&self) -> ScopeGuard<'_> {
        let entered = ADOPTION.get().filter(|_| !self.span.is_none());
        if let Some(adoption) = entered {
            (adoption.enter)(&self.span);
        }
        ScopeGuard {
            entered: entered.map(|adoption| (adoption, &self.span)),
            _cx: self.attach(),
        }
    }

    /// Makes only the context current, which is cheaper.
    pub(crate) fn attach(&self) -> ContextGuard {
        self.cx.clone().attach()
    }

    /// Runs and drops a future in the scope.
    pub(crate) fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        future.with_context(self.cx).instrument(self.span)
    }

    #[cfg(feature = "server")]
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }
}

/// Restores the previous context and span when dropped.
#[must_use = "dropping the guard leaves the scope"]
pub(crate) struct ScopeGuard<'a> {
    entered: Option<(&'static Adoption, &'a Span)>,
    // Also keeps the guard on its thread.
    _cx: ContextGuard,
}

impl Drop for ScopeGuard<'_> {
    fn drop(&mut self) {
        if let Some((adoption, span)) = self.entered {
            (adoption.exit)(span);
        }
    }
}

/// The span layer's functions for `tracing` spans that stand for spans started by this crate.
#[derive(Debug)]
pub(crate) struct Adoption {
    /// Creates the `tracing` span of the current context.
    pub(crate) adopt: fn() -> Span,
    /// Makes such a span current. Its context is current already.
    pub(crate) enter: fn(&Span),
    /// Undoes `enter`.
    pub(crate) exit: fn(&Span),
}

static ADOPTION: OnceLock<Adoption> = OnceLock::new();

/// Registers the span layer. Until then, scopes are contexts only.
#[cfg(feature = "telemetry")]
pub(crate) fn adopt_with(adoption: Adoption) {
    let _ = ADOPTION.set(adoption);
}
