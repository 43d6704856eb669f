// A service of docs/lift.md without `shared::serve`. docs/lift.md shows the same code. The file is included with
// `include!`, so it cannot begin with `//!`.

use std::{error::Error, future::pending, net::SocketAddr, time::Duration};

use axum::{Router, extract::State, middleware::from_fn_with_state, routing::get};
use reqwest_middleware::ClientWithMiddleware;
use shared::{client, client::UrlTemplate, config, problem, server::TraceLayer, task, telemetry};
use tokio::{net::TcpListener, signal::ctrl_c, signal::unix, time::sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = telemetry::init(shared::service!())?;
    let expects = "an address with a port, such as 127.0.0.1:3000";
    let lookup = &config::variable;
    let address: SocketAddr = config::read(lookup, "LISTEN_ADDR", "127.0.0.1:3000", expects)?;
    let client = client::traced(|client| client.timeout(Duration::from_secs(2)))?;
    let app = Router::new()
        .route("/hello", get(hello))
        .fallback(problem::not_found)
        .with_state(client)
        .layer(from_fn_with_state(Duration::from_secs(8), problem::timeout))
        .layer(problem::catch_panic())
        .layer(TraceLayer::new())
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let drained = axum::serve(listener, app).with_graceful_shutdown(shutdown_signal());
    tokio::select! {
        result = drained.into_future() => result?,
        () = drain_timeout() => tracing::warn!("not drained in time"),
    }
    let unfinished = task::finish(Duration::from_secs(5)).await;
    let spans = telemetry.shutdown(Duration::from_secs(5)).await;
    tracing::info!(?spans, unfinished, "stopped");
    Ok(())
}

async fn hello(State(client): State<ClientWithMiddleware>) -> &'static str {
    let request = client
        .get("http://127.0.0.1:8081/check/item-slow")
        .with_extension(UrlTemplate::new("/check/{item_id}"));
    drop(task::spawn(request.send())); // goes on when this is answered
    "the call is in the same trace as this answer"
}

async fn drain_timeout() {
    shutdown_signal().await;
    sleep(Duration::from_secs(10)).await;
}

async fn shutdown_signal() {
    let terminated = async {
        match unix::signal(unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        _ = ctrl_c() => {}
        _ = terminated => {}
    }
}
