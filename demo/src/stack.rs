//! Everything the demo runs, brought up in order and taken down in reverse: receiver and viewer in this process,
//! inventory and checkout in their own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use futures_util::future::select_all;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cli::{Port, Ports, Role};
use crate::processes::{LogSink, Process, ProcessError, exports_to};
use crate::store::{Limits, Store};
use crate::{pages, receiver};

/// Why the stack cannot be brought up, or fell over.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port that cannot be had.
    #[error(
        "{wanted_by} cannot listen on 127.0.0.1:{number}: {reason}; \
         free the port or choose another one with {flag} (0 takes any free one)"
    )]
    Port {
        /// Who wanted it.
        wanted_by: &'static str,
        /// The port.
        number: u16,
        /// The flag that moves it.
        flag: &'static str,
        /// What the system said.
        reason: String,
    },
    /// No directory for inventory's database.
    #[error("cannot make a temporary directory for inventory's database")]
    Directory(#[source] io::Error),
    /// No client to ask the services whether they are ready.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// A service's process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What is running.
pub struct Stack {
    /// The traces received so far.
    pub store: Store,
    /// Where OTLP is received.
    pub otlp: SocketAddr,
    /// Where the viewer is served.
    pub ui: SocketAddr,
    ports: Ports,
    client: reqwest::Client,
    logs: LogSink,
    /// In the order they were started.
    services: Vec<Process>,
    _servers: JoinSet<io::Result<()>>,
    /// Last, so that it is removed when nobody writes to it any more.
    directory: TempDir,
}

/// Where the services listen.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Service A.
    pub checkout: SocketAddr,
    /// Service B.
    pub inventory: SocketAddr,
}

impl Stack {
    /// Opens receiver and viewer, and checks that the services' ports are free. Starts no service yet.
    ///
    /// # Errors
    ///
    /// Every [`StackError`] but [`StackError::Process`].
    pub async fn open(ports: Ports, logs: LogSink) -> Result<Self, StackError> {
        for port in [ports.checkout, ports.inventory] {
            drop(bind(port).await?);
        }
        let store = Store::new(Limits::default());
        let logs = kept_in(store.clone(), logs);
        let mut servers = JoinSet::new();
        let otlp = serve(ports.otlp, receiver::router(store.clone()), &mut servers).await?;
        let ui = serve(ports.ui, pages::router(store.clone()), &mut servers).await?;
        let directory = tempfile::Builder::new().prefix("demo-").tempdir();
        let client = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            store,
            otlp,
            ui,
            ports,
            client: client.map_err(StackError::Client)?,
            logs,
            services: Vec::new(),
            _servers: servers,
            directory: directory.map_err(StackError::Directory)?,
        })
    }

    /// Starts inventory, then checkout, each ready before this goes on.
    ///
    /// # Errors
    ///
    /// [`StackError::Process`]; what was started by then still is to be stopped.
    pub async fn start_services(&mut self) -> Result<Addresses, StackError> {
        let database = self.directory.path().join("inventory.sqlite");
        let database = format!("sqlite://{}?mode=rwc", database.display());
        let settings = [("DATABASE_URL", database)];
        let inventory = self
            .start(Role::Inventory, self.ports.inventory, &settings)
            .await?;
        let settings = [
            ("INVENTORY_URL", format!("http://{inventory}")),
            ("TRACE_UI_URL", format!("http://{}", self.ui)),
        ];
        let checkout = self
            .start(Role::Checkout, self.ports.checkout, &settings)
            .await?;
        Ok(Addresses {
            checkout,
            inventory,
        })
    }

    /// Waits until a service ends that nobody told to end.
    pub async fn service_died(&mut self) -> StackError {
        let deaths = self.services.iter_mut();
        let deaths: Vec<_> = deaths.map(|service| Box::pin(service.died())).collect();
        if deaths.is_empty() {
            return std::future::pending().await;
        }
        select_all(deaths).await.0.into()
    }

    /// Stops one service.
    ///
    /// # Errors
    ///
    /// [`StackError::Process`] if it did not end cleanly.
    pub async fn stop_service(&mut self, role: Role) -> Result<(), StackError> {
        let running = self.services.iter().position(|s| s.role() == role);
        if let Some(running) = running {
            self.services.remove(running).stop().await?;
        }
        Ok(())
    }

    /// Stops checkout while inventory still answers it, then inventory. The receiver outlives both and gets their last
    /// spans.
    ///
    /// # Errors
    ///
    /// The first [`StackError::Process`]; all are stopped nevertheless.
    pub async fn stop(mut self) -> Result<(), StackError> {
        let mut outcome = Ok(());
        while let Some(mut service) = self.services.pop() {
            outcome = outcome.and(service.stop().await);
        }
        Ok(outcome?)
    }

    async fn start(
        &mut self,
        role: Role,
        port: Port,
        settings: &[(&str, String)],
    ) -> Result<SocketAddr, StackError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
        let delay = std::env::var("OTEL_BSP_SCHEDULE_DELAY");
        let mut variables = vec![
            ("LISTEN_ADDR", listen.to_string()),
            ("LOG_FORMAT", "json".to_owned()),
            // The default of five seconds is for production; here somebody waits.
            ("OTEL_BSP_SCHEDULE_DELAY", delay.unwrap_or("200".to_owned())),
        ];
        // Whatever the shell says: where a service listens and how its requests ended is read from its log.
        if let Ok(filter) = std::env::var("RUST_LOG") {
            variables.push(("RUST_LOG", format!("{filter},shared=info")));
        }
        variables.extend(exports_to(self.otlp));
        variables.extend_from_slice(settings);
        let process = Process::spawn(role, &variables, LogSink::clone(&self.logs))?;
        self.services.push(process);
        let process = self.services.last_mut().expect("it was pushed just now");
        Ok(process.ready(&self.client).await?)
    }
}

