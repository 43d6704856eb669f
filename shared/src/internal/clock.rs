//! [`Clock`]: the time of the spans of one request, which a step of the system clock does not change.

use std::time::{Instant, SystemTime};

/// The system time at one moment, continued with the monotonic clock.
///
/// All spans below a span that this crate starts share its clock, so they lie within their parent and none of them ends
/// before it starts, even if the system clock is set back while they run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    anchor: SystemTime,
    read_at: Instant,
}

impl Clock {
    /// Starts a clock at the current system time.
    pub(crate) fn start() -> Self {
        Self {
            anchor: SystemTime::now(),
            read_at: Instant::now(),
        }
    }

    /// Returns the time at which the clock was started.
    pub(crate) fn started_at(&self) -> SystemTime {
        self.anchor
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.anchor + self.read_at.elapsed()
    }

    /// Converts a time that was just read from the system clock, such as the end of a span.
    pub(crate) fn convert(&self, time: SystemTime) -> SystemTime {
        match SystemTime::now().duration_since(time) {
            Ok(ago) => self.now().checked_sub(ago),
            Err(ahead) => self.now().checked_add(ahead.duration()),
        }
        .unwrap_or(time)
    }
}
