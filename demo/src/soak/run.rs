//! Runs one fault, from the start of the processes to their end.

use std::net::SocketAddr;
use std::time::Instant;

use rustix::process::Signal;

use super::arrivals::Arrived;
use super::handle::Collector;
use super::load::Load;
use super::proxy::Proxy;
use super::report::Report;
use super::services::Services;
use super::{Fault, SoakError, SoakFlags};

/// The collector's `Retry-After` in seconds.
const RETRY_AFTER: u64 = 5;
/// The timeout of exports in the faults that exceed it, in milliseconds.
const TIMEOUT: u64 = 1000;
/// The export delay in milliseconds. Short, so that a short fault affects several requests.
const DELAY: u64 = 200;
/// The delay of the slow collector, in milliseconds.
const SLOW: u64 = 2500;
/// The trace of the order whose spans the collector refuses.
const POISON: &str = "badbadbadbadbadbadbadbadbadbadba";
/// The largest body that the collector takes, in bytes.
const LARGEST: usize = 16 * 1024;

pub(super) async fn run(fault: Fault, flags: &SoakFlags) -> Result<Report, SoakError> {
    let arrived = Arrived::default();
    let start = async |address| {
        let started = Collector::start(address, &arrived).await;
        started.map_err(SoakError::Collector)
    };
    let first = start(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = first.address;
    let mut collector = Some(first);
    if fault == Fault::Absent {
        stop(collector.take()).await?;
    }
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.map_err(SoakError::Client)?;
    let proxy = Proxy::start().await.map_err(SoakError::Proxy)?;
    let variables = variables(fault, &proxy);
    let mut services = Services::start(address, &client, &variables).await?;
    let mut load = Load::new(services.address, client);

    if fault != Fault::Flood {
        load.at_rate(flags.rate, flags.around).await;
    }
    if matches!(fault, Fault::SickBackend | Fault::DeadConnection) {
        // Both services have a connection once they have exported their spans.
        services.sent().await;
    }
    let began = Instant::now();
    begin(fault, &mut collector).await?;
    if fault == Fault::Poison {
        load.with_trace(POISON).await;
    }
    match fault {
        Fault::Flood => load.flood(flags.connections, flags.lasts).await,
        _ => load.at_rate(flags.rate, flags.lasts).await,
    }
    let backlog = services.waiting().await;
    if matches!(fault, Fault::Absent | Fault::Stopped) {
        collector = Some(start(address).await?);
    }
    let catching_up = tokio::spawn(arrived.clone().catch_up(Instant::now(), backlog));
    end(fault, collector.as_mut()).await?;
    if fault.spares_services() && fault != Fault::Flood {
        load.at_rate(flags.rate, flags.around).await;
    }
    let memory = services.memory();
    let (answers, counters, took_to_end) = if fault.spares_services() {
        let answers = load.answers().await;
        services.sent().await;
        let ended = services.stop().await?;
        (answers, services.counters(), ended)
    } else {
        // Orders are sent while the services shut down, and after that.
        let ended = tokio::join!(services.stop(), load.at_rate(flags.rate, flags.around)).0?;
        (load.answers().await, services.counters(), ended)
    };
    stop(collector).await?;
    let was_away = matches!(
        fault,
        Fault::Absent | Fault::Stopped | Fault::Paused | Fault::Unavailable
    );
    let caught_up = if was_away {
        catching_up.await.ok()
    } else {
        catching_up.abort();
        None
    };
    let placed = answers.iter().filter_map(|answer| answer.placed.as_deref());
    Ok(Report {
        fault,
        began,
        arrived: arrived.tally(placed),
        answers,
        counters,
        memory,
        caught_up,
        took_to_end,
    })
}

/// Returns the additional environment variables of the services.
fn variables(fault: Fault, proxy: &Proxy) -> Vec<(&'static str, String)> {
    // Batches must exceed the limit, also at a low rate.
    let delay = if fault == Fault::TooLarge {
        5 * DELAY
    } else {
        DELAY
    };
    let mut variables = vec![("OTEL_BSP_SCHEDULE_DELAY", delay.to_string())];
    match fault {
        Fault::Slow | Fault::DeadConnection => {
            variables.push(("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT.to_string()));
        }
        Fault::Proxy => variables.extend([
            ("http_proxy", format!("http://{}", proxy.address)),
            ("NO_PROXY", String::new()),
            ("no_proxy", String::new()),
        ]),
        _ => {}
    }
    variables
}

async fn begin(fault: Fault, collector: &mut Option<Collector>) -> Result<(), SoakError> {
    match (fault, collector.as_mut()) {
        (Fault::Stopped | Fault::ShutdownAlone, _) => return stop(collector.take()).await,
        (Fault::Paused, Some(collector)) => collector.signal(Signal::STOP),
        (Fault::Unavailable, Some(collector)) => {
            let answer = format!("retry-after {RETRY_AFTER}");
            collector.send(&answer).await
        }
        (Fault::Slow, Some(collector)) => collector.send(&format!("slow {SLOW}")).await,
        (Fault::SickBackend, Some(collector)) => collector.send("sick").await,
        (Fault::DeadConnection, Some(collector)) => collector.send("dead").await,
        (Fault::Poison, Some(collector)) => collector.send(&format!("poison {POISON}")).await,
        (Fault::TooLarge, Some(collector)) => collector.send(&format!("too-large {LARGEST}")).await,
        _ => Ok(()),
    }
    .map_err(SoakError::Collector)
}

async fn end(fault: Fault, collector: Option<&mut Collector>) -> Result<(), SoakError> {
    match (fault, collector) {
        (Fault::Paused, Some(collector)) => collector.signal(Signal::CONT),
        (Fault::Unavailable | Fault::Slow, Some(collector)) => collector.send("take").await,
        _ => Ok(()),
    }
    .map_err(SoakError::Collector)
}

async fn stop(collector: Option<Collector>) -> Result<(), SoakError> {
    match collector {
        Some(collector) => collector.stop().await.map_err(SoakError::Collector),
        None => Ok(()),
    }
}
