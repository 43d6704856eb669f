//! TLS certificates: the roots that verify the collector's certificate, and the client certificate.

use crate::telemetry::{InitError, settings::Otlp};

/// The certificates for building an HTTP client.
#[derive(Clone, Default)]
pub(in crate::telemetry::otlp) struct Certificates {
    pub(in crate::telemetry::otlp) roots: Vec<reqwest::Certificate>,
    pub(in crate::telemetry::otlp) identity: Option<reqwest::Identity>,
}

/// Returns the certificates for HTTP, or none if neither the endpoint nor the proxy uses TLS.
///
/// Reads the roots of the system here, because reqwest's default verifier logs an error for each attempt.
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
