//! Measures the export of a batch of 512 spans over a real connection, from the end of the first span to the
//! collector's response. Telemetry settings are environment variables, so the bench runs itself again as a child
//! process that has them.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Command, ExitCode},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, header},
    routing::post,
};
use criterion::{Criterion, Throughput, criterion_group};
use opentelemetry::{
    KeyValue, global,
    trace::{Span as _, SpanKind, Tracer as _},
};

/// The default batch size. A full batch is exported at once.
const SPANS: u64 = 512;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The attributes of a SERVER span.
fn attributes() -> Vec<KeyValue> {
    vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.path", "/check/item-123".to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.route", "/check/{item_id}".to_owned()),
        KeyValue::new("server.address", "127.0.0.1".to_owned()),
        KeyValue::new("server.port", 8081),
        KeyValue::new("client.address", "127.0.0.1".to_owned()),
        KeyValue::new("network.peer.address", "127.0.0.1".to_owned()),
        KeyValue::new("network.peer.port", 40_000),
        KeyValue::new("network.protocol.version", "1.1"),
        KeyValue::new("http.response.status_code", 200),
    ]
}

fn export(criterion: &mut Criterion) {
    let telemetry = shared::telemetry::init("export").expect("the bench's own settings");
    let tracer = global::tracer("export");
    let batch = || {
        for _ in 0..SPANS {
            let span = tracer
                .span_builder("GET /check/{item_id}")
                .with_kind(SpanKind::Server)
                .with_attributes(attributes());
            tracer.build(span).end();
        }
        while telemetry.spans().waiting > 0 {
            std::thread::sleep(Duration::from_micros(20));
        }
    };
    let mut group = criterion.benchmark_group("export");
    group.throughput(Throughput::Elements(SPANS));
    group.bench_function("a batch", |bencher| bencher.iter(batch));
    group.finish();
    let counts = telemetry.spans();
    assert_eq!(counts.exported, counts.ended, "{counts:?}");
}

criterion_group!(benches, export);

/// Responds with an empty `ExportTraceServiceResponse`, which means that every span was accepted.
async fn take(_: Bytes) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/x-protobuf")], "")
}

/// Starts a collector that accepts every batch, and returns its URL.
fn sink() -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    listener.set_nonblocking(true)?;
    let router = Router::new().route("/v1/traces", post(take));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    #[expect(clippy::disallowed_methods, reason = "no trace reaches in here")]
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        })
    });
    Ok(url)
}

fn main() -> std::io::Result<ExitCode> {
    if std::env::var_os(ENDPOINT).is_some() {
        benches();
        criterion::Criterion::default()
            .configure_from_args()
            .final_summary();
        return Ok(ExitCode::SUCCESS);
    }
    let status = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(ENDPOINT, sink()?)
        .env("RUST_LOG", "off")
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
