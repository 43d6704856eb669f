//! The sampling decision, as far as it is known before a span is created. Set by telemetry, and read by the server and client
//! layers, which skip names and attributes of spans that are not recorded.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::{Context, SpanId, TraceId};

/// What happens to a span, in terms of the [sampling decision](https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Created with all attributes. Also used if the decision is unknown, since the sampler may need the attributes.
    Record,
    /// Created, but its name and attributes are never exported.
    Drop,
    /// Not sampled: it only has these ids, for the log and for called services.
    NotSampled(TraceId, SpanId),
    /// Not created; the caller's context is passed on instead.
    NoSpan,
}

type Decide = Box<dyn Fn(&Context) -> Decision + Send + Sync>;

static DECIDE: OnceLock<Decide> = OnceLock::new();

/// After several global providers, it is unknown which one creates a span.
static HAS_SEVERAL: AtomicBool = AtomicBool::new(false);

/// Sets the decision function of the global provider, by parent. Until it is set, every span is created.
pub(crate) fn decide_by(decide: impl Fn(&Context) -> Decision + Send + Sync + 'static) {
    if DECIDE.set(Box::new(decide)).is_err() {
        HAS_SEVERAL.store(true, Ordering::Relaxed);
    }
}

/// Returns the decision for a child span of `parent` of the global provider.
pub(crate) fn of_global(parent: &Context) -> Decision {
    let is_known = || !HAS_SEVERAL.load(Ordering::Relaxed);
    let decide = DECIDE.get().filter(|_| is_known());
    decide.map_or(Decision::Record, |decide| decide(parent))
}
