//! Runs the whole demo with one command, without Docker: both services as child processes, a receiver for their OTLP
//! spans, and a viewer for their traces.
//!
//! # Layout
//!
//! - [`processes`]: the services, each a child process
//! - [`logs`]: prints the services' log lines
//! - [`viewer`], a separate crate in the folder `viewer`: receives the services' spans, stores them and shows the traces
//! - [`stack`]: starts and stops everything, on the [`ports`] of the command line
//! - [`cli`] and [`console`]: the command line, and the commands typed while the demo runs
//! - [`mod@tour`]: runs every example request of the catalogue and every pitfall, and checks the results
//! - [`drawing`]: a trace as text; [`terminal`] has the width and the colors

#![allow(
    clippy::disallowed_methods,
    reason = "the banned methods lose the trace context, and the demo itself is not traced"
)]

use std::process::ExitCode;
use std::sync::Arc;

use checkout::catalogue::ROWS;
use tokio::runtime::Runtime;
use viewer::LogLine;

use crate::cli::{Cli, Command};
use crate::console::{Console, Order};
use crate::logs::{human, print, say};
use crate::ports::PortFlags;
use crate::role::Role;
use crate::signals::Signals;
use crate::stack::{Addresses, Stack, StackError};
use crate::terminal::Screen;
use crate::tour::TourFlags;
use crate::verbosity::Verbosity;

pub mod cli;
pub mod console;
pub mod drawing;
pub mod logs;
pub mod ports;
pub mod processes;
pub mod role;
pub mod signals;
mod sqlite_url;
pub mod stack;
pub mod terminal;
pub mod tour;
pub mod verbosity;

/// Runs the command given on the command line: the demo until Ctrl-C, the tour or one of the child processes.
pub fn main() -> ExitCode {
    let cli = Cli::read();
    match cli.command {
        None => run(serve(cli.ports)),
        Some(Command::Tour(flags)) => run(tour(cli.ports, flags)),
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

/// An error that ends the demo.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("cannot listen for Ctrl-C")]
    Signals(#[source] std::io::Error),
    #[error("second signal: services killed")]
    Killed,
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Tour(#[from] tour::TourError),
}

async fn serve(ports: PortFlags) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen().map_err(Error::Signals)?;
    let verbosity = Verbosity::from_env();
    let logs = Arc::new(move |line| {
        if verbosity.shows(&line) {
            stream(&line);
        }
    });
    let mut stack = Stack::open(ports.or_documented(), logs).await?;
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

/// Stops the services. Another signal during the shutdown kills the remaining processes.
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
            let mut console = Console::open();
            loop {
                let typed = tokio::select! {
                    died = stack.service_died() => return died,
                    typed = console.typed() => typed,
                };
                match typed {
                    Ok(order) => obey(stack, order).await,
                    Err(error) => say(&error.to_string()),
                }
            }
        }
        Err(error) => error,
    }
}

/// Runs a typed command. A failure is printed, and the demo continues.
async fn obey(stack: &mut Stack, order: Order) {
    let done = match order {
        Order::Stop(role) if stack.runs(role) => stack.stop_service(role).await.map(|()| {
            let name = role.name();
            format!("{name} is stopped; `start {name}` brings it back")
        }),
        Order::Stop(role) => Ok(format!("{} is not running", role.name())),
        Order::Start(role) if stack.runs(role) => Ok(format!("{} is running", role.name())),
        Order::Start(role) => stack
            .start_service(role)
            .await
            .map(|address| format!("{} is back at http://{address}", role.name())),
    };
    match done {
        Ok(done) => say(&done),
        Err(error) => report(&error),
    }
}

async fn tour(ports: PortFlags, flags: TourFlags) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen().map_err(Error::Signals)?;
    let journal = Arc::new(tour::Journal::new(Verbosity::from_env()));
    let sink = Arc::clone(&journal);
    let logs = Arc::new(move |line| sink.push(line));
    let mut stack = Stack::open(ports.or_free(), logs).await?;
    if std::env::var_os("INVENTORY_TIMEOUT").is_none() {
        stack.inventory_timeout = Some(tour::INVENTORY_TIMEOUT);
    }
    let outcome = tokio::select! {
        outcome = tour::run(&mut stack, &journal, Screen::stdout(), &flags) => outcome,
        () = signals.received() => Err(tour::TourError::Interrupted),
    };
    if flags.keep && outcome.is_ok() {
        signals.received().await;
    }
    let stopped = stop(stack, &mut signals).await;
    let passed = outcome?;
    stopped?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints the addresses of the servers and an example request. Scripts parse the lines that contain a name, spaces and
/// a URL.
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
",
        otlp = stack.otlp,
        ui = stack.ui,
    ));
    say(&Screen::stdout().prose(
        "Open checkout's page in a browser and press its buttons: each shows what came of it, with its trace. Or send \
         an order from another terminal, and look it up in the list of traces:",
    ));
    say(&format!(
        "
  curl -i http://{checkout}/checkout -H 'content-type: application/json' -d '{{\"item_id\":\"item-123\"}}'
"
    ));
    let items = ROWS.iter().map(|row| row.name);
    let items: Vec<_> = items.filter(|name| name.starts_with("item-")).collect();
    say(&Screen::stdout().prose(&format!(
        "The items: {}. To see an order fail without inventory, type `stop inventory` here, and later \
         `start inventory`. All at once, each with its logs and its trace: cargo run -p demo -- tour. Ctrl-C stops \
         everything.",
        items.join(", "),
    )));
    say("");
}

/// Prints a log line, formatted for people or, with `LOG_FORMAT=json`, unchanged.
fn stream(line: &LogLine) {
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        print(&line.raw);
    } else {
        print(&human(line, Screen::stdout()));
    }
}

/// Prints the error and its causes on one line.
fn report(error: &dyn std::error::Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    say(&text);
}
