//! Sets up OpenTelemetry's metric exporter. All settings are passed in code, because the metric exporter does not
//! validate the environment variables that it reads.

use std::thread;

use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol as OtlpProtocol, WithExportConfig as _,
    WithHttpConfig as _,
};

use super::{
    error::BuildError,
    settings::{Protocol, Settings},
};

pub(super) fn exporter(settings: &Settings) -> Result<MetricExporter, BuildError> {
    match settings.protocol {
        Protocol::HttpProtobuf => http(settings),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => grpc(settings),
    }
}

fn http(settings: &Settings) -> Result<MetricExporter, BuildError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(client(settings)?)
        .with_protocol(OtlpProtocol::HttpBinary)
        .with_endpoint(settings.endpoint.clone())
        .with_timeout(settings.timeout);
    let exporter = if settings.gzip {
        exporter.with_compression(Compression::Gzip)
    } else {
        exporter
    };
    Ok(exporter.build()?)
}

/// Creates a blocking HTTP client, instead of the metric exporter's default client, which depends on cargo features. An
/// async client would need a Tokio runtime, which the thread that collects metrics does not have.
fn client(settings: &Settings) -> Result<reqwest::blocking::Client, BuildError> {
    let timeout = settings.timeout;
    let uses_proxy = settings.proxy.is_some();
    let headers = settings.headers.clone();
    #[cfg(feature = "tls")]
    let certificates = super::tls::certificates(settings)?;
    let make = move || {
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        let client = reqwest::blocking::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
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
    // Building reqwest's blocking client starts a Tokio runtime, which is not allowed within another runtime, so the
    // client is built on a separate thread.
    #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
    let client = thread::scope(|scope| scope.spawn(make).join());
    let client = client.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    client.map_err(BuildError::Client)
}

#[cfg(feature = "grpc")]
fn grpc(settings: &Settings) -> Result<MetricExporter, BuildError> {
    use opentelemetry_otlp::{WithTonicConfig as _, tonic_types::metadata::MetadataMap};

    if tokio::runtime::Handle::try_current().is_err() {
        return Err(BuildError::NoRuntime);
    }
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(settings.endpoint.clone())
        .with_timeout(settings.timeout)
        .with_metadata(MetadataMap::from_headers(settings.headers.clone()));
    let exporter = if settings.gzip {
        exporter.with_compression(Compression::Gzip)
    } else {
        exporter
    };
    #[cfg(feature = "tls")]
    let exporter = exporter.with_tls_config(super::tls::client_config(settings));
    Ok(exporter.build()?)
}
