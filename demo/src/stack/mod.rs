//! Starts all parts of the demo in order and stops them in reverse: receiver and viewer in this process, inventory and
//! checkout in separate processes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use futures_util::future::select_all;
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use viewer::pages::{self, BackLink};
use viewer::receiver;
use viewer::store::{Limits, Store};

use crate::logs::say;
use crate::ports::Ports;
use crate::processes::{LogSink, Process, exports_to};
use crate::role::Role;
use crate::sqlite_url::sqlite_url;
use crate::verbosity;

use listen::{bind, serve};

mod error;
mod listen;

pub use error::StackError;

/// The running receiver, viewer and services.
pub struct Stack {
    /// The traces received so far.
    pub store: Store,
    /// Address of the OTLP receiver.
    pub otlp: SocketAddr,
    /// Address of the trace viewer.
    pub ui: SocketAddr,
    /// Overrides checkout's timeouts for requests to inventory and for connecting to inventory.
    pub inventory_timeout: Option<Duration>,
    ports: Ports,
    /// The viewer's link to checkout, set when checkout listens and its address is known.
    back_link: BackLink,
    client: reqwest::Client,
    logs: LogSink,
    services: Vec<Process>,
    /// Sockets that reserve the ports of stopped services. The sockets are bound but do not listen, so connections are
    /// refused and the system does not assign the ports to other processes.
    held: Vec<(Role, TcpSocket)>,
    _servers: JoinSet<io::Result<()>>,
    /// The directory of inventory's database. Declared last, so that the directory is removed only after every process
    /// that writes to it has ended.
    directory: TempDir,
}

/// Addresses of the services.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Address of checkout (service A).
    pub checkout: SocketAddr,
    /// Address of inventory (service B).
    pub inventory: SocketAddr,
}