/// Keeps each line with its trace before it goes on.
fn kept_in(store: Store, logs: LogSink) -> LogSink {
    Arc::new(move |line| {
        store.log(&line);
        logs(line);
    })
}

async fn serve(
    port: Port,
    router: Router,
    servers: &mut JoinSet<io::Result<()>>,
) -> Result<SocketAddr, StackError> {
    let listener = bind(port).await?;
    let address = listener.local_addr();
    let address = address.map_err(|error| port_error(port, &error))?;
    servers.spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn bind(port: Port) -> Result<TcpListener, StackError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number)).await;
    listener.map_err(|error| port_error(port, &error))
}

fn port_error(port: Port, error: &io::Error) -> StackError {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        _ => error.to_string(),
    };
    StackError::Port {
        wanted_by: port.wanted_by,
        number: port.number,
        flag: port.flag,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::PortFlags;

    #[tokio::test]
    async fn port_in_use_is_told_with_who_wanted_it_and_the_flag_that_moves_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let wanting = |flags: &mut dyn FnMut(&mut PortFlags, u16)| {
            let mut all = PortFlags::default();
            flags(&mut all, port);
            all.or_free()
        };
        let cases = [
            (
                wanting(&mut |f, port| f.checkout_port = Some(port)),
                "checkout",
                "--checkout-port",
            ),
            (
                wanting(&mut |f, port| f.inventory_port = Some(port)),
                "inventory",
                "--inventory-port",
            ),
            (
                wanting(&mut |f, port| f.otlp_port = Some(port)),
                "the OTLP receiver",
                "--otlp-port",
            ),
            (
                wanting(&mut |f, port| f.ui_port = Some(port)),
                "the trace viewer",
                "--ui-port",
            ),
        ];
        for (ports, who, flag) in cases {
            let error = Stack::open(ports, Arc::new(|_| ())).await.err().unwrap();
            let error = error.to_string();
            let beginning = format!("{who} cannot listen on 127.0.0.1:{port}: the port is in use");
            assert!(error.starts_with(&beginning), "{error}");
            assert!(error.contains(flag), "{error}");
        }
    }
}
