//! [`Timeout`]: the timeout of an attempt.

use std::time::Duration;

/// Attempts that time out make the timeout grow to this many times its setting, but not beyond a minute.
const TIMEOUT_GROWTH: u32 = 8;
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);

/// The timeout of an attempt. It grows while the collector is slow, so that batches do not time out repeatedly.
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

    /// Sets the timeout to three times the duration of a response, within the bounds.
    pub(super) fn adapt(&mut self, took: Duration) {
        self.current = took.saturating_mul(3).clamp(self.setting, self.longest());
    }
}
