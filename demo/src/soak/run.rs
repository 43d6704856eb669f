//! One fault, from the start of the processes to their end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::collector::{Arrived, Collector};
use super::load::Load;
use super::report::{Books, Report};
use super::{Fault, SoakError, SoakFlags};
use crate::cli::Role;
use crate::logs::LogLine;
use crate::processes::{LogSink, Process, exports_to};
use crate::sqlite_url::sqlite_url;

/// How soon a collector that is back has everything: two seconds until it is found, and some to send.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the collector asks for in `Retry-After`, in seconds.
const RETRY_AFTER: u64 = 5;

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
    let mut services = Services::start(address, &client).await?;
    let mut load = Load::new(services.address, client);

    if fault != Fault::Flood {
        load.at_rate(flags.rate, flags.around).await;
    }
    let began = Instant::now();
    begin(fault, &mut collector).await?;
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
    let (answers, books, took_to_end) = if fault.spares_services() {
        let answers = load.answers().await;
        services.sent().await;
        let ended = services.stop().await?;
        (answers, services.books(), ended)
    } else {
        // Under load: orders go on coming while the services end, and after that.
        let ended = tokio::join!(services.stop(), load.at_rate(flags.rate, flags.around)).0?;
        (load.answers().await, services.books(), ended)
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
        books,
        memory,
        caught_up,
        took_to_end,
    })
}

async fn begin(fault: Fault, collector: &mut Option<Collector>) -> Result<(), SoakError> {
    match (fault, collector.as_mut()) {
        (Fault::Stopped | Fault::ShutdownAlone, _) => return stop(collector.take()).await,
        (Fault::Paused, Some(collector)) => collector.signal(Signal::STOP),
        (Fault::Unavailable, Some(collector)) => {
            let answer = format!("retry-after {RETRY_AFTER}");
            collector.tell(&answer).await
        }
        _ => Ok(()),
    }
    .map_err(SoakError::Collector)
}

async fn end(fault: Fault, collector: Option<&mut Collector>) -> Result<(), SoakError> {
    match (fault, collector) {
        (Fault::Paused, Some(collector)) => collector.signal(Signal::CONT),
        (Fault::Unavailable, Some(collector)) => collector.tell("take").await,
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

/// Both services, and what their logs say of spans.
struct Services {
    inventory: Process,
    checkout: Process,
    /// Of checkout.
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    client: reqwest::Client,
    addresses: [SocketAddr; 2],
    /// The last field, so that it is removed after its writers have ended.
    _directory: tempfile::TempDir,
}

impl Services {
    async fn start(collector: SocketAddr, client: &reqwest::Client) -> Result<Self, SoakError> {
        let directory = tempfile::Builder::new().prefix("demo-soak-").tempdir();
        let directory = directory.map_err(SoakError::Directory)?;
        let database = directory.path().join("inventory.sqlite");
        let books = Arc::new(Mutex::new(Books::default()));
        let sink = Arc::clone(&books);
        let logs: LogSink = Arc::new(move |line: LogLine| {
            let mut books = sink.lock().unwrap_or_else(PoisonError::into_inner);
            books.read(&line);
        });
        let spawn = |role, variables: Vec<(&'static str, String)>| {
            let always = [
                ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
                ("LOG_FORMAT", "json".to_owned()),
            ];
            let variables = [&exports_to(collector)[..], &always, &variables].concat();
            Process::spawn(role, &variables, Arc::clone(&logs))
        };
        let database = sqlite_url(&database);
        let mut inventory = spawn(Role::Inventory, vec![("DATABASE_URL", database)])?;
        let at_inventory = inventory.ready(client).await?;
        let url = format!("http://{at_inventory}");
        let mut checkout = spawn(Role::Checkout, vec![("INVENTORY_URL", url)])?;
        let address = checkout.ready(client).await?;
        Ok(Self {
            inventory,
            checkout,
            address,
            books,
            client: client.clone(),
            addresses: [at_inventory, address],
            _directory: directory,
        })
    }

    /// Waits until no span waits any more; for a while.
    async fn sent(&self) {
        let until = Instant::now() + PATIENCE;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while Instant::now() < until && self.waiting().await > 0 {
            pause.tick().await;
        }
    }

    /// Returns the number of queued spans of both services, as reported by `/readyz`.
    async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for address in self.addresses {
            let url = format!("http://{address}/readyz");
            let ready: Option<Value> = match self.client.get(url).send().await {
                Ok(answer) => answer.json().await.ok(),
                Err(_) => None,
            };
            waiting += ready.map_or(0, |ready| ready["spans"]["waiting"].as_u64().unwrap_or(0));
        }
        waiting
    }

    /// Tells both to end; gives how long that took.
    async fn stop(&mut self) -> Result<Duration, SoakError> {
        let began = Instant::now();
        let (inventory, checkout) = tokio::join!(self.inventory.stop(), self.checkout.stop());
        inventory?;
        checkout?;
        Ok(began.elapsed())
    }

    fn books(&self) -> Books {
        self.books
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The most that either of them has had, in bytes.
    fn memory(&self) -> u64 {
        let peaks = [&self.inventory, &self.checkout].map(|process| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()?)).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kilobytes * 1024)
        });
        peaks.into_iter().flatten().max().unwrap_or(0)
    }
}
