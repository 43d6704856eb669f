// A service of docs/lift.md, which shows the same code. The file is included with `include!`, so it cannot begin with
// `//!`.

use std::{error::Error, process::ExitCode, time::Duration};

use axum::{Router, extract::State, routing::get};
use reqwest_middleware::ClientWithMiddleware;
use shared::serve::{self, Limits};
use shared::{client, client::UrlTemplate, config, problem, server::TraceLayer, task};

fn main() -> ExitCode {
    serve::main(shared::service!(), async |lookup, shutdown| {
        let expects = "an address with a port, such as 127.0.0.1:3000";
        let address = config::read(lookup, "LISTEN_ADDR", "127.0.0.1:3000", expects)?;
        let limits = Limits::read(lookup, &Limits::default())?;
        let client = client::traced(|client| client.timeout(Duration::from_secs(2)))?;
        let listener = serve::bind(address).await?;
        serve::serve(listener, router(client, &limits), limits, shutdown).await?;
        Ok::<_, Box<dyn Error>>(())
    })
}

fn router(client: ClientWithMiddleware, limits: &Limits) -> Router {
    let routes = Router::new().route("/hello", get(hello)).fallback(problem::not_found).with_state(client);
    let ready = async || Ok(()); // what /readyz answers
    serve::router(routes, limits, TraceLayer::new(), ready)
}

async fn hello(State(client): State<ClientWithMiddleware>) -> &'static str {
    let request = client
        .get("http://127.0.0.1:8081/check/item-slow")
        .with_extension(UrlTemplate::new("/check/{item_id}"));
    drop(task::spawn(request.send())); // goes on when this is answered
    "the call is in the same trace as this answer"
}
