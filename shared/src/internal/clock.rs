//! [`Clock`]: the time of all spans of one request, unaffected by changes of the system clock.

use std::time::{Instant, SystemTime};

/// A clock that starts at the system time and continues with the monotonic clock.
///
/// All descendants of a span that this crate starts share its clock. They lie within their parent and do not end before
/// they start, even if the system clock is set back in the meantime.
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

    /// Converts a time that was just read from the system clock, such as the end of a span, to this clock.
    pub(crate) fn convert(&self, time: SystemTime) -> SystemTime {
        match SystemTime::now().duration_since(time) {
            Ok(ago) => self.now().checked_sub(ago),
            Err(ahead) => self.now().checked_add(ahead.duration()),
        }
        .unwrap_or(time)
    }
}
