//! What tracing costs a request over two hops, beside what others cost.
//!
//! `hop` is the command: it runs each variant (`variant`) as processes of their own, which are this program again: two
//! services (`service`) and where their spans go (`sink`). README.md says how to read what it prints.

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

/// What tracing costs, measured.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A calls B, each a process: requests/s, CPU and allocations a request of every variant.
    Hop(Plan),
    /// One of the two services; `hop` starts it.
    #[command(hide = true)]
    Service {
        variant: Variant,
        /// Where B is; without it this is B.
        #[arg(long)]
        calls: Option<SocketAddr>,
        #[arg(long)]
        count_allocations: bool,
    },
    /// Where spans are sent; `hop` starts it.
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
