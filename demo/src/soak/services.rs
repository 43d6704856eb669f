//! [`Services`]: the processes of checkout and inventory.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use viewer::LogLine;

use super::SoakError;
use super::report::Counters;
use crate::processes::{LogSink, Process, exports_to};
use crate::role::Role;
use crate::sqlite_url::sqlite_url;

/// Maximum time until a collector that is back has all spans: two seconds until the first attempt, and time to send.
const PATIENCE: Duration = Duration::from_secs(30);

/// Both services, and the span counters from their logs.
pub(super) struct Services {
    inventory: Process,
    checkout: Process,
    /// The address of checkout.
    pub(super) address: SocketAddr,
    counters: Arc<Mutex<Counters>>,
    client: reqwest::Client,
    addresses: [SocketAddr; 2],
    /// The last field, so that it is removed after its writers have ended.
    _directory: tempfile::TempDir,
}

impl Services {
    pub(super) async fn start(
        collector: SocketAddr,
        client: &reqwest::Client,
        added: &[(&'static str, String)],
    ) -> Result<Self, SoakError> {
        let directory = tempfile::Builder::new().prefix("demo-soak-").tempdir();
        let directory = directory.map_err(SoakError::Directory)?;
        let database = directory.path().join("inventory.sqlite");
        let counters = Arc::new(Mutex::new(Counters::default()));
        let sink = Arc::clone(&counters);
        let logs: LogSink = Arc::new(move |line: LogLine| {
            let mut counters = sink.lock().unwrap_or_else(PoisonError::into_inner);
            counters.read(&line);
        });
        let spawn = |role, variables: Vec<(&'static str, String)>| {
            let always = [
                ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
                ("LOG_FORMAT", "json".to_owned()),
            ];
            let variables = [&exports_to(collector)[..], &always, &variables, added].concat();
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
            counters,
            client: client.clone(),
            addresses: [at_inventory, address],
            _directory: directory,
        })
    }

    /// Waits until all spans are exported or lost, for at most [`PATIENCE`].
    pub(super) async fn sent(&self) {
        let until = Instant::now() + PATIENCE;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while Instant::now() < until && self.waiting().await > 0 {
            pause.tick().await;
        }
    }

    /// Returns the number of queued spans of both services, as reported by `/readyz`.
    pub(super) async fn waiting(&self) -> u64 {
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

    /// Stops both services, and returns the time that it took.
    pub(super) async fn stop(&mut self) -> Result<Duration, SoakError> {
        let began = Instant::now();
        let (inventory, checkout) = tokio::join!(self.inventory.stop(), self.checkout.stop());
        inventory?;
        checkout?;
        Ok(began.elapsed())
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the higher peak memory of the two services, in bytes.
    pub(super) fn memory(&self) -> u64 {
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
