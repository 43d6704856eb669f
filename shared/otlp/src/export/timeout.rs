//! [`Timeout`]: the timeout of an attempt to export a batch.

use std::time::Duration;

/// While attempts time out, the timeout grows to up to this multiple of its configured value, but not beyond a minute.
const TIMEOUT_GROWTH: u32 = 8;
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);

/// The timeout of an attempt to export a batch. The timeout grows while the collector is slow, so that batches do not
/// time out repeatedly.
pub(super) struct Timeout {
    setting: Duration,
    pub(super) current: Duration,
}

impl Timeout {
    pub(super) fn new(setting: Duration) -> Self {
        Self {
            setting,
            current: setting,
        }
    }

    pub(super) fn longest(&self) -> Duration {
        let longest = self.setting.saturating_mul(TIMEOUT_GROWTH);
        longest.min(LONGEST_TIMEOUT).max(self.setting)
    }

    pub(super) fn grow(&mut self) {
        self.current = self.current.saturating_mul(2).min(self.longest());
    }

    /// Sets the timeout to three times the duration of the last attempt, but not below its configured value and not
    /// above the longest timeout.
    pub(super) fn adapt(&mut self, took: Duration) {
        self.current = took.saturating_mul(3).clamp(self.setting, self.longest());
    }
}
