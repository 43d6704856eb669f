//! [`Deferred`]: tracers and instruments that are requested before telemetry is initialized.

use std::{
    fmt,
    ops::Deref,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// A tracer or instrument that can be requested before [`init`](super::init) and works afterwards.
///
/// A tracer from OpenTelemetry's `global::tracer`, or a meter from `global::meter`, stays without effect if it was
/// requested before the provider was set. `Deferred` requests the tracer or instrument on first use, and again on the
/// first use after [`init`](super::init) or [`Parts::install`](super::Parts::install) has set the provider. Use
/// `Deferred` for a `static`, and for values created before `main` has finished its setup.
///
/// ```
/// use shared::{
///     opentelemetry::{global, metrics::Counter, trace::Tracer as _},
///     telemetry::Deferred,
/// };
///
/// static ORDERS: Deferred<Counter<u64>> = Deferred::new(|| global::meter("shop").u64_counter("shop.orders").build());
/// static TRACER: Deferred<global::BoxedTracer> = Deferred::new(|| global::tracer("shop"));
///
/// ORDERS.add(1, &[]);
/// TRACER.in_span("count_stock", |_| { /* .. */ });
/// ```
///
/// The layers and clients of this crate do not need `Deferred`. If another crate stores a tracer or instrument,
/// initialize telemetry before that crate. The callback of an observable instrument is registered on the first use
/// after telemetry is initialized.
pub struct Deferred<T> {
    make: fn() -> T,
    /// Value that is used until the global providers are set.
    early: OnceLock<T>,
    real: OnceLock<T>,
}

impl<T> Deferred<T> {
    /// Creates a value with `make` on first use, and again on the first use after telemetry is initialized.
    pub const fn new(make: fn() -> T) -> Self {
        Self {
            make,
            early: OnceLock::new(),
            real: OnceLock::new(),
        }
    }
}

impl<T> Deref for Deferred<T> {
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

impl<T> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferred").finish_non_exhaustive()
    }
}

/// The former name of [`Deferred`].
#[deprecated(note = "renamed to `Deferred`")]
pub type Late<T> = Deferred<T>;

static PROVIDERS_ARE_SET: AtomicBool = AtomicBool::new(false);

/// Makes every [`Deferred`] request its value again on the next use. Called after the global providers are set.
pub(crate) fn providers_are_set() {
    PROVIDERS_ARE_SET.store(true, Ordering::Release);
}
