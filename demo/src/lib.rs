//! Everything in one command, without Docker: both services as child processes, a receiver for their OTLP, and a viewer
//! for their traces.
//!
//! # Layout
//!
//! A request's spans pass through these files in this order:
//!
//! - [`processes`]: the services, each a child process; their log lines ([`logs`])
//! - [`receiver`]: `POST /v1/traces`, where the services' exporters send their spans
//! - [`store`]: the traces and their log lines, in bounded memory
//! - [`waterfall`]: a trace laid out in rows and bars
//! - [`summary`], [`failure`], [`related`], [`calls`], [`comparison`]: what is told about it, about all of them, about two
//! - [`pages`], [`api`]: the trace as a page, and as JSON like Jaeger's
//! - [`terminal`]: the trace as text
//!
//! Around them: [`cli`] reads the command line, [`stack`] brings everything up and down, [`mod@tour`] runs every request of
//! the catalogue and every pitfall of the lab, and checks what comes of it.

#![allow(
    clippy::disallowed_methods,
    reason = "what is banned loses a trace, and the demo itself is never traced: it shows the traces of others"
)]

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Cli, Command, PortFlags, Role};
use crate::logs::{LogLine, print, say};
use crate::stack::{Addresses, Stack, StackError};
use crate::terminal::Screen;

pub mod api;
pub mod attributes;
pub mod backtrace;
pub mod calls;
pub mod cli;
pub mod comparison;
pub mod duration;
pub mod failure;
pub mod logs;
pub mod pages;
pub mod processes;
pub mod receiver;
pub mod related;
pub mod stack;
pub mod store;
pub mod summary;
pub mod terminal;
pub mod tour;
pub mod waterfall;

#[cfg(test)]
mod testing;

/// Does what the command line asks for: serve until Ctrl-C, tour, or be one of the child processes.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        None => run(serve(cli.ports)),
        Some(Command::Tour) => run(tour(cli.ports)),
        Some(Command::Service { role }) => {
            processes::end_with_parent();
            match role {
                Role::Checkout => checkout::main(),
                Role::Inventory => inventory::main(),
            }
        }
        Some(Command::UnflushedExit { fixed }) => checkout::unflushed_exit(fixed),
    }
}

fn run(work: impl Future<Output = Result<ExitCode, Error>>) -> ExitCode {
    let outcome = Runtime::new()
        .map_err(Error::Runtime)
        .and_then(|runtime| runtime.block_on(work));
    outcome.unwrap_or_else(|error| {
        report(&error);
        ExitCode::FAILURE
    })
}

/// What ends the demo early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("cannot listen for Ctrl-C")]
    Signals(#[source] std::io::Error),
    #[error("told to stop a second time: the services were killed")]
    Killed,
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Tour(#[from] tour::TourError),
}

async fn serve(ports: PortFlags) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let mut stack = Stack::open(ports.or_documented(), Arc::new(|line| stream(&line))).await?;
    let outcome = tokio::select! {
        died = start_and_watch(&mut stack) => Err(died),
        () = signals.received() => Ok(()),
    };
    say("stopping");
    let stopped = stop(stack, &mut signals).await;
    outcome?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// Stops everything; a signal while that goes on kills what still runs.
async fn stop(stack: Stack, signals: &mut Signals) -> Result<(), Error> {
    tokio::select! {
        stopped = stack.stop() => Ok(stopped?),
        () = signals.received() => Err(Error::Killed),
    }
}

async fn start_and_watch(stack: &mut Stack) -> StackError {
    match stack.start_services().await {
        Ok(addresses) => {
            welcome(stack, addresses);
            stack.service_died().await
        }
        Err(error) => error,
    }
}

async fn tour(ports: PortFlags) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let journal = Arc::new(tour::Journal::default());
    let sink = Arc::clone(&journal);
    let logs = Arc::new(move |line| sink.push(line));
    let mut stack = Stack::open(ports.or_free(), logs).await?;
    let outcome = tokio::select! {
        outcome = tour::run(&mut stack, &journal, Screen::stdout()) => outcome,
        () = signals.received() => Err(tour::TourError::Interrupted),
    };
    let stopped = stop(stack, &mut signals).await;
    let passed = outcome?;
    stopped?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where to go. Scripts read the addresses from these lines, so a line is a name, spaces, and a URL.
fn welcome(stack: &Stack, addresses: Addresses) {
    let Addresses {
        checkout,
        inventory,
    } = addresses;
    say(&format!(
        "
checkout   http://{checkout}
inventory  http://{inventory}
otlp       http://{otlp}
traces     http://{ui}

Send an order, and open the list of traces above:

  curl -i --json '{{\"item_id\":\"item-123\"}}' http://{checkout}/checkout

Other items: item-sold-out, item-slow, item-stuck, item-corrupt; or use the buttons on checkout's own page.
All of them at once, each with its logs and its trace: cargo run -p demo -- tour
How traces break: GET http://{checkout}/pitfalls lists the ways, POST /pitfalls/{{name}} shows one, ?fixed=true mends it.
Ctrl-C stops everything.
",
        otlp = stack.otlp,
        ui = stack.ui,
    ));
}

/// Shows a log line as it comes: for people, or with `LOG_FORMAT=json` as it is.
fn stream(line: &LogLine) {
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        print(&line.raw);
    } else {
        print(&line.human(Screen::stdout()));
    }
}

/// Ctrl-C, and what `kill` sends.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

/// The error and everything that caused it, on one line.
fn report(error: &dyn std::error::Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    say(&text);
}

/// The example for who lifts the library compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/lift.md")]
pub struct Lift;