impl Stack {
    /// Opens the receiver and the viewer, and checks that the services' ports are free. Does not start the services.
    ///
    /// # Errors
    ///
    /// Returns any [`StackError`] except [`StackError::Process`].
    pub async fn open(mut ports: Ports, logs: LogSink) -> Result<Self, StackError> {
        say_what_is_left_out();
        for role in Role::value_variants() {
            drop(bind(*ports.of(*role)).await?);
        }
        let store = Store::new(Limits::default());
        let logs = kept_in(store.clone(), logs);
        let back_link = BackLink::default();
        let mut servers = JoinSet::new();
        let otlp = serve(ports.otlp, receiver::router(store.clone()), &mut servers).await?;
        let ui = serve(
            ports.ui,
            pages::router(store.clone(), back_link.clone()),
            &mut servers,
        )
        .await?;
        let directory = tempfile::Builder::new().prefix("demo-").tempdir();
        let client = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            store,
            otlp,
            ui,
            inventory_timeout: None,
            ports,
            back_link,
            client: client.map_err(StackError::Client)?,
            logs,
            services: Vec::new(),
            held: Vec::new(),
            _servers: servers,
            directory: directory.map_err(StackError::Directory)?,
        })
    }

    /// Starts inventory and then checkout, and waits until each is ready.
    ///
    /// # Errors
    ///
    /// Returns [`StackError::Process`] if a service does not start. The caller must still stop the services that have
    /// started.
    pub async fn start_services(&mut self) -> Result<Addresses, StackError> {
        Ok(Addresses {
            inventory: self.start_service(Role::Inventory).await?,
            checkout: self.start_service(Role::Checkout).await?,
        })
    }

    /// Starts one service and waits until it is ready. A restarted service has the same address and data as before.
    ///
    /// # Errors
    ///
    /// Returns [`StackError::Process`] if the service does not start.
    pub async fn start_service(&mut self, role: Role) -> Result<SocketAddr, StackError> {
        let database = sqlite_url(&self.directory.path().join("inventory.sqlite"));
        let inventory = self.ports.inventory.number;
        let mut settings = match role {
            Role::Inventory => vec![("DATABASE_URL", database)],
            Role::Checkout => vec![
                ("INVENTORY_URL", format!("http://127.0.0.1:{inventory}")),
                ("TRACE_UI_URL", format!("http://{}", self.ui)),
                ("DEMO_ROUTES", "true".to_owned()),
            ],
        };
        if let (Role::Checkout, Some(timeout)) = (role, self.inventory_timeout) {
            let timeout = humantime::format_duration(timeout).to_string();
            settings.push(("INVENTORY_TIMEOUT", timeout.clone()));
            settings.push(("INVENTORY_CONNECT_TIMEOUT", timeout));
        }
        let port = self.ports.of(role).number;
        let address = self.start(role, port, &settings).await?;
        self.ports.of(role).number = address.port();
        if role == Role::Checkout {
            let url = format!("http://{address}/");
            self.back_link.set(role.name(), &url);
        }
        Ok(address)
    }

    /// Returns whether the service has been started and not been stopped since.
    pub fn runs(&self, role: Role) -> bool {
        self.services.iter().any(|service| service.role() == role)
    }

    /// Waits until a service exits without having been asked to stop.
    pub async fn service_died(&mut self) -> StackError {
        let deaths = self.services.iter_mut();
        let deaths: Vec<_> = deaths.map(|service| Box::pin(service.died())).collect();
        if deaths.is_empty() {
            return std::future::pending().await;
        }
        select_all(deaths).await.0.into()
    }

    /// Stops one service. If the future is dropped, the service continues to shut down, and [`Self::stop`] waits for
    /// it.
    ///
    /// # Errors
    ///
    /// Returns [`StackError::Process`] if the service did not exit cleanly.
    pub async fn stop_service(&mut self, role: Role) -> Result<(), StackError> {
        let Some(running) = self.services.iter().position(|s| s.role() == role) else {
            return Ok(());
        };
        let stopped = self.services[running].stop().await;
        self.services.remove(running);
        self.hold_port(role);
        Ok(stopped?)
    }

    /// Reserves the port of a stopped service, if possible, until the service is started again.
    fn hold_port(&mut self, role: Role) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.of(role).number));
        let held = TcpSocket::new_v4().and_then(|socket| {
            // With `SO_REUSEADDR`, recently closed connections do not prevent the bind.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        });
        self.held.extend(held.ok().map(|socket| (role, socket)));
    }

    /// Stops the services in the order of [`Role`]. The receiver runs longer than the services, so that it receives
    /// their last spans.
    ///
    /// # Errors
    ///
    /// Returns the first [`StackError::Process`], after all services have been stopped.
    pub async fn stop(mut self) -> Result<(), StackError> {
        let mut stopped = Ok(());
        for role in Role::value_variants() {
            stopped = stopped.and(self.stop_service(*role).await);
        }
        stopped
    }

    async fn start(
        &mut self,
        role: Role,
        port: u16,
        settings: &[(&str, String)],
    ) -> Result<SocketAddr, StackError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let delay = std::env::var("OTEL_BSP_SCHEDULE_DELAY");
        let mut variables = vec![
            ("LISTEN_ADDR", listen.to_string()),
            ("LOG_FORMAT", "json".to_owned()),
            ("OTEL_SERVICE_NAME", role.name().to_owned()),
            // The default export delay of five seconds is for production. In the demo, a user waits for the trace.
            ("OTEL_BSP_SCHEDULE_DELAY", delay.unwrap_or("200".to_owned())),
        ];
        if let Ok(filter) = std::env::var("RUST_LOG") {
            variables.push(("RUST_LOG", format!("{filter},{}", verbosity::READ)));
        }
        variables.extend(exports_to(self.otlp));
        variables.extend_from_slice(settings);
        self.held.retain(|(held_for, _)| *held_for != role);
        let process = Process::spawn(role, &variables, LogSink::clone(&self.logs))?;
        // If a signal drops this future, the process is already in the list, so it is stopped like the other services.
        self.services.push(process);
        let last = self.services.len() - 1;
        let ready = self.services[last].ready(&self.client).await;
        if ready.is_err() {
            self.services.pop();
        }
        Ok(ready?)
    }
}

/// Prints that `OTEL_SERVICE_NAME` is ignored, since that variable would give the spans of both services the same
/// service name.
fn say_what_is_left_out() {
    if let Ok(name) = std::env::var("OTEL_SERVICE_NAME") {
        say(&format!(
            "OTEL_SERVICE_NAME=`{name}` is not passed on: there are two services here, checkout and inventory"
        ));
    }
}

/// Returns a function that stores each log line with its trace before passing the line on.
fn kept_in(store: Store, logs: LogSink) -> LogSink {
    Arc::new(move |line| {
        store.log(&line);
        logs(line);
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::ports::PortFlags;

    #[tokio::test]
    async fn port_in_use_error_names_service_and_flag() {
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
