//! The sampling decision for a span, as far as it is known before the span is created. Telemetry sets the decision
//! function; the server and client layers call it to skip names and attributes of spans that are not recorded.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::{Context, SpanId, TraceId};

/// How a span is created, depending on the [sampling
/// decision](https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The span is created with all attributes. Also used if the decision is unknown, since the sampler may need the
    /// attributes.
    Record,
    /// The span is created, but its name and attributes are never exported.
    Drop,
    /// The span is not sampled. It only has these ids, for log lines and for propagation to called services.
    NotSampled(TraceId, SpanId),
    /// No span is created; the caller's context is propagated instead.
    NoSpan,
}

type Decide = Box<dyn Fn(&Context) -> Decision + Send + Sync>;

static DECIDE: OnceLock<Decide> = OnceLock::new();

/// Whether several global tracer providers were set. It is unknown then which of them creates a span.
static HAS_SEVERAL: AtomicBool = AtomicBool::new(false);

/// Sets the function that returns the global provider's decision for a child of a given parent. Until it is set, every
/// span is created.
pub(crate) fn decide_by(decide: impl Fn(&Context) -> Decision + Send + Sync + 'static) {
    if DECIDE.set(Box::new(decide)).is_err() {
        HAS_SEVERAL.store(true, Ordering::Relaxed);
    }
}

/// Returns the global provider's decision for a child span of `parent`.
pub(crate) fn of_global(parent: &Context) -> Decision {
    let is_known = || !HAS_SEVERAL.load(Ordering::Relaxed);
    let decide = DECIDE.get().filter(|_| is_known());
    decide.map_or(Decision::Record, |decide| decide(parent))
}
