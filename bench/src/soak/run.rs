//! Runs one fault, from the start of the processes to their end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::Signal;

use super::arrivals::Arrived;
use super::fault::Fault;
use super::handle::Collector;
use super::load::Load;
use super::names::{NAME, Names};
use super::plan::Plan;
use super::proxy::Proxy;
use super::report::Report;
use super::services::Services;

/// The `Retry-After` that the collector sends, in seconds.
const RETRY_AFTER: u64 = 5;
/// The export timeout of the services, in milliseconds, for faults in which the collector answers late or not at all.
const TIMEOUT: u64 = 1000;
/// The export delay of the services, in milliseconds. It is short, so that a short fault affects several requests.
const DELAY: u64 = 200;
/// The response delay of the slow collector, in milliseconds.
const SLOW: u64 = 2500;
/// The trace id of the order whose spans the collector refuses.
const POISON: &str = "badbadbadbadbadbadbadbadbadbadba";
/// Maximum time after the fault's duration until the services drop the batches that the collector always refuses.
const GIVE_UP: Duration = Duration::from_mins(2);
/// The largest request body that the collector accepts, in bytes.
const LARGEST: usize = 16 * 1024;

pub(super) async fn run(fault: Fault, plan: &Plan, programs: &Path) -> anyhow::Result<Report> {
    let arrived = Arrived::default();
    let start = async |address| {
        let started = Collector::start(address, &arrived).await;
        started.context("cannot start the collector")
    };
    let first = start(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = first.address;
    let mut collector = Some(first);
    if fault == Fault::Absent {
        stop(collector.take()).await?;
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let proxy = Proxy::start().await.context("cannot start the proxy")?;
    let _names = if fault == Fault::SlowName {
        let names = Names::start(arrived.clone()).await;
        Some(names.context("cannot start the name servers")?)
    } else {
        None
    };
    let variables = variables(fault, address, &proxy);
    let mut services = Services::start(programs, &client, &variables).await?;
    let mut load = Load::new(services.checkout.address, client);

    if fault != Fault::Flood {
        load.at_rate(plan.rate, plan.around).await;
    }
    if matches!(fault, Fault::SickBackend | Fault::DeadConnection) {
        // Both services have an open connection to the collector once they have exported their spans.
        services.sent().await;
    }
    let began = Instant::now();
    begin(fault, &mut collector).await?;
    if fault == Fault::SlowName {
        // To connect to the new collector, the services have to resolve its name again.
        collector = Some(start(address).await?);
    }
    if fault == Fault::Poison {
        load.with_trace(POISON).await;
    }
    match fault {
        Fault::Flood => load.flood(plan.connections, plan.lasts).await,
        _ => load.at_rate(plan.rate, plan.lasts).await,
    }
    if fault == Fault::Poison {
        // A service drops a refused batch once the collector has accepted enough other batches.
        let until = Instant::now() + GIVE_UP;
        while Instant::now() < until && services.counters().logged < arrived.refused() {
            load.at_rate(plan.rate, Duration::from_secs(1)).await;
        }
    }
    let backlog = services.waiting().await;
    if matches!(fault, Fault::Absent | Fault::Stopped) {
        collector = Some(start(address).await?);
    }
    let catching_up = tokio::spawn(arrived.clone().catch_up(Instant::now(), backlog));
    end(fault, collector.as_mut()).await?;
    if fault.spares_services() && fault != Fault::Flood {
        load.at_rate(plan.rate, plan.around).await;
    }
    let memory = services.memory();
    let (answers, counters, took_to_end) = if fault.spares_services() {
        let answers = load.answers().await;
        services.sent().await;
        let ended = services.stop().await?;
        (answers, services.counters(), ended)
    } else {
        // Orders are sent while the services shut down, and after the shutdown.
        let ended = tokio::join!(services.stop(), load.at_rate(plan.rate, plan.around)).0?;
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

/// Returns the environment variables that the services need for a fault.
fn variables(fault: Fault, collector: SocketAddr, proxy: &Proxy) -> Vec<(&'static str, String)> {
    // A longer delay, so that batches exceed the collector's size limit even at a low rate of orders.
    let delay = if fault == Fault::TooLarge {
        5 * DELAY
    } else {
        DELAY
    };
    let host = match fault {
        Fault::SlowName => NAME.to_owned(),
        _ => collector.ip().to_string(),
    };
    let mut variables = vec![
        ("OTEL_BSP_SCHEDULE_DELAY", delay.to_string()),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://{host}:{}", collector.port()),
        ),
        // Overrides proxy settings of the shell, so that the services reach the collector directly.
        ("NO_PROXY", format!("127.0.0.1,{NAME}")),
        ("no_proxy", format!("127.0.0.1,{NAME}")),
    ];
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

async fn begin(fault: Fault, collector: &mut Option<Collector>) -> anyhow::Result<()> {
    match (fault, collector.as_mut()) {
        (Fault::Stopped | Fault::SlowName | Fault::ShutdownAlone, _) => {
            return stop(collector.take()).await;
        }
        (Fault::Paused, Some(collector)) => collector.signal(Signal::SIGSTOP),
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
    .context("cannot control the collector")
}

async fn end(fault: Fault, collector: Option<&mut Collector>) -> anyhow::Result<()> {
    match (fault, collector) {
        (Fault::Paused, Some(collector)) => collector.signal(Signal::SIGCONT),
        (Fault::Unavailable | Fault::Slow, Some(collector)) => collector.send("take").await,
        _ => Ok(()),
    }
    .context("cannot control the collector")
}

async fn stop(collector: Option<Collector>) -> anyhow::Result<()> {
    match collector {
        Some(collector) => collector.stop().await.context("cannot stop the collector"),
        None => Ok(()),
    }
}
