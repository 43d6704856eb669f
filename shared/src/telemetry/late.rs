//! [`Late`]: tracers and instruments that are asked for before there is telemetry.

use std::{
    fmt,
    ops::Deref,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// A tracer or an instrument that may be asked for before [`init`](super::init), and works from then on.
///
/// What OpenTelemetry's `global::tracer` and `global::meter` give before there are providers stays without effect, also
/// when there are. This takes it from the global provider when it is used, and takes it once more when
/// [`init`](super::init) or [`Parts::install`](super::Parts::install) has set the provider: for a `static`, and for
/// whatever is made before `main` is through with its set-up.
///
/// ```
/// use shared::{
///     opentelemetry::{global, metrics::Counter, trace::Tracer as _},
///     telemetry::Late,
/// };
///
/// static ORDERS: Late<Counter<u64>> = Late::new(|| global::meter("shop").u64_counter("shop.orders").build());
/// static TRACER: Late<global::BoxedTracer> = Late::new(|| global::tracer("shop"));
///
/// ORDERS.add(1, &[]);
/// TRACER.in_span("count_stock", |_| { /* .. */ });
/// ```
///
/// This crate's own layers and clients need no such care. Another crate that keeps what it got before cannot be helped:
/// set up telemetry first, or have it ask later. The callback of an observable instrument is heard from the first use
/// after the set-up on.
pub struct Late<T> {
    make: fn() -> T,
    /// Used while there are no providers.
    early: OnceLock<T>,
    real: OnceLock<T>,
}

impl<T> Late<T> {
    /// One that is made by `make`: at the first use, and again at the first use after the set-up.
    pub const fn new(make: fn() -> T) -> Self {
        Self {
            make,
            early: OnceLock::new(),
            real: OnceLock::new(),
        }
    }
}

impl<T> Deref for Late<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let made = if PROVIDERS_ARE_SET.load(Ordering::Acquire) {
            &self.real
        } else {
            &self.early
        };
        made.get_or_init(self.make)
    }
}

impl<T> fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").finish_non_exhaustive()
    }
}

static PROVIDERS_ARE_SET: AtomicBool = AtomicBool::new(false);

/// Said after the global providers are set.
pub(crate) fn providers_are_set() {
    PROVIDERS_ARE_SET.store(true, Ordering::Release);
}
