//! The sampling decision, as far as it is known before a span is made: who asks, makes no name and no attributes of a span that
//! nobody will see. Telemetry says it; the layers of both sides ask.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::Context;

/// What becomes of a span, by the terms of the
/// [sampling decision](https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler) where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is made with all there is. So it is where the decision is not known: the sampler may want to see it.
    Record,
    /// It has ids, for the log and for the services behind, and nobody will ever see its name and attributes.
    Drop,
    /// There is none, and the caller's goes on in its place.
    NoSpan,
}

type Decide = Box<dyn Fn(&Context) -> Decision + Send + Sync>;

static DECIDE: OnceLock<Decide> = OnceLock::new();

/// Where there have been several global providers, nothing is known of which of them makes a span.
static HAS_SEVERAL: AtomicBool = AtomicBool::new(false);

/// Says how it is decided on the global provider's spans, by their parent. While nobody says so, all of them are made.
pub(crate) fn decide_by(decide: impl Fn(&Context) -> Decision + Send + Sync + 'static) {
    if DECIDE.set(Box::new(decide)).is_err() {
        HAS_SEVERAL.store(true, Ordering::Relaxed);
    }
}

/// The decision on a span of the global provider below `parent`.
pub(crate) fn of_global(parent: &Context) -> Decision {
    let is_known = || !HAS_SEVERAL.load(Ordering::Relaxed);
    let decide = DECIDE.get().filter(|_| is_known());
    decide.map_or(Decision::Record, |decide| decide(parent))
}
