//! [`contained`]: catches panics, so that they reach neither the code that ends a span nor the exporter's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `work` and catches a panic. After a panic, which the panic hook has reported, returns `None`.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
