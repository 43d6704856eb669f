//! Export to a collector that demands a client certificate, and to one with a certificate of an unknown authority. The
//! certificates in `tls/` were made with openssl for `127.0.0.1` and `localhost`; they are valid for 100 years.

use crate::{
    process::{DEADLINE, Process},
    tls_server::{Server, file},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ROOTS: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
const AT_ONCE: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "20");

#[test]
fn client_certificate_is_shown_over_http() {
    for forms in [
        [CLIENT_CERTIFICATE, CLIENT_KEY],
        [
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        ],
    ] {
        let Some(mut server) = Server::start() else {
            return;
        };
        let mut process = Process::start(&[
            (ENDPOINT, &server.url),
            (ROOTS, &file("ca.pem")),
            (forms[0], &file("client.pem")),
            (forms[1], &file("client-key.pem")),
            (DEADLINE, "1"),
            AT_ONCE,
        ]);
        process.end_spans(1);
        assert_eq!(server.answer(), "POST /v1/traces HTTP/1.1");
        while process.counts()["exported"] != 1 {}
    }
}

#[test]
fn client_certificate_is_shown_for_metrics() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let process = Process::start(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "20"),
        (ENDPOINT, &server.url),
        (ROOTS, &file("ca.pem")),
        (
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
            &file("client.pem"),
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            &file("client-key.pem"),
        ),
    ]);
    process.forward(&[]);
    assert_eq!(server.answer(), "POST /v1/metrics HTTP/1.1");
}

#[test]
fn missing_client_certificate_buffers_spans() {
    let Some(server) = Server::start() else {
        return;
    };
    let said = Process::start(&[
        (ENDPOINT, &server.url),
        (ROOTS, &file("ca.pem")),
        (DEADLINE, "2"),
        AT_ONCE,
    ])
    .stop();
    assert_eq!(said.counts["lost"]["shutdown"], 1);
}

#[test]
fn unknown_authority_is_logged_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut process = Process::start(&[
        (ENDPOINT, &server.url),
        (CLIENT_CERTIFICATE, &file("client.pem")),
        (CLIENT_KEY, &file("client-key.pem")),
        (DEADLINE, "2"),
        ("RUST_LOG", "info"),
        AT_ONCE,
    ]);
    process.end_spans(1);
    let outage = process.log("collector unavailable, buffering spans");
    let reason = outage["reason"].as_str().unwrap();
    assert!(
        reason.contains("invalid peer certificate: UnknownIssuer"),
        "{reason}"
    );
    let said = process.stop();
    let troubles = said.logs().into_iter().filter(|log| {
        let is_trouble = log["level"] == "WARN" || log["level"] == "ERROR";
        is_trouble && log["message"] != "spans dropped"
    });
    assert_eq!(troubles.count(), 0, "{}", said.all());
}

#[test]
fn unusable_client_certificate_stops_start() {
    let [certificate, key, other] = ["client.pem", "client-key.pem", "server-key.pem"].map(file);
    let endpoint = (ENDPOINT, "https://127.0.0.1:9");
    let refused = |variables: &[(&str, &str)]| Process::refused(&[&[endpoint], variables].concat());
    let error = refused(&[(CLIENT_CERTIFICATE, &certificate)]);
    assert!(
        error.contains("OTEL_EXPORTER_OTLP_CLIENT_KEY, which is not set"),
        "{error}"
    );
    let error = refused(&[(CLIENT_KEY, &key)]);
    assert!(
        error.contains("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, which is not set"),
        "{error}"
    );
    for (variables, culprit) in [
        (
            [(CLIENT_CERTIFICATE, "/nowhere"), (CLIENT_KEY, &*key)],
            CLIENT_CERTIFICATE,
        ),
        (
            [(CLIENT_CERTIFICATE, &*key), (CLIENT_KEY, &*key)],
            CLIENT_CERTIFICATE,
        ),
        (
            [
                (CLIENT_CERTIFICATE, &*certificate),
                (CLIENT_KEY, "/nowhere"),
            ],
            CLIENT_KEY,
        ),
        (
            [
                (CLIENT_CERTIFICATE, &*certificate),
                (CLIENT_KEY, &*certificate),
            ],
            CLIENT_KEY,
        ),
        (
            [(CLIENT_CERTIFICATE, &*certificate), (CLIENT_KEY, &*other)],
            CLIENT_KEY,
        ),
    ] {
        let error = refused(&variables);
        assert!(
            error.starts_with(&format!("error: {culprit} is ")),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}

#[cfg(feature = "grpc")]
mod grpc {
    use std::sync::mpsc::channel;

    use axum::{Router, routing::post};
    use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig, server::TcpIncoming};

    use super::{
        AT_ONCE, CLIENT_CERTIFICATE, CLIENT_KEY, DEADLINE, ENDPOINT, Process, ROOTS, file,
    };

    const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    /// Starts a gRPC server that demands a client certificate and accepts every export. Returns the URL of the server.
    fn start() -> String {
        let read = |name: &str| std::fs::read(file(name)).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(
                read("server.pem"),
                read("server-key.pem"),
            ))
            .client_ca_root(Certificate::from_pem(read("ca.pem")));
        let (found, address) = channel();
        let serve = move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
                found.send(incoming.local_addr().unwrap()).unwrap();
                let taken = [("content-type", "application/grpc"), ("grpc-status", "0")];
                let routes = Router::new().route(EXPORT, post(move || async move { taken }));
                let mut server = Server::builder().tls_config(tls).unwrap();
                let server = server.add_routes(tonic::service::Routes::from(routes));
                server.serve_with_incoming(incoming).await.unwrap();
            });
        };
        std::thread::Builder::new().spawn(serve).unwrap();
        format!("https://{}", address.recv().unwrap())
    }

    #[test]
    fn client_certificate_is_shown_over_grpc() {
        let endpoint = start();
        let [roots, certificate, key] = ["ca.pem", "client.pem", "client-key.pem"].map(file);
        let variables = [
            (ENDPOINT, &*endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            (ROOTS, &*roots),
            (DEADLINE, "3"),
            AT_ONCE,
        ];
        let said = Process::start(&variables).stop();
        assert_eq!(said.spans, [1, 0, 1], "the server demands a certificate");
        let identity = [(CLIENT_CERTIFICATE, &*certificate), (CLIENT_KEY, &*key)];
        let said = Process::start(&[&variables[..], &identity].concat()).stop();
        assert_eq!(said.spans, [1, 1, 0]);
    }
}
