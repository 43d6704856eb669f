//! What becomes of a span, as far as that is certain before it is made: who asks, makes no name and no attributes of one that
//! nobody will see. Telemetry says it; the layers of both sides ask.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::Context;

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

/// Where there have been several global providers, nothing is known of which of them makes a span.
static HAS_SEVERAL: AtomicBool = AtomicBool::new(false);

/// Says what becomes of the global provider's spans below a parent, where that is known before they are made. While nobody
/// says so, all of them are made.
pub(crate) fn foretell(fate: impl Fn(&Context) -> Fate + Send + Sync + 'static) {
    if FORETELL.set(Box::new(fate)).is_err() {
        HAS_SEVERAL.store(true, Ordering::Relaxed);
    }
}

/// What becomes of a span of the global provider below `parent`.
pub(crate) fn of_global(parent: &Context) -> Fate {
    let is_known = || !HAS_SEVERAL.load(Ordering::Relaxed);
    let foretell = FORETELL.get().filter(|_| is_known());
    foretell.map_or(Fate::Sampled, |fate| fate(parent))
}
