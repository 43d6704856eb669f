//! Maximum times for the start and the shutdown of a service.

use std::time::Duration;

use shared::config;
use shared::serve::{DRAIN_TIMEOUT, FLUSH_TIMEOUT, Limits, TASK_TIMEOUT};

/// Maximum time until a started service answers `/readyz`.
pub(super) const START: Duration = Duration::from_secs(30);
/// The part of [`grace`] for shutdown phases outside of the library: closing inventory's database and cutting off
/// connections.
const MARGIN: Duration = Duration::from_secs(10);

/// Returns the maximum time from SIGTERM until a service is killed: the sum of the shutdown limits in
/// `docs/promises.md` and a margin.
pub(super) fn grace() -> Duration {
    let limits = Limits::read(&config::variable, &Limits::default());
    // An invalid setting counts as no delay, since a service with an invalid setting does not start.
    let delay = limits.map_or(Duration::ZERO, |limits| limits.shutdown_delay);
    delay + DRAIN_TIMEOUT + TASK_TIMEOUT + FLUSH_TIMEOUT + MARGIN
}
