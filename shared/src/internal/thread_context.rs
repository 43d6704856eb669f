//! The current OpenTelemetry context of a thread that may be ending.
//!
//! `Context::current` panics after its thread-local is destroyed, and a panic in the destructor of a thread-local aborts the
//! process. Log lines and panics of such a destructor have to work without a context.

use std::{cell::Cell, panic::catch_unwind};

use opentelemetry::Context;

thread_local! {
    /// Destroyed before the context: Rust destroys thread-locals in reverse order of their first use.
    static ALIVE: Alive = Alive::new();
    /// Without a destructor, so always there.
    static PROBES: Cell<bool> = const { Cell::new(false) };
}

struct Alive(bool);

impl Alive {
    fn new() -> Self {
        // The first use may be after the destruction of the context.
        PROBES.set(true);
        let probe = catch_unwind(|| Context::map_current(|_| ()));
        PROBES.set(false);
        Self(probe.is_ok())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0 = false;
    }
}

/// Calls `f` with the current context. Returns None if the thread has none any more.
pub(crate) fn map_current<T>(f: impl FnOnce(&Context) -> T) -> Option<T> {
    is_alive().then(|| Context::map_current(f))
}

/// Returns the current context, or an empty one.
pub(crate) fn current() -> Context {
    map_current(Clone::clone).unwrap_or_default()
}

/// Whether the current panic is expected here: the hook ignores it.
pub(crate) fn is_probing() -> bool {
    PROBES.get()
}

/// Whether the thread has a context. Called before the thread ends, it makes the answer right at its end: costs a nanosecond.
pub(crate) fn is_alive() -> bool {
    ALIVE.try_with(|alive| alive.0).unwrap_or(false)
}
