//! `OTEL_EXPORTER_OTLP_*` except for the endpoint and the protocol: headers, timeouts, compression, and names that have no effect.

use crate::{
    process::{DEADLINE, Process},
    support::collector::{Answer, Collector},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn headers_are_sent_and_never_shown() {
    let collector = Collector::start();
    let process = Process::start(&[
        ("RUST_LOG", "trace"),
        (ENDPOINT, &collector.url()),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            " api-key = hunter2 , authorization=Bearer%20hunter2 , hunter2, sp ace=hunter2",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", " "),
    ]);
    let said = process.stop();
    let headers = collector.export().headers;
    assert_eq!(headers["api-key"], "hunter2");
    assert_eq!(headers["authorization"], "Bearer hunter2");
    assert!(headers["user-agent"].starts_with("OTel-OTLP-Exporter-Rust/"));
    assert_eq!(
        said.warnings(),
        [3, 4].map(|entry| format!(
            "entry {entry} of OTEL_EXPORTER_OTLP_HEADERS is left out: expected a percent-encoded name=value pair"
        ))
    );
    assert!(!said.all().contains("hunter2"), "{}", said.all());
}

#[test]
fn traces_headers_take_precedence() {
    let collector = Collector::start();
    Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=all"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces"),
    ])
    .stop();
    assert_eq!(collector.export().headers["api-key"], "traces");
}

#[test]
fn timeout_is_in_milliseconds() {
    for variable in [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    ] {
        let collector = Collector::answering(Answer::Silence);
        let variables = [(ENDPOINT, collector.url()), (variable, " 50 ".to_owned())];
        let variables = variables
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let said = Process::start(&[&variables[..], &[(DEADLINE, "2")]].concat()).stop();
        assert_eq!(said.spans, [1, 0, 1]);
        assert_eq!(said.reasons()[0], "no answer within 400ms");
    }
    for value in ["soon", "-1", "1.5"] {
        let said = Process::start(&[
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", value),
        ])
        .stop();
        let expected = format!(
            "OTEL_EXPORTER_OTLP_TIMEOUT is `{value}`, which cannot be used: expected a whole number from 0 to 86400000; using 10000 instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
}

#[test]
fn export_timeout_bounds_attempt() {
    let collector = Collector::answering(Answer::Silence);
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_EXPORT_TIMEOUT", "40"),
        (DEADLINE, "2"),
    ])
    .stop();
    assert_eq!(said.reasons()[0], "no answer within 320ms");
}

#[test]
fn compressed_spans_are_identical() {
    for (compression, encoding) in [
        ("gzip", Some("gzip")),
        (" GZIP ", Some("gzip")),
        ("none", None),
        ("", None),
    ] {
        let collector = Collector::start();
        let process = Process::start(&[
            (ENDPOINT, &collector.url()),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ]);
        process.forward(&[]);
        let said = process.stop();
        assert_eq!(said.warnings(), [""; 0]);
        assert_eq!(said.spans, [5, 5, 0]);
        let export = collector.export();
        let sent = export.headers.get("content-encoding").map(String::as_str);
        assert_eq!(sent, encoding);
        assert_eq!(export.spans().len(), 5);
        assert_eq!(export.resource()["service.name"], "from-code");
    }
}

#[test]
fn unknown_compression_is_replaced_by_none() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
    ])
    .stop();
    let expected = "OTEL_EXPORTER_OTLP_COMPRESSION is `zstd`, which cannot be used: expected gzip or none; using none instead";
    assert_eq!(said.warnings(), [expected]);
    assert_eq!(collector.export().headers.get("content-encoding"), None);
}

#[test]
fn unusable_signal_value_falls_back_to_general() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd"),
    ])
    .stop();
    let expected = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION is `zstd`, which cannot be used: expected gzip or none; using gzip instead";
    assert_eq!(said.warnings(), [expected]);
    assert_eq!(collector.export().headers["content-encoding"], "gzip");

    let collector = Collector::answering(Answer::Silence);
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "abc"),
        (DEADLINE, "2"),
    ])
    .stop();
    assert_eq!(
        said.warnings()[0],
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is `abc`, which cannot be used: expected a whole number from 0 to 86400000; using 60 instead"
    );
    assert_eq!(said.reasons()[0], "no answer within 480ms");
}

#[test]
fn reserved_header_is_left_out() {
    for name in [
        "content-length",
        "Host",
        "transfer-encoding",
        "content-encoding",
        "content-type",
        "connection",
        "te",
        "upgrade",
        "expect",
        "grpc-encoding",
    ] {
        let collector = Collector::start();
        let said = Process::start(&[
            (ENDPOINT, &collector.url()),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                &format!("{name}=3,api-key=kept"),
            ),
        ])
        .stop();
        assert_eq!(said.spans, [1, 1, 0], "{name}");
        assert_eq!(
            said.warnings(),
            [format!(
                "entry 1 of OTEL_EXPORTER_OTLP_HEADERS is left out: the exporter sets `{name}` itself"
            )]
        );
        assert_eq!(collector.export().headers["api-key"], "kept");
    }
}

#[test]
fn unsupported_variable_is_warned_of() {
    let collector = Collector::start();
    for variable in [
        "OTEL_LOGS_EXPORTER",
        "OTEL_BLRP_SCHEDULE_DELAY",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_CONFIG_FILE",
    ] {
        let said = Process::start(&[(ENDPOINT, &collector.url()), (variable, "hunter2")]).stop();
        assert_eq!(
            said.warnings(),
            [format!("{variable} is not supported and has no effect")]
        );
        assert!(!said.all().contains("hunter2"));
    }
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ])
    .stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_EXPORTER_OTLP_INSECURE has no effect: it applies to gRPC endpoints without http:// or https:// only"
        ]
    );
}

#[test]
fn unknown_variable_is_warned_of() {
    let said = Process::start(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "http://hunter2"),
        ("OTEL_EXPORTER_JAEGER_ENDPOINT", "hunter2"),
        ("OTEL_PYTHON_LOG_CORRELATION", "hunter2"),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET"),
        ("OTEL_SERVICE_NAM", " "),
    ])
    .stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_EXPORTER_JAEGER_ENDPOINT is unknown and has no effect: did you mean OTEL_EXPORTER_OTLP_ENDPOINT?",
            "OTEL_EXPORTER_OTLP_ENDPIONT is unknown and has no effect: did you mean OTEL_EXPORTER_OTLP_ENDPOINT?",
            "OTEL_PYTHON_LOG_CORRELATION is unknown and has no effect",
        ]
    );
    assert!(!said.all().contains("hunter2"));
}
