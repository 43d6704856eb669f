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

type Foretell = Box<dyn Fn(&Context) -> Fate + Send + Sync>;

static FORETELL: OnceLock<Foretell> = OnceLock::new();

/// Says what becomes of the global provider's spans below a parent, where that is known before they are made. While nobody
/// says so, all of them are made.
pub(crate) fn foretell(fate: impl Fn(&Context) -> Fate + Send + Sync + 'static) {
    FORETELL.get_or_init(|| Box::new(fate));
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
        let foretell = FORETELL.get().filter(|_| !self.is_given);
        foretell.map_or(Fate::Sampled, |fate| fate(parent))
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
