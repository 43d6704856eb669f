//! Traces gRPC calls with tonic: [`call`] wraps a call of any generated client, [`serve`] wraps any method of a
//! service. gRPC metadata are HTTP headers, so [`HeaderInjector`] and [`HeaderExtractor`] also work for them.
//!
//! Run `OTEL_TRACES_EXPORTER=console cargo run -p shared --example grpc` to see the spans.
//!
//! Spans follow the [conventions for gRPC](https://opentelemetry.io/docs/specs/semconv/rpc/grpc/).

use std::{net::SocketAddr, time::Duration};

use http::Uri;
use opentelemetry::{
    Context, KeyValue, global,
    trace::{FutureExt as _, SpanKind, Status as SpanStatus, TraceContextExt as _, Tracer as _},
};
use shared::{
    propagation::{self, HeaderExtractor, HeaderInjector},
    task,
};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::{
    pb::{
        HealthCheckRequest, HealthCheckResponse,
        health_client::HealthClient,
        health_server::{Health, HealthServer},
    },
    server::{HealthService, health_reporter},
};

const CHECK: &str = "grpc.health.v1.Health/Check";

/// Sends a message to `server` in a CLIENT span, a child of the current span.
///
/// # Errors
///
/// Returns the error of `send`.
pub async fn call<M, A, F>(
    method: &'static str,
    server: &Uri,
    message: M,
    send: impl FnOnce(Request<M>) -> F,
) -> Result<Response<A>, Status>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let mut attributes = Vec::new();
    if let (Some(host), Some(port)) = (server.host(), server.port_u16()) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    let cx = start(SpanKind::Client, method, attributes, &Context::current());
    let mut request = Request::new(message);
    propagation::inject_context(&cx, &mut HeaderInjector(request.metadata_mut().as_mut()));
    let result = send(request).with_context(cx.clone()).await;
    // For a CLIENT span, every status except OK is a failure.
    end(&cx, &result, |_| true);
    result
}

/// Handles a request in a SERVER span, in the trace of its caller.
///
/// # Errors
///
/// Returns the error of `handle`.
pub async fn serve<M, A, F>(
    method: &'static str,
    request: Request<M>,
    handle: impl FnOnce(Request<M>) -> F,
) -> Result<Response<A>, Status>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let caller = propagation::extract(&HeaderExtractor(request.metadata().as_ref()));
    let mut attributes = Vec::new();
    if let Some(peer) = request.remote_addr() {
        let (address, port) = (peer.ip().to_string(), i64::from(peer.port()));
        attributes.push(KeyValue::new("network.peer.address", address));
        attributes.push(KeyValue::new("network.peer.port", port));
    }
    let cx = start(SpanKind::Server, method, attributes, &caller);
    let result = handle(request).with_context(cx.clone()).await;
    // For a SERVER span, an error that the caller caused is not a failure.
    end(&cx, &result, |code| {
        matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        )
    });
    result
}

fn start(
    kind: SpanKind,
    method: &'static str,
    mut attributes: Vec<KeyValue>,
    parent: &Context,
) -> Context {
    attributes.push(KeyValue::new("rpc.system.name", "grpc"));
    attributes.push(KeyValue::new("rpc.method", method));
    let tracer = global::tracer("grpc");
    let span = tracer.span_builder(method).with_kind(kind);
    let span = span.with_attributes(attributes);
    parent.with_span(span.start_with_context(&tracer, parent))
}

fn end<A>(cx: &Context, result: &Result<A, Status>, is_failure: impl FnOnce(Code) -> bool) {
    let code = result.as_ref().map_or_else(Status::code, |_| Code::Ok);
    let span = cx.span();
    span.set_attribute(KeyValue::new("rpc.response.status_code", name(code)));
    if code != Code::Ok && is_failure(code) {
        span.set_attribute(KeyValue::new("error.type", name(code)));
        span.set_status(SpanStatus::error(""));
    }
    span.end();
}

/// Returns the gRPC name of a status code, such as `NOT_FOUND` for `NotFound`.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Traces the health checks of tonic-health's service.
struct Traced(HealthService);

#[tonic::async_trait]
impl Health for Traced {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        serve(CHECK, request, |request| self.0.check(request)).await
    }

    type WatchStream = <HealthService as Health>::WatchStream;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.0.watch(request).await
    }
}

/// Calls the health check of a service on a server.
///
/// # Errors
///
/// Returns an error if the server does not know the service or does not respond.
pub async fn check(server: &Uri, service: &str) -> Result<Response<HealthCheckResponse>, Status> {
    let channel = Channel::builder(server.clone()).connect_lazy();
    let mut client = HealthClient::new(channel);
    let service = service.to_owned();
    call(CHECK, server, HealthCheckRequest { service }, |request| {
        client.check(request)
    })
    .await
}

/// Starts the server as a task, on a free port.
///
/// # Errors
///
/// Returns an error if no port can be bound.
pub async fn start_server()
-> std::io::Result<(SocketAddr, task::Task<Result<(), tonic::transport::Error>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (reporter, _) = health_reporter();
    let service = HealthServer::new(Traced(HealthService::from_health_reporter(reporter)));
    let server = Server::builder().add_service(service);
    let serving = server.serve_with_incoming(TcpIncoming::from(listener));
    Ok((address, task::spawn(serving)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = shared::telemetry::init("grpc")?;
    let (address, serving) = start_server().await?;
    let server: Uri = format!("http://{address}").parse()?;
    check(&server, "").await?;
    serving.cancel();
    task::finish(Duration::from_secs(5)).await;
    telemetry.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
