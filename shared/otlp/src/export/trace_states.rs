//! [`TraceStates`]: stores `tracestate` lists that the SDK's `TraceState` rejects, from the start of a span to its end.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use opentelemetry::{SpanId, trace::SpanContext};

/// The `tracestate` lists of unfinished spans whose callers sent keys such as `a@b@c`. W3C Trace Context Level 2 allows
/// such keys, but the SDK's `TraceState` does not.
#[derive(Debug, Default)]
pub(super) struct TraceStates {
    lists: Mutex<HashMap<SpanId, Box<str>>>,
    /// The length of `lists`. The length is almost always zero, so ending a span does not have to lock `lists`.
    len: AtomicUsize,
}

impl TraceStates {
    /// Stores the `tracestate` list that a sampled span inherits, if there is one.
    pub(super) fn store(&self, span: &SpanContext, list: Option<&str>) {
        if let Some(list) = list.filter(|_| span.is_sampled()) {
            let mut lists = self.lock();
            lists.insert(span.span_id(), list.into());
            self.len.store(lists.len(), Ordering::Relaxed);
        }
    }

    /// Removes and returns the stored `tracestate` list of a span.
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
