//! The tracer of this crate's own spans, what is known of its spans before they are made, and the context that a trace
//! begins from.

use std::sync::{Arc, OnceLock};

use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedSpan, BoxedTracer, ObjectSafeTracerProvider},
    trace::{SpanBuilder, TraceContextExt as _, Tracer as _},
};

/// A tracer of the global provider, taken when the first span is made: a layer may be built before telemetry is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracer {
    tracer: Arc<OnceLock<BoxedTracer>>,
    /// Of a provider that was given nothing is known.
    is_given: bool,
}

/// What becomes of a span, as far as that is certain before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The sampler decides, and may want to see name and attributes.
    Sampled,
    /// It has ids, for the log and for the services behind, and nobody will ever see its name and attributes.
    Dropped,
    /// There is none, and the caller's goes on in its place.
    Absent,
}

/// What the process's telemetry does with spans, for those who can save themselves the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// `OTEL_SDK_DISABLED`: there are no spans.
    Disabled,
    /// A span has its parent's fate; a trace is dropped where `drops_roots`, or it is for the sampler to say.
    ByParent { drops_roots: bool },
    /// Every span is dropped.
    Never,
}

static SAMPLING: OnceLock<Sampling> = OnceLock::new();

/// Says so of the global provider. What nobody says is not known, and then every span is made.
pub(crate) fn foretell(sampling: Sampling) {
    SAMPLING.get_or_init(|| sampling);
}

impl Tracer {
    /// A tracer of a given provider.
    pub(crate) fn of(provider: &dyn ObjectSafeTracerProvider) -> Self {
        let tracer = BoxedTracer::new(provider.boxed_tracer(scope()));
        Self {
            tracer: Arc::new(OnceLock::from(tracer)),
            is_given: true,
        }
    }

    /// What becomes of a span below `parent`.
    pub(crate) fn fate(&self, parent: &Context) -> Fate {
        let Some(sampling) = SAMPLING.get().filter(|_| !self.is_given) else {
            return Fate::Sampled;
        };
        let is_dropped = match *sampling {
            Sampling::Disabled => return Fate::Absent,
            Sampling::Never => true,
            Sampling::ByParent { drops_roots } => {
                let span = parent.span();
                let parent = span.span_context();
                if parent.is_valid() {
                    !parent.is_sampled()
                } else {
                    drops_roots
                }
            }
        };
        if is_dropped {
            Fate::Dropped
        } else {
            Fate::Sampled
        }
    }

    pub(crate) fn start(&self, span: SpanBuilder, parent: &Context) -> BoxedSpan {
        let tracer = self
            .tracer
            .get_or_init(|| opentelemetry::global::tracer_with_scope(scope()));
        tracer.build_with_context(span, parent)
    }
}

/// What this crate calls itself in telemetry.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url("https://opentelemetry.io/schemas/1.44.0")
        .build()
}

/// The context with nothing in it: what a trace begins from, and what a caller's context is read into.
#[expect(
    clippy::disallowed_methods,
    reason = "the one right place for whoever begins a trace in here"
)]
pub(crate) fn empty_context() -> Context {
    Context::new()
}

/// Ends a context's span when dropped: a future that is dropped ends its span then and there, also if somebody still
/// holds the context. A span that has ended stays as it ended.
pub(crate) struct EndOnDrop(pub(crate) Context);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
