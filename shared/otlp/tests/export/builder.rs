//! Tests the builder's options, and the values that the builder refuses.

use std::error::Error as _;

use opentelemetry::{
    KeyValue, Value,
    trace::{Tracer as _, TracerProvider as _},
};
use opentelemetry_proto::tonic::common::v1::any_value;
use otlp::{BuildError, Compression, Limit, OtlpProcessor, ValueLimits};

use crate::{
    builder,
    collector::{Answer, Collector, Protocol, ReservedAddress},
    provider, wait_until,
};

/// Exports one span with the attribute `password`. Returns the processor and the collector.
fn exported_password(
    configure: impl FnOnce(otlp::Builder) -> otlp::Builder,
) -> (OtlpProcessor, Collector) {
    let reserved = ReservedAddress::reserve();
    let address = reserved.address;
    let collector = reserved.collector(Protocol::Http, Answer::Accept);
    let processor = configure(builder(Protocol::Http, address)).build().unwrap();
    let provider = provider(&processor);
    let tracer = provider.tracer("test");
    let span = tracer
        .span_builder("login")
        .with_attributes([KeyValue::new("password", "hunter2")]);
    drop(tracer.build(span));
    wait_until("export", || processor.counts().waiting == 0);
    (processor, collector)
}

fn password(collector: &Collector) -> String {
    let spans = collector.spans();
    let value = spans[0].attributes[0].value.clone().unwrap().value.unwrap();
    let any_value::Value::StringValue(value) = value else {
        panic!("{value:?}");
    };
    value
}

#[test]
fn request_has_resource_headers_and_compression() {
    let (_, collector) = exported_password(|builder| {
        builder
            .header("api-key", "secret")
            .compression(Compression::Gzip)
    });
    collector.with_exports(|exports| {
        assert_eq!(exports[0].resource("service.name"), "shop");
        assert_eq!(exports[0].headers["api-key"], "secret");
        assert_eq!(exports[0].headers["content-encoding"], "gzip");
        assert_eq!(exports[0].headers["content-type"], "application/x-protobuf");
    });
}

#[test]
fn edited_span_is_exported() {
    let (_, collector) = exported_password(|builder| {
        builder.edit_spans(|span| {
            for attribute in &mut span.attributes {
                attribute.value = Value::from("redacted");
            }
        })
    });
    assert_eq!(password(&collector), "redacted");
}

#[test]
fn panic_while_editing_drops_span() {
    let (processor, collector) =
        exported_password(|builder| builder.edit_spans(|_| panic!("expected")));
    assert_eq!(processor.counts().lost.export_failed, 1);
    assert!(collector.spans().is_empty());
}

#[test]
fn long_value_is_truncated() {
    let (_, collector) = exported_password(|builder| {
        builder.value_limits(ValueLimits {
            value: Limit::Characters(3),
            ..ValueLimits::default()
        })
    });
    assert_eq!(password(&collector), "hun");
}

#[test]
fn unusable_endpoint_is_refused() {
    for endpoint in ["", "localhost:4318", "ftp://localhost", "http://"] {
        let error = OtlpProcessor::builder()
            .endpoint(endpoint)
            .build()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the endpoint `{endpoint}` cannot be used: expected a URL such as http://localhost:4318/v1/traces"
            )
        );
    }
}

#[test]
fn refused_endpoint_hides_credentials() {
    for (endpoint, printed) in [
        ("ftp://ann:hunter2@localhost", "`REDACTED@localhost`"),
        (
            "collector:4318/v1/traces?api_key=hunter2",
            "`collector:4318/v1/traces?REDACTED`",
        ),
        (
            "ftp://ann:hunter2@localhost/#hunter2",
            "`REDACTED@localhost/#REDACTED`",
        ),
        ("ftp://localhost?key=ann@hunter2", "`REDACTED`"),
    ] {
        let error = OtlpProcessor::builder()
            .endpoint(endpoint)
            .build()
            .unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
        assert!(error.to_string().contains(printed), "{error}");
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_feature_is_refused() {
    let error = OtlpProcessor::builder()
        .endpoint("https://localhost:4318")
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("the cargo feature `tls`"),
        "{error}"
    );
}

#[cfg(feature = "tls")]
#[test]
fn unusable_root_certificate_is_refused() {
    let error = OtlpProcessor::builder()
        .endpoint("https://localhost:4318")
        .tls(otlp::Tls {
            roots: Some(b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n".to_vec()),
            ..otlp::Tls::default()
        })
        .build()
        .unwrap_err();
    assert!(matches!(error, BuildError::Client(_)), "{error:?}");
    assert!(error.source().is_some());
}

#[test]
fn invalid_header_is_refused_without_its_value() {
    let error = OtlpProcessor::builder()
        .header("api-key", "hunter2\n")
        .build()
        .unwrap_err();
    assert!(matches!(&error, BuildError::Header(name) if name == "api-key"));
    assert!(
        !format!("{error} {error:?}").contains("hunter2"),
        "{error:?}"
    );
    assert!(error.source().is_none());
}
