//! [`ConnectTimeout`]: the timeout for establishing a connection, including the DNS lookup.

use std::time::Duration;

use crate::export::settings::Settings;

/// The timeout for establishing a connection. Starts short, so that a restarted collector is found soon, and doubles
/// while connections time out, since a DNS lookup may be slow when the first name server is down.
#[derive(Debug)]
pub(super) struct ConnectTimeout {
    current: Duration,
    longest: Duration,
}

impl ConnectTimeout {
    const FIRST: Duration = Duration::from_secs(2);

    pub(super) fn new(settings: &Settings) -> Self {
        // Shorter than the timeout of the whole attempt, so that a failed connection is not reported as a missing
        // response.
        let longest = settings.timeout / 20 * 19;
        Self {
            current: Self::FIRST.min(longest),
            longest,
        }
    }

    pub(super) fn get(&self) -> Duration {
        self.current
    }

    /// Doubles the connect timeout after a connection timed out.
    pub(super) fn grow(&mut self) {
        self.current = self.current.saturating_mul(2).min(self.longest);
    }

    /// Resets the connect timeout after a response.
    pub(super) fn reset(&mut self) {
        self.current = Self::FIRST.min(self.longest);
    }
}
