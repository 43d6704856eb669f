//! `soak`: sends orders at a steady rate during a fault, and reports its cost in requests, spans, time and memory.
//!
//! `plan` has the flags and `fault` the faults, `run` runs one fault from start to end, and `report` compares the
//! counts. The services (`services`, built by `programs`) and the collector are real processes: `collector` is the
//! collector process, `handle` controls it, and `arrivals` counts the spans that it received. `load` sends the orders.
//! `proxy` is a proxy that refuses every request, and `namespace` and `names` provide a network with a dead name
//! server.

mod arrivals;
mod child;
mod collector;
mod fault;
mod handle;
mod load;
mod names;
mod namespace;
mod plan;
mod programs;
mod proxy;
mod report;
mod run;
mod service;
mod services;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use tokio::signal::unix::{SignalKind, signal};

use self::fault::Fault;

pub(crate) use self::collector::run as collector;
pub(crate) use self::plan::Plan;

/// Runs each fault and prints a row for it. The exit code reports whether all checks passed.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<ExitCode> {
    let programs = match &plan.services {
        Some(folder) => folder.canonicalize().with_context(|| {
            let folder = folder.display();
            format!(
                "--services {folder}: expected a folder with the programs checkout and inventory"
            )
        })?,
        None => programs::build()?,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        // If a signal arrives, dropping the future of `run_faults` kills its child processes.
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

/// Resolves on Ctrl-C, on SIGTERM, or when the terminal closes, unless `nohup` ignores the closed terminal.
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
