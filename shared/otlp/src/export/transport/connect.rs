//! [`ConnectTimeout`]: the time a connection may take to be established, the name lookup included.

use std::time::Duration;

use crate::export::settings::Settings;

/// Starts short, so that a restarted collector is found soon, and doubles while connections time out: a name may resolve
/// slowly when the first name server is down.
#[derive(Debug)]
pub(super) struct ConnectTimeout {
    current: Duration,
    longest: Duration,
}

impl ConnectTimeout {
    const FIRST: Duration = Duration::from_secs(2);

    pub(super) fn new(settings: &Settings) -> Self {
        // Shorter than the timeout of the attempt, so that a connection that cannot be established is not reported as a
        // collector that does not answer.
        let longest = settings.timeout / 20 * 19;
        Self {
            current: Self::FIRST.min(longest),
            longest,
        }
    }

    pub(super) fn get(&self) -> Duration {
        self.current
    }

    /// Doubles the timeout after a connection that timed out.
    pub(super) fn grow(&mut self) {
        self.current = self.current.saturating_mul(2).min(self.longest);
    }

    /// Starts over after the collector has answered.
    pub(super) fn reset(&mut self) {
        self.current = Self::FIRST.min(self.longest);
    }
}
