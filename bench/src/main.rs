//! Measures the cost of tracing, and of faults while spans are exported.
//!
//! The command `hop` runs each variant (`variant`) as three processes of this program: two services (`service`) and the
//! receiver of their spans (`sink`). The command `soak` runs checkout and inventory during faults. README.md explains the
//! output of both.

mod allocator;
mod control;
mod hop;
mod otlp;
mod service;
mod sink;
mod soak;
mod variant;

use std::{net::SocketAddr, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{hop::Plan, service::Service, variant::Variant};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Measures the cost of tracing, and of faults while spans are exported.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure two services, of which A calls B: requests/s, CPU and allocations per request for each variant
    Hop(Plan),
    /// Send orders while the collector fails or the services shut down: failed orders, lost spans, latency and memory
    Soak(soak::Plan),
    /// One of the two services; started by `hop`
    #[command(hide = true)]
    Service {
        variant: Variant,
        /// Address of B; without it, this process is B
        #[arg(long)]
        calls: Option<SocketAddr>,
        #[arg(long)]
        count_allocations: bool,
    },
    /// The receiver of the spans; started by `hop`
    #[command(hide = true)]
    Sink,
    /// The collector; started by `soak`
    #[command(hide = true)]
    SoakCollector {
        /// Port 0 selects any free port
        address: SocketAddr,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Hop(plan) => hop::run(&plan)?,
        Command::Soak(plan) => return soak::run(&plan),
        Command::Service {
            variant,
            calls,
            count_allocations,
        } => service::run(variant, Service { calls }, count_allocations)?,
        Command::Sink => sink::run()?,
        Command::SoakCollector { address } => soak::collector(address)?,
    }
    Ok(ExitCode::SUCCESS)
}
