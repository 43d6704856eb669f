//! Measures the cost of tracing a request over two hops, for several tracing libraries.
//!
//! The command `hop` runs each variant (`variant`) as three processes of this program: two services (`service`) and the
//! receiver of their spans (`sink`). README.md explains the output.

mod allocator;
mod control;
mod hop;
mod service;
mod sink;
mod variant;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};

use self::{hop::Plan, service::Service, variant::Variant};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Measures the cost of tracing.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A calls B, each a process: requests/s, CPU and allocations per request for each variant
    Hop(Plan),
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
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Hop(plan) => hop::run(&plan),
        Command::Service {
            variant,
            calls,
            count_allocations,
        } => service::run(variant, Service { calls }, count_allocations),
        Command::Sink => sink::run(),
    }
}
