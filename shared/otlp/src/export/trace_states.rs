//! [`TraceStates`]: lists of `tracestate` that the SDK's type cannot hold, from the start of a span to its end.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use opentelemetry::{SpanId, trace::SpanContext};

/// The lists of live spans whose callers sent one with keys such as `a@b@c`: W3C Trace Context Level 2 allows them, the SDK's
/// `TraceState` does not.
#[derive(Debug, Default)]
pub(super) struct TraceStates {
    lists: Mutex<HashMap<SpanId, Box<str>>>,
    /// The length of `lists`. Almost always zero, so ended spans need no lock.
    len: AtomicUsize,
}

impl TraceStates {
    /// Stores the list that the span inherits, if there is one.
    pub(super) fn store(&self, span: &SpanContext, list: Option<&str>) {
        if let Some(list) = list.filter(|_| span.is_sampled()) {
            let mut lists = self.lock();
            lists.insert(span.span_id(), list.into());
            self.len.store(lists.len(), Ordering::Relaxed);
        }
    }

    /// Removes and returns the stored list of a span.
    pub(super) fn take(&self, span: &SpanContext) -> Option<Box<str>> {
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut lists = self.lock();
        let list = lists.remove(&span.span_id());
        self.len.store(lists.len(), Ordering::Relaxed);
        list
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpanId, Box<str>>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
