//! The meter provider and its exporter. All settings are passed in code, because the exporter does not validate variables
//! that it reads from the environment itself.

use std::thread;

use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol as OtlpProtocol, WithExportConfig as _,
    WithHttpConfig as _,
};

use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
};

use crate::telemetry::{
    InitError,
    settings::{Metrics, Otlp, Protocol},
};

/// Collects the measurements of `crate::metrics`, and exports them at the configured interval.
pub(in crate::telemetry) fn meter_provider(
    metrics: &Metrics,
    resource: Resource,
) -> Result<SdkMeterProvider, InitError> {
    let reader = PeriodicReader::builder(metric_exporter(&metrics.exporter)?)
        .with_interval(metrics.interval)
        .build();
    let provider = SdkMeterProvider::builder().with_resource(resource);
    Ok(provider.with_reader(reader).build())
}

fn metric_exporter(settings: &Otlp) -> Result<MetricExporter, InitError> {
    match settings.protocol {
        Protocol::HttpProtobuf => http(settings),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => grpc(settings),
    }
}

fn http(settings: &Otlp) -> Result<MetricExporter, InitError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(client(settings)?)
        .with_protocol(OtlpProtocol::HttpBinary)
        .with_endpoint(settings.endpoint.clone())
        .with_timeout(settings.timeout)
        .with_headers(settings.headers.clone());
    let exporter = if settings.gzip {
        exporter.with_compression(Compression::Gzip)
    } else {
        exporter
    };
    Ok(exporter.build()?)
}

/// The blocking client, regardless of the exporter's default, which depends on cargo features. Other clients need a
/// runtime, which the thread that collects metrics does not have.
fn client(settings: &Otlp) -> Result<reqwest::blocking::Client, InitError> {
    let timeout = settings.timeout;
    let uses_proxy = settings.proxy.is_some();
    #[cfg(feature = "tls")]
    let certificates = super::transport::certificates(settings)?;
    let make = move || {
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        let client = reqwest::blocking::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout);
        let client = if uses_proxy {
            client
        } else {
            client.no_proxy()
        };
        #[cfg(feature = "tls")]
        let client = {
            let client = client.tls_certs_only(certificates.roots);
            match certificates.identity {
                Some(identity) => client.identity(identity),
                None => client,
            }
        };
        client.build()
    };
    // It starts a runtime, which it may not within another.
    #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
    let client = thread::scope(|scope| scope.spawn(make).join());
    let client = client.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    client.map_err(InitError::Client)
}

#[cfg(feature = "grpc")]
fn grpc(settings: &Otlp) -> Result<MetricExporter, InitError> {
    use opentelemetry_otlp::{WithTonicConfig as _, tonic_types::metadata::MetadataMap};

    if tokio::runtime::Handle::try_current().is_err() {
        return Err(InitError::NoRuntime);
    }
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(settings.endpoint.clone())
        .with_timeout(settings.timeout)
        .with_metadata(MetadataMap::from_headers(settings.header_map()));
    let exporter = if settings.gzip {
        exporter.with_compression(Compression::Gzip)
    } else {
        exporter
    };
    #[cfg(feature = "tls")]
    let exporter = exporter.with_tls_config(super::transport::client_config(settings));
    Ok(exporter.build()?)
}
