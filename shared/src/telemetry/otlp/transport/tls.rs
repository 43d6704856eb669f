//! The certificates of TLS: the roots that a collector's certificate is checked against, and the client's own.

use crate::telemetry::{InitError, settings::Otlp};

/// What an HTTP client is built with.
#[derive(Clone, Default)]
pub(in crate::telemetry::otlp) struct Certificates {
    pub(in crate::telemetry::otlp) roots: Vec<reqwest::Certificate>,
    pub(in crate::telemetry::otlp) identity: Option<reqwest::Identity>,
}

/// Returns the certificates for HTTP; none if nothing on the way is encrypted.
///
/// The roots of the system are read here because the verifier that reqwest uses otherwise logs an error of its own for each
/// attempt.
pub(in crate::telemetry::otlp) fn certificates(settings: &Otlp) -> Result<Certificates, InitError> {
    let proxy = settings.proxy.as_deref().unwrap_or_default();
    if settings.endpoint.scheme() != "https" && !proxy.starts_with("https:") {
        return Ok(Certificates::default());
    }
    let roots = match &settings.certificate {
        Some(pem) => reqwest::Certificate::from_pem_bundle(pem).map_err(InitError::Client)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .filter_map(|certificate| reqwest::Certificate::from_der(certificate).ok())
            .collect(),
    };
    let identity = settings.identity.as_ref();
    let identity = identity.map(|identity| reqwest::Identity::from_pem(&identity.bundle()));
    Ok(Certificates {
        roots,
        identity: identity.transpose().map_err(InitError::Client)?,
    })
}

#[cfg(feature = "grpc")]
pub(in crate::telemetry::otlp) fn client_config(
    settings: &Otlp,
) -> tonic::transport::ClientTlsConfig {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};

    let tls = ClientTlsConfig::new();
    let tls = match &settings.certificate {
        Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
        None => tls.with_enabled_roots(),
    };
    match &settings.identity {
        Some(identity) => tls.identity(Identity::from_pem(&identity.certificate, &identity.key)),
        None => tls,
    }
}
