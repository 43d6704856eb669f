//! Flush and shutdown of the [`Queue`].

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use super::{Queue, Reason, State};
use crate::{LostSpans, export::batch::Batch};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Open,
    /// Shutting down: queued and newly ended spans may be exported until this deadline.
    Closing(Instant),
    /// Spans are no longer accepted.
    Closed,
}

/// The result of a flush.
#[derive(Debug)]
pub(in crate::export) struct Flush {
    /// Whether all spans that ended before the flush were exported or lost before its timeout.
    pub(in crate::export) in_time: bool,
    /// The spans lost since the previous flush, or since the start if there was none.
    pub(in crate::export) lost: LostSpans,
}

impl Queue {
    /// Returns the deadline of the exporter during shutdown, or `None` if the shutdown has not begun.
    pub(in crate::export) fn closing(&self) -> Option<Instant> {
        match self.lock().end {
            End::Open => None,
            End::Closing(deadline) => Some(deadline),
            End::Closed => Some(Instant::now()),
        }
    }

    /// Closes the open batch, so that all waiting spans are exported, and waits for up to `timeout` until each of them
    /// is exported or lost.
    pub(in crate::export) fn flush(&self, timeout: Duration) -> Flush {
        let mut state = self.lock();
        let before = state.lost_at_flush;
        if state.open.spans > 0 {
            self.close_batch(&mut state);
        }
        let next = state.next;
        let is_pending = move |state: &mut State| {
            let oldest = state.unsettled.keys().next();
            state.end != End::Closed && oldest.is_some_and(|number| *number < next)
        };
        let (mut state, _) = self
            .settled
            .wait_timeout_while(state, timeout, is_pending)
            .unwrap_or_else(PoisonError::into_inner);
        state.lost_at_flush = state.counts.lost;
        Flush {
            in_time: !is_pending(&mut state),
            lost: state.counts.lost.since(&before),
        }
    }

    /// Exports waiting spans for up to `timeout`, then rejects new spans. Returns false if the shutdown dropped spans.
    pub(in crate::export) fn close(&self, timeout: Duration) -> bool {
        let mut state = self.lock();
        let lost = state.counts.lost.shutdown;
        if state.end == End::Open {
            state.end = End::Closing(Instant::now() + timeout);
        }
        self.changed.notify_one();
        // The exporter stops at the same deadline by itself, and then needs time to log the spans that it could not
        // send.
        let (mut state, _) = self
            .settled
            .wait_timeout_while(state, timeout + Self::LAST_LOGS, |state| {
                state.end != End::Closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.end = End::Closed;
        state.give_up(|lost| &mut lost.shutdown);
        let all = state.counts.lost.shutdown == lost;
        drop(state);
        self.settled.notify_all();
        all
    }

    const LAST_LOGS: Duration = Duration::from_millis(500);

    /// Counts all waiting spans as lost because of the shutdown.
    pub(in crate::export) fn give_up(&self) {
        self.lock().give_up(|lost| &mut lost.shutdown);
    }

    /// Closes the queue after a panic of the exporter's thread, and counts all waiting spans as lost.
    pub(in crate::export) fn fail(&self) {
        let mut state = self.lock();
        state.end = End::Closed;
        state.give_up(|lost| &mut lost.export_failed);
        drop(state);
        self.settled.notify_all();
    }

    /// Closes the queue when the exporter's thread has completed the shutdown.
    pub(in crate::export) fn closed(&self) {
        self.lock().end = End::Closed;
        self.settled.notify_all();
    }
}

impl State {
    fn give_up(&mut self, reason: Reason) {
        *reason(&mut self.counts.lost) += self.counts.waiting;
        self.counts.waiting = 0;
        self.closed.clear();
        self.unsettled.clear();
        self.open = Batch::default();
        self.bytes = 0;
        self.plain_bytes = 0;
    }
}
