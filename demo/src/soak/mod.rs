//! `demo soak`: orders at a steady rate while a fault lasts, and what it cost: requests, spans, time, memory.
//!
//! Nothing of it is simulated: the services are processes, the collector is a third one (`collector`) that is stopped,
//! paused and started again. `load` sends the orders, `run` is one fault from start to end, and `report` compares what every
//! part of it counted.

mod collector;
mod load;
mod report;
mod run;

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::logs::{print, say};
use crate::processes::ProcessError;

pub(crate) use collector::CollectorArguments;
pub use collector::main as collector;

/// What of the soak, and how long.
#[derive(Clone, Debug, Args)]
pub struct SoakFlags {
    /// Only these faults [default: all]
    #[arg(value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// Orders a second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// How long each fault lasts
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub lasts: Duration,
    /// How long orders are sent before a fault and after it
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub around: Duration,
    /// Connections of the flood
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
}

/// Reads how long a part of the soak takes.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| (Duration::from_secs(1)..=Duration::from_hours(24)).contains(duration))
        .ok_or_else(|| "expected a duration from 1s to 24h, such as 90s".to_owned())
}

/// What happens while orders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// No collector is there at the start
    Absent,
    /// The collector is stopped, and started again
    Stopped,
    /// The collector is paused (SIGSTOP), and goes on
    Paused,
    /// The collector answers 503 with Retry-After
    Unavailable,
    /// Both services shut down (SIGTERM) while the collector is available
    Shutdown,
    /// Both services shut down while the collector is gone
    ShutdownAlone,
    /// As many orders as the machine takes
    Flood,
}

/// Why a soak has no result.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// No directory for inventory's database.
    #[error("cannot make a temporary directory for inventory's database")]
    Directory(#[source] std::io::Error),
    /// No client to send the orders with.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The collector could not be started or controlled.
    #[error("the collector failed")]
    Collector(#[source] std::io::Error),
    /// A service's process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Runs each fault and prints a row for it; false if one of them did not keep what is promised.
///
/// # Errors
///
/// A process could not be run.
pub async fn soak(flags: &SoakFlags) -> Result<bool, SoakError> {
    let faults = if flags.faults.is_empty() {
        Fault::value_variants()
    } else {
        &flags.faults
    };
    print(report::HEAD);
    let mut kept = true;
    for fault in faults {
        let report = run::run(*fault, flags).await?;
        print(&report.row());
        for broken in report.broken() {
            say(&format!("{}: {broken}", fault.name()));
            kept = false;
        }
    }
    Ok(kept)
}

impl Fault {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether the services are to live through it, and so every order is to succeed.
    fn spares_services(self) -> bool {
        !matches!(self, Self::Shutdown | Self::ShutdownAlone)
    }
}
