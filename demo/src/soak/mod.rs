//! `demo soak`: sends orders at a steady rate during a fault, and reports its cost in requests, spans, time and memory.
//!
//! The services and the collector are real processes. `collector` is the collector process, `handle` controls it, and
//! `arrivals` counts the spans that it received. `proxy` is a proxy that refuses every request. `load` sends the orders, `run`
//! runs one fault from start to end, and `report` compares the counts.

mod arrivals;
mod collector;
mod handle;
mod load;
mod proxy;
mod report;
mod run;
mod services;

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::logs::{print, say};
use crate::processes::ProcessError;

pub(crate) use collector::CollectorArguments;
pub use collector::main as collector;

/// The faults to run, and their rates and durations.
#[derive(Clone, Debug, Args)]
pub struct SoakFlags {
    /// Run only these faults [default: all]
    #[arg(value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// Orders per second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// How long each fault lasts
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub lasts: Duration,
    /// How long orders are sent before and after each fault
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub around: Duration,
    /// Number of connections during the flood
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
}

/// Parses the duration of a part of the soak.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| (Duration::from_secs(1)..=Duration::from_hours(24)).contains(duration))
        .ok_or_else(|| "expected a duration from 1s to 24h, such as 90s".to_owned())
}

/// A fault that occurs while orders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// The collector is missing at the start
    Absent,
    /// The collector is stopped and started again
    Stopped,
    /// The collector is paused (SIGSTOP) and resumed
    Paused,
    /// The collector answers 503 with Retry-After
    Unavailable,
    /// The collector answers after longer than `OTEL_EXPORTER_OTLP_TIMEOUT`
    Slow,
    /// The collector answers 503 on its open connections, and takes spans on new ones
    SickBackend,
    /// The collector stops answering on its open connections, and takes spans on new ones
    DeadConnection,
    /// The collector answers 503 to every request with a span of one order
    Poison,
    /// The collector answers 413 to bodies over 16 KiB
    TooLarge,
    /// `http_proxy` names a proxy that answers 403, and the collector is on loopback
    Proxy,
    /// Both services shut down (SIGTERM) while the collector is available
    Shutdown,
    /// Both services shut down while the collector is stopped
    ShutdownAlone,
    /// As many orders as the services can handle
    Flood,
}

/// The reason why a soak has no result.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// The directory for inventory's database could not be created.
    #[error("cannot make a temporary directory for inventory's database")]
    Directory(#[source] std::io::Error),
    /// The HTTP client for the orders could not be created.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The collector could not be started or controlled.
    #[error("the collector failed")]
    Collector(#[source] std::io::Error),
    /// The proxy could not be started.
    #[error("the proxy failed")]
    Proxy(#[source] std::io::Error),
    /// A service's process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Runs each fault and prints a row for it. Returns false if a promise was broken.
///
/// # Errors
///
/// Returns an error if a process cannot be started or controlled.
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

    /// Whether the collector process reports the requests that the fault affects.
    fn is_counted(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::Slow
                | Self::SickBackend
                | Self::DeadConnection
                | Self::Poison
                | Self::TooLarge
        )
    }

    /// Whether the services keep running, so that every order must succeed.
    fn spares_services(self) -> bool {
        !matches!(self, Self::Shutdown | Self::ShutdownAlone)
    }
}
