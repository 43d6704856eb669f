//! The maximum times for the start and the end of a service.

use std::time::Duration;

use shared::config;
use shared::serve::{DRAIN_TIMEOUT, FLUSH_TIMEOUT, Limits, TASK_TIMEOUT};

/// How long a service may take until it answers `/readyz`.
pub(super) const START: Duration = Duration::from_secs(30);
/// The part of [`grace`] beyond the phases that the library names: inventory's database, and connections cut off.
const MARGIN: Duration = Duration::from_secs(10);

/// Returns the time a service may take to end after SIGTERM before it is killed: the limits of `docs/promises.md` and a margin.
pub(super) fn grace() -> Duration {
    let limits = Limits::read(&config::variable, &Limits::default());
    // With a setting that cannot be read, the service does not start.
    let delay = limits.map_or(Duration::ZERO, |limits| limits.shutdown_delay);
    delay + DRAIN_TIMEOUT + TASK_TIMEOUT + FLUSH_TIMEOUT + MARGIN
}
