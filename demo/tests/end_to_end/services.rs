//! Runs both services as separate processes, with a receiver for their spans and a client for requests.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use reqwest::header::HeaderMap;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use viewer::{
    receiver,
    store::{Limits, Store, Trace},
    waterfall::{Row, Waterfall},
};

use crate::command::TIMEOUT;

/// The services, receiver and client of a test. Dropping this value ends the processes and removes the files.
pub(crate) struct Services {
    pub(crate) checkout: Service,
    pub(crate) inventory: Service,
    pub(crate) client: reqwest::Client,
    store: Store,
    otlp: SocketAddr,
    _receiver: JoinSet<()>,
    directory: TempDir,
    database_url: String,
}

/// A service in a separate process.
pub(crate) struct Service {
    pub(crate) url: String,
    child: Child,
    /// A pipe to the process, which exits when the pipe closes. The pipe closes when the test ends for any reason.
    _lifeline: ChildStdin,
    lines: Arc<watch::Sender<Vec<Value>>>,
}

/// A response of checkout.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Services {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite://{}?mode=rwc", database(&directory).display());
        Self::start_with(directory, database_url).await
    }

    /// Starts the services with this database for inventory.
    pub(crate) async fn start_with(directory: TempDir, database_url: String) -> Self {
        let store = Store::new(Limits::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let otlp = listener.local_addr().unwrap();
        let router = receiver::router(store.clone());
        let mut receiver = JoinSet::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "the receiver is never traced, and ends with the test"
        )]
        receiver.spawn(async move { axum::serve(listener, router).await.unwrap() });

        let inventory = Service::inventory("127.0.0.1:0", otlp, &database_url).await;
        let checkout = Service::checkout("127.0.0.1:0", otlp, &inventory).await;
        #[expect(
            clippy::disallowed_methods,
            reason = "a caller from outside, with no trace of its own"
        )]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            checkout,
            inventory,
            client,
            store,
            otlp,
            _receiver: receiver,
            directory,
            database_url,
        }
    }

    /// Returns the path of inventory's `SQLite` database.
    pub(crate) fn database(&self) -> PathBuf {
        database(&self.directory)
    }

    /// Kills inventory without a shutdown, as a power failure would, and restarts it at the same address.
    pub(crate) async fn kill_inventory_and_start_it_again(&mut self) {
        self.inventory.child.kill().await.unwrap();
        let address = self.inventory.url.trim_start_matches("http://").to_owned();
        self.inventory = Service::inventory(&address, self.otlp, &self.database_url).await;
    }

    /// Kills checkout and restarts it with another URL for inventory.
    pub(crate) async fn use_inventory(&mut self, url: String) {
        self.checkout.child.kill().await.unwrap();
        let url = ("INVENTORY_URL", url);
        self.checkout = Service::start("checkout", "127.0.0.1:0", self.otlp, url).await;
    }

    /// Kills checkout without a shutdown, and restarts it at the same address.
    pub(crate) async fn kill_checkout_and_start_it_again(&mut self) {
        self.checkout.child.kill().await.unwrap();
        let address = self.checkout.url.trim_start_matches("http://").to_owned();
        self.checkout = Service::checkout(&address, self.otlp, &self.inventory).await;
    }

    /// Sends `POST /checkout` with this JSON body.
    pub(crate) async fn checkout(&self, body: &str) -> Answer {
        self.post(body, &[("content-type", "application/json")])
            .await
    }

    /// Sends `POST /checkout` with these headers.
    pub(crate) async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self
            .client
            .post(format!("{}/checkout", self.checkout.url))
            .body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        Answer::of(request.send().await.unwrap()).await
    }

    /// Waits until the trace has this many spans, and returns it.
    pub(crate) async fn trace(&self, id: &str, spans: usize) -> Waterfall {
        let id = id.parse().unwrap();
        let complete = self
            .store
            .wait_for(id, |trace: &Trace| trace.spans.len() >= spans);
        let Ok(trace) = timeout(TIMEOUT, complete).await else {
            panic!(
                "waited for {spans} spans, this is there: {:#?}",
                self.store.trace(id)
            );
        };
        Waterfall::of(&trace)
    }

    /// Waits until a span of this name has arrived, in any trace.
    pub(crate) async fn wait_for_span(&self, name: &str) {
        let arrived = async {
            let mut poll = tokio::time::interval(Duration::from_millis(10));
            while !self
                .traces()
                .iter()
                .any(|trace| trace.rows.iter().any(|row| row.span.span.name == name))
            {
                poll.tick().await;
            }
        };
        timeout(TIMEOUT, arrived)
            .await
            .expect("the span arrives in time");
    }

    /// Returns all traces received so far.
    pub(crate) fn traces(&self) -> Vec<Waterfall> {
        self.store
            .recent(usize::MAX)
            .iter()
            .map(Waterfall::of)
            .collect()
    }
}

