//! The variables `OTEL_EXPORTER_OTLP_*`, and their variants `OTEL_EXPORTER_OTLP_TRACES_*`, which take precedence.

use crate::{process::Process, support::collector::Collector};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// An address without a listener.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn default_endpoint_is_local_http_collector() {
    for variables in [vec![], vec![(ENDPOINT, " "), (TRACES_ENDPOINT, "")]] {
        let process =
            Process::start(&[&variables[..], &[("OTEL_TRACES_SAMPLER", "always_off")]].concat());
        let said = process.stop();
        assert_eq!(
            said.exporter(),
            "http/protobuf to http://localhost:4318/v1/traces"
        );
        assert_eq!(said.warnings(), [""; 0]);
    }
}

#[test]
fn general_endpoint_gets_traces_path() {
    for (suffix, path) in [
        ("", "/v1/traces"),
        ("/", "/v1/traces"),
        ("/otlp", "/otlp/v1/traces"),
        ("/otlp/", "/otlp/v1/traces"),
    ] {
        let collector = Collector::start();
        let endpoint = format!(" {}{suffix}\t", collector.url());
        let said = Process::start(&[(ENDPOINT, &endpoint)]).stop();
        assert_eq!(collector.export().path, path, "{endpoint}");
        assert_eq!(said.spans, [1, 1, 0]);
    }
}

#[test]
fn traces_endpoint_takes_precedence_unchanged() {
    for (suffix, path) in [("", "/"), ("/traces", "/traces")] {
        let collector = Collector::start();
        let endpoint = format!("{}{suffix}", collector.url());
        Process::start(&[(ENDPOINT, NOWHERE), (TRACES_ENDPOINT, &endpoint)]).stop();
        assert_eq!(collector.export().path, path);
    }
}

#[test]
fn malformed_endpoint_fails_startup() {
    for variable in [ENDPOINT, TRACES_ENDPOINT] {
        for value in [
            "not a url",
            "localhost:4318",
            "127.0.0.1:4318",
            "//localhost:4318",
            "ftp://localhost:4318",
            "http://",
            "http://[::1",
            "http://localhost:port",
            "file:///tmp/spans",
        ] {
            assert_eq!(
                Process::refused(&[(variable, value)]),
                format!(
                    "error: {variable} is `{value}`: expected a URL such as http://localhost:4318\n"
                )
            );
        }
    }
    let refused = Process::refused(&[(ENDPOINT, "ftp://user:hunter2@localhost")]);
    assert!(refused.contains("`ftp://REDACTED@localhost`"), "{refused}");
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_tls_feature_fails_startup() {
    assert_eq!(
        Process::refused(&[(ENDPOINT, "https://localhost:4318")]),
        format!(
            "error: {ENDPOINT} is `https://localhost:4318`: expected an http:// URL, or a build of `shared` with the cargo feature `tls`\n"
        )
    );
}

#[cfg(feature = "tls")]
#[test]
fn https_with_tls_feature_uses_tls() {
    for protocol in ["http/protobuf", "grpc"] {
        if protocol == "grpc" && cfg!(not(feature = "grpc")) {
            continue;
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        let process = Process::start(&[
            (ENDPOINT, &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ]);
        process.forward(&[]);
        let mut first = [0];
        std::io::Read::read_exact(&mut listener.accept().unwrap().0, &mut first).unwrap();
        assert_eq!(first, [22], "a TLS handshake");
    }
}

#[cfg(not(feature = "grpc"))]
#[test]
fn grpc_without_feature_fails_startup() {
    for variable in [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    ] {
        assert_eq!(
            Process::refused(&[(variable, " grpc ")]),
            format!(
                "error: {variable} is `grpc`: expected http/protobuf, or a build of `shared` with the cargo feature `grpc`\n"
            )
        );
    }
}

#[test]
fn unknown_protocol_warns_and_uses_default() {
    for value in ["http/json", "carrier pigeon"] {
        let collector = Collector::start();
        let said = Process::start(&[
            (ENDPOINT, &collector.url()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", value),
        ])
        .stop();
        let allowed = if cfg!(feature = "grpc") {
            "http/protobuf or grpc"
        } else {
            "http/protobuf"
        };
        let expected = format!(
            "OTEL_EXPORTER_OTLP_PROTOCOL is `{value}`, which cannot be used: expected {allowed}; using http/protobuf instead"
        );
        assert_eq!(said.warnings(), [expected]);
        assert_eq!(
            collector.export().headers["content-type"],
            "application/x-protobuf"
        );
    }
}

#[test]
fn traces_protocol_takes_precedence() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "HTTP/protobuf"),
    ])
    .stop();
    assert_eq!(said.warnings(), [""; 0]);
    collector.export();
}

#[cfg(feature = "grpc")]
#[test]
fn unusable_signal_protocol_falls_back_to_general() {
    let said = Process::start(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "maybe"),
        (ENDPOINT, "127.0.0.1:9"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ])
    .stop();
    assert_eq!(said.exporter(), "grpc to http://127.0.0.1:9/");
    assert_eq!(
        said.warnings(),
        [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is `http/json`, which cannot be used: expected http/protobuf or grpc; using grpc instead",
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE is `maybe`, which cannot be used: expected true or false; using true instead",
        ]
    );
}

#[cfg(feature = "grpc")]
#[test]
fn path_of_grpc_endpoint_is_warned_of() {
    let said = Process::start(&[
        (ENDPOINT, "http://127.0.0.1:9/v1/traces"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ])
    .stop();
    let expected =
        format!("{ENDPOINT} has a path, which has no effect: gRPC uses the host and port only");
    assert_eq!(said.warnings(), [expected]);
}
