//! The maximum times for the start and the end of a service.

use std::time::Duration;

use shared::config;
use shared::serve::{DRAIN_TIMEOUT, FLUSH_TIMEOUT, Limits, TASK_TIMEOUT};

/// Maximum time until a started service answers `/readyz`.
pub(super) const START: Duration = Duration::from_secs(30);
/// The part of [`grace`] for the phases outside of the library: closing inventory's database and cutting connections
/// off.
const MARGIN: Duration = Duration::from_secs(10);

/// Returns the time a service may take to end after SIGTERM before it is killed: the limits of `docs/promises.md` and a margin.
pub(super) fn grace() -> Duration {
    let limits = Limits::read(&config::variable, &Limits::default());
    // A service with an invalid setting does not start.
    let delay = limits.map_or(Duration::ZERO, |limits| limits.shutdown_delay);
    delay + DRAIN_TIMEOUT + TASK_TIMEOUT + FLUSH_TIMEOUT + MARGIN
}
