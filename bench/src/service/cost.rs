//! [`Meter`]: measures the cost of this process since a point in time.

use std::sync::{Arc, OnceLock};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use crate::{allocator, control::Cost};

#[derive(Clone)]
pub(super) struct Meter {
    count_allocations: bool,
    started: Arc<OnceLock<f64>>,
}

impl Meter {
    pub(super) fn new(count_allocations: bool) -> Self {
        Self {
            count_allocations,
            started: Arc::default(),
        }
    }

    pub(super) fn start(&self) {
        if self.count_allocations {
            allocator::count();
        }
        if let Ok(now) = cpu_us() {
            let _ = self.started.set(now);
        }
    }

    /// Returns the cost since `start`, or since the start of the process.
    pub(super) fn read(&self) -> anyhow::Result<Cost> {
        Ok(Cost {
            cpu_us: cpu_us()? - self.started.get().unwrap_or(&0.0),
            allocations: allocator::allocations(),
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the microseconds of a minute fit"
)]
fn cpu_us() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64)
}
