//! [`contained`]: keeps a panic from the code that ends a span, and from the exporter's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns `None` if `work` panics. The panic hook has reported the panic.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
