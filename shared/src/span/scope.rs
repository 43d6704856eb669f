//! [`Scope`]: makes an OpenTelemetry context current, together with a `tracing` span that represents the context's
//! span.

use std::sync::OnceLock;

use opentelemetry::{
    Context, ContextGuard,
    trace::{FutureExt as _, TraceContextExt as _},
};
use tracing::{Instrument as _, Span};

/// An OpenTelemetry context to run code in, such as that of a request or a task.
///
/// If the span layer of [`crate::telemetry`] is installed, the context's span has a corresponding `tracing` span, so
/// that `.in_current_span()`, `Span::current().record(..)` and `OpenTelemetrySpanExt` use the context's span.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    cx: Context,
    /// The `tracing` span that corresponds to the span of `cx`. Disabled if the span layer has not created one.
    span: Span,
}

impl Scope {
    /// Creates a scope with a `tracing` span, if `cx` has a span and the span layer is installed.
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

    /// Makes the context and its `tracing` span current until the guard is dropped.
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

    /// Makes the OpenTelemetry context current, but not the `tracing` span. Cheaper than `enter`.
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
    // The context guard is not `Send`, so the scope guard cannot move to another thread.
    _cx: ContextGuard,
}

impl Drop for ScopeGuard<'_> {
    fn drop(&mut self) {
        if let Some((adoption, span)) = self.entered {
            (adoption.exit)(span);
        }
    }
}

/// The functions with which the span layer manages the `tracing` spans that represent OpenTelemetry spans of this
/// crate.
#[derive(Debug)]
pub(crate) struct Adoption {
    /// Creates a `tracing` span that represents the span of the current OpenTelemetry context.
    pub(crate) adopt: fn() -> Span,
    /// Makes a span that `adopt` created `tracing::Span::current()`, without attaching its OpenTelemetry context.
    pub(crate) enter: fn(&Span),
    /// Makes the span that was current before `enter` current again.
    pub(crate) exit: fn(&Span),
}

static ADOPTION: OnceLock<Adoption> = OnceLock::new();

/// Registers the functions of the span layer. Before that, scopes have no `tracing` spans.
#[cfg(feature = "telemetry")]
pub(crate) fn adopt_with(adoption: Adoption) {
    let _ = ADOPTION.set(adoption);
}
