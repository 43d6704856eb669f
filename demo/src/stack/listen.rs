//! Listens on the ports of the receiver and the viewer, and checks that the ports of the services are available.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::error::StackError;
use crate::ports::Port;

pub(super) async fn serve(
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

pub(super) async fn bind(port: Port) -> Result<TcpListener, StackError> {
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
