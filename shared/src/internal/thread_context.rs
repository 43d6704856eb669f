//! The current OpenTelemetry context of a thread, available even while the thread ends.
//!
//! `Context::current` panics after the thread-local of the context is destroyed, and a panic in the destructor of a
//! thread-local aborts the process. Log lines and panics in such a destructor must work without a context.

use std::{cell::Cell, panic::catch_unwind};

use opentelemetry::Context;

thread_local! {
    /// Destroyed before the thread-local of the context: Rust destroys thread-locals in reverse order of
    /// initialization.
    static ALIVE: Alive = Alive::new();
    /// Has no destructor, so it can be read until the thread has ended.
    static PROBES: Cell<bool> = const { Cell::new(false) };
}

struct Alive(bool);

impl Alive {
    fn new() -> Self {
        // `ALIVE` may be first used when the context is already destroyed.
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

/// Calls `f` with the current context. Returns `None` if the thread has no context any more.
pub(crate) fn map_current<T>(f: impl FnOnce(&Context) -> T) -> Option<T> {
    is_alive().then(|| Context::map_current(f))
}

/// Returns the current context, or an empty context if the thread has none any more.
pub(crate) fn current() -> Context {
    map_current(Clone::clone).unwrap_or_default()
}

/// Returns whether the current panic is the expected one of a probe for the context. The panic hook ignores it.
pub(crate) fn is_probing() -> bool {
    PROBES.get()
}

/// Returns whether the thread still has a context. A call before the thread ends, which costs a nanosecond, makes later
/// calls in its destructors reliable.
pub(crate) fn is_alive() -> bool {
    ALIVE.try_with(|alive| alive.0).unwrap_or(false)
}