impl Service {
    async fn checkout(address: &str, otlp: SocketAddr, inventory: &Self) -> Self {
        let url = ("INVENTORY_URL", inventory.url.clone());
        Self::start("checkout", address, otlp, url).await
    }

    async fn inventory(address: &str, otlp: SocketAddr, database_url: &str) -> Self {
        let url = ("DATABASE_URL", database_url.to_owned());
        Self::start("inventory", address, otlp, url).await
    }

    async fn start(
        role: &str,
        address: &str,
        otlp: SocketAddr,
        (name, value): (&str, String),
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        // Removes the developer's telemetry variables, since they would affect the test.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        let mut child = command
            .args(["service", role])
            .env("LISTEN_ADDR", address)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}"))
            .env("OTEL_BSP_SCHEDULE_DELAY", "50")
            .env("LOG_FORMAT", "json")
            .env("RUST_LOG", "info")
            .env("DEMO_ROUTES", "true")
            .env(name, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take().unwrap();
        let lines = Arc::new(watch::Sender::new(Vec::new()));
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let sender = Arc::clone(&lines);
        drop(shared::task::spawn(async move {
            while let Some(line) = stdout.next_line().await.unwrap() {
                let line =
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                sender.send_modify(|lines: &mut Vec<Value>| lines.push(line));
            }
        }));
        let mut service = Self {
            url: String::new(),
            _lifeline: lifeline,
            child,
            lines,
        };
        let listening = service.log(|line| line["message"] == "listening").await;
        service.url = format!("http://{}", listening["address"].as_str().unwrap());
        service
    }

    /// Waits for a log line that satisfies the condition `wanted`, and returns the line.
    pub(crate) async fn log(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut lines = self.lines.subscribe();
        let found = timeout(TIMEOUT, lines.wait_for(|lines| lines.iter().any(&wanted))).await;
        let Ok(lines) = found else {
            panic!("no such line in {:#?}", *self.lines.borrow());
        };
        let lines = lines.unwrap().clone();
        lines.into_iter().find(wanted).unwrap()
    }

    /// Returns all log lines so far with this trace id.
    pub(crate) fn logs_of(&self, trace_id: &str) -> Vec<Value> {
        self.lines
            .borrow()
            .iter()
            .filter(|line| line["trace_id"] == trace_id)
            .cloned()
            .collect()
    }

    /// Returns the number of log lines so far with this message.
    pub(crate) fn count(&self, message: &str) -> usize {
        let lines = self.lines.borrow();
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    }

    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    pub(crate) async fn exited(&mut self) -> ExitStatus {
        timeout(TIMEOUT, self.child.wait())
            .await
            .expect("the process ends in time")
            .unwrap()
    }
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.json().await.unwrap();
        Self {
            status,
            headers,
            body,
        }
    }

    /// Returns the trace id after asserting that the response body and the `traceresponse` header agree.
    #[track_caller]
    pub(crate) fn trace_id(&self) -> &str {
        let trace_id = self.body["trace_id"].as_str().unwrap();
        let header = self.headers["traceresponse"].to_str().unwrap();
        assert_eq!(
            header.get(..36),
            Some(format!("00-{trace_id}-").as_str()),
            "{header}"
        );
        trace_id
    }
}

fn database(directory: &TempDir) -> PathBuf {
    directory.path().join("inventory.sqlite")
}

/// Formats one line per span: service, kind, name, error.
pub(crate) fn tree(trace: &Waterfall) -> String {
    let line = |row: &Row| {
        format!(
            "{:indent$}{}\n",
            "",
            line(trace, row),
            indent = row.depth * 2
        )
    };
    trace.rows.iter().map(line).collect::<Vec<_>>().concat()
}

fn line(trace: &Waterfall, row: &Row) -> String {
    let error = row
        .error()
        .map(|error| format!(" [error: {error}]"))
        .unwrap_or_default();
    format!(
        "{} {} {}{error}",
        trace.services[row.service],
        row.kind(),
        row.span.span.name
    )
}

/// Returns the row of the span with this service and name.
#[track_caller]
pub(crate) fn row<'a>(trace: &'a Waterfall, service: &str, name: &str) -> &'a Row {
    let row = trace
        .rows
        .iter()
        .find(|row| trace.services[row.service] == service && row.span.span.name == name);
    row.unwrap_or_else(|| panic!("{service} has no span {name}:\n{}", tree(trace)))
}
