//! `soak`: sends orders at a steady rate during a fault, and reports its cost in requests, spans, time and memory.
//!
//! `fault` lists the faults, `run` runs one from start to end, and `report` compares the counts. The services (`services`, built
//! by `programs`) and the collector are real processes: `collector` is the collector process, `handle` controls it, and
//! `arrivals` counts the spans that it received. `load` sends the orders. `proxy` is a proxy that refuses every request, and
//! `namespace` and `names` are a network with a dead name server.

mod arrivals;
mod child;
mod collector;
mod fault;
mod handle;
mod load;
mod names;
mod namespace;
mod programs;
mod proxy;
mod report;
mod run;
mod service;
mod services;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum as _};
use tokio::signal::unix::{SignalKind, signal};

use self::fault::Fault;

pub(crate) use self::collector::run as collector;

/// The faults to run, and their rates and durations.
#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// Run only these faults [default: all]
    #[arg(value_name = "FAULT")]
    faults: Vec<Fault>,
    /// Orders per second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How long each fault lasts; `poison` also lasts until its batches are dropped
    #[arg(long, default_value = "60s", value_parser = duration)]
    lasts: Duration,
    /// How long orders are sent before and after each fault
    #[arg(long, default_value = "10s", value_parser = duration)]
    around: Duration,
    /// Number of connections during the flood
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Folder with the programs checkout and inventory [default: cargo builds them]
    #[arg(long, value_name = "FOLDER", env = "SOAK_SERVICES")]
    services: Option<PathBuf>,
    /// This process runs in the network namespace of `slow-name`
    #[arg(long, hide = true)]
    in_namespace: bool,
}

/// Parses the duration of a part of the soak.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| (Duration::from_secs(1)..=Duration::from_hours(24)).contains(duration))
        .ok_or_else(|| "expected a duration from 1s to 24h, such as 90s".to_owned())
}

/// Runs each fault and prints a row for it. The exit code reports whether all promises were kept.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<ExitCode> {
    let programs = match &plan.services {
        Some(folder) => folder.canonicalize()?,
        None => programs::build()?,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        // Dropping the future kills its processes.
        tokio::select! {
            kept = run_faults(plan, &programs) => Ok(if kept? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            () = interrupted()? => bail!("stopped: the soak has no result"),
        }
    })
}

async fn run_faults(plan: &Plan, programs: &Path) -> anyhow::Result<bool> {
    let is_named = !plan.faults.is_empty();
    let faults = if is_named {
        &plan.faults
    } else {
        Fault::value_variants()
    };
    if !plan.in_namespace {
        println!("{}", report::HEAD);
    }
    let mut kept = true;
    for fault in faults {
        if *fault == Fault::SlowName && !plan.in_namespace {
            kept &= match namespace::available().await {
                Ok(()) => namespace::run(plan, programs).await?,
                Err(reason) => {
                    eprintln!("slow-name: skipped: {reason}");
                    !is_named
                }
            };
            continue;
        }
        let report = run::run(*fault, plan, programs).await?;
        println!("{}", report.row());
        for broken in report.broken() {
            eprintln!("{}: {broken}", fault.name());
            kept = false;
        }
    }
    Ok(kept)
}

/// Resolves at Ctrl-C, SIGTERM or a closed terminal, unless `nohup` ignores the latter.
fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let hangup = shared::serve::hangup()?;
    Ok(async move {
        let hung_up = async {
            match hangup {
                Some(mut hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    })
}
