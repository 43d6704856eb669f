//! [`Services`]: both services, and the span counters from their logs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::child;
use super::report::Counters;
use super::service::Service;

/// Maximum time after an outage until the collector has all spans: two seconds until the first attempt, and time to
/// send.
const PATIENCE: Duration = Duration::from_secs(30);

/// Both services, and the span counters from their logs.
pub(super) struct Services {
    inventory: Service,
    pub(super) checkout: Service,
    counters: Arc<Mutex<Counters>>,
    client: reqwest::Client,
    /// The working directory of the services. It is the last field, so that it is removed after the services have been
    /// stopped.
    _directory: tempfile::TempDir,
}

impl Services {
    /// Starts both services from their programs in this folder, with these environment variables.
    pub(super) async fn start(
        programs: &Path,
        client: &reqwest::Client,
        variables: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("soak-").tempdir();
        let directory = directory.context("cannot create a folder for inventory's database")?;
        let counters = Arc::new(Mutex::new(Counters::default()));
        let command = |name| {
            let mut command = child::command(&programs.join(name));
            // Exporter variables of the shell must not redirect the spans to another collector or give both services
            // the same name.
            for (name, _) in std::env::vars_os() {
                let name = name.to_string_lossy();
                if name.starts_with("OTEL_EXPORTER_OTLP_") || name == "OTEL_SERVICE_NAME" {
                    command.env_remove(&*name);
                }
            }
            command
                // Inventory's default database is a file in the working directory.
                .current_dir(directory.path())
                .env_remove("DATABASE_URL")
                .envs([
                    ("LISTEN_ADDR", "127.0.0.1:0"),
                    ("LOG_FORMAT", "json"),
                    ("RUST_LOG", "info"),
                    ("SHUTDOWN_DELAY", "0s"),
                ])
                .envs(variables.iter().map(|(name, value)| (name, value)));
            command
        };
        let inventory =
            Service::start("inventory", &mut command("inventory"), client, &counters).await?;
        let url = format!("http://{}", inventory.address);
        let mut checkout = command("checkout");
        checkout.env("INVENTORY_URL", url);
        let checkout = Service::start("checkout", &mut checkout, client, &counters).await?;
        Ok(Self {
            inventory,
            checkout,
            counters,
            client: client.clone(),
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
        for service in [&self.inventory, &self.checkout] {
            let url = format!("http://{}/readyz", service.address);
            let ready: Option<Value> = match self.client.get(url).send().await {
                Ok(answer) => answer.json().await.ok(),
                Err(_) => None,
            };
            waiting += ready.map_or(0, |ready| ready["spans"]["waiting"].as_u64().unwrap_or(0));
        }
        waiting
    }

    /// Stops both services, and returns how long the shutdown took.
    pub(super) async fn stop(&mut self) -> anyhow::Result<Duration> {
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
        let peaks = [&self.inventory, &self.checkout].map(Service::memory);
        peaks.into_iter().flatten().max().unwrap_or(0)
    }
}
