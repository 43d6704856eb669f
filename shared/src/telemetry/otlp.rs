//! The OTLP exporters, every setting of them in code: what they would read from the environment by themselves they do
//! not check.

use opentelemetry_otlp::{
    MetricExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig, WithHttpConfig,
};

use super::{
    InitError,
    settings::{Otlp, Protocol},
};

pub(super) fn span_exporter(settings: Otlp) -> Result<SpanExporter, InitError> {
    let exporter = SpanExporter::builder();
    Ok(match settings.protocol {
        Protocol::HttpProtobuf => http(exporter.with_http(), settings).build()?,
        #[cfg(feature = "grpc")]
        Protocol::Grpc => grpc(exporter.with_tonic(), settings)?.build()?,
    })
}

pub(super) fn metric_exporter(settings: Otlp) -> Result<MetricExporter, InitError> {
    let exporter = MetricExporter::builder();
    Ok(match settings.protocol {
        Protocol::HttpProtobuf => http(exporter.with_http(), settings).build()?,
        #[cfg(feature = "grpc")]
        Protocol::Grpc => grpc(exporter.with_tonic(), settings)?.build()?,
    })
}

fn http<B: WithExportConfig + WithHttpConfig>(exporter: B, settings: Otlp) -> B {
    exporter
        .with_protocol(OtlpProtocol::HttpBinary)
        .with_endpoint(settings.endpoint)
        .with_timeout(settings.timeout)
        .with_headers(settings.headers)
}

#[cfg(feature = "grpc")]
fn grpc<B>(exporter: B, settings: Otlp) -> Result<B, InitError>
where
    B: WithExportConfig + opentelemetry_otlp::WithTonicConfig,
{
    use opentelemetry_otlp::tonic_types::metadata::MetadataMap;

    if tokio::runtime::Handle::try_current().is_err() {
        return Err(InitError::NoRuntime);
    }
    let headers = settings.headers.iter().filter_map(|(name, value)| {
        let value = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .ok()?;
        Some((
            http::HeaderName::try_from(name).ok()?,
            http::HeaderValue::try_from(value.as_ref()).ok()?,
        ))
    });
    let exporter = exporter
        .with_endpoint(settings.endpoint)
        .with_timeout(settings.timeout)
        .with_metadata(MetadataMap::from_headers(headers.collect()));
    #[cfg(feature = "tls")]
    let exporter = exporter.with_tls_config(
        opentelemetry_otlp::tonic_types::transport::ClientTlsConfig::new().with_enabled_roots(),
    );
    Ok(exporter)
}
