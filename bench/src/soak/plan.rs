//! [`Plan`]: the flags of the soak.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::fault::Fault;

/// The faults to run, and their rates and durations.
#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// Run only these faults [default: all]
    #[arg(value_name = "FAULT")]
    pub(super) faults: Vec<Fault>,
    /// Orders per second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,
    /// How long each fault lasts; `poison` also lasts until its batches are dropped
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(super) lasts: Duration,
    /// How long orders are sent before and after each fault
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(super) around: Duration,
    /// Number of connections during the flood
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) connections: u32,
    /// Folder with the programs checkout and inventory [default: cargo builds them]
    #[arg(long, value_name = "FOLDER", env = "SOAK_SERVICES")]
    pub(super) services: Option<PathBuf>,
    /// This process runs in the network namespace of `slow-name`
    #[arg(long, hide = true)]
    pub(super) in_namespace: bool,
}

/// Parses the duration of a part of the soak.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| (Duration::from_secs(1)..=Duration::from_hours(24)).contains(duration))
        .ok_or_else(|| "expected a duration from 1s to 24h, such as 90s".to_owned())
}
