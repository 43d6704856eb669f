//! The OTLP exporter, every setting of it in code: what it would read from the environment by itself it does not check.

use opentelemetry_otlp::{
    ExporterBuildError, Protocol as OtlpProtocol, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _,
};

use super::{
    InitError,
    settings::{Otlp, Protocol},
};

pub(super) fn exporter(settings: Otlp) -> Result<SpanExporter, InitError> {
    match settings.protocol {
        Protocol::HttpProtobuf => Ok(http(settings)?),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => grpc(settings),
    }
}

fn http(settings: Otlp) -> Result<SpanExporter, ExporterBuildError> {
    SpanExporter::builder()
        .with_http()
        .with_protocol(OtlpProtocol::HttpBinary)
        .with_endpoint(settings.endpoint)
        .with_timeout(settings.timeout)
        .with_headers(settings.headers)
        .build()
}

#[cfg(feature = "grpc")]
fn grpc(settings: Otlp) -> Result<SpanExporter, InitError> {
    use opentelemetry_otlp::{WithTonicConfig as _, tonic_types::metadata::MetadataMap};

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
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(settings.endpoint)
        .with_timeout(settings.timeout)
        .with_metadata(MetadataMap::from_headers(headers.collect()));
    #[cfg(feature = "tls")]
    let exporter = exporter.with_tls_config(
        opentelemetry_otlp::tonic_types::transport::ClientTlsConfig::new().with_enabled_roots(),
    );
    Ok(exporter.build()?)
}
