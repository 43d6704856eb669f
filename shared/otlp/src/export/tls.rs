//! Converts certificates to the types of reqwest and tonic: the root certificates that verify the collector's
//! certificate, and the client certificate.

use super::{error::BuildError, settings::Settings};

/// The certificates for building an HTTP client.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    pub(super) roots: Vec<reqwest::Certificate>,
    pub(super) identity: Option<reqwest::Identity>,
}

/// Returns the certificates for the HTTP client, or none if neither the endpoint nor the proxy uses TLS.
///
/// Loads the root certificates of the system here, because reqwest's default verifier logs an error for each attempt
/// with an invalid certificate.
pub(super) fn certificates(settings: &Settings) -> Result<Certificates, BuildError> {
    let proxy = settings.proxy.as_deref().unwrap_or_default();
    if settings.endpoint.scheme() != "https" && !proxy.starts_with("https:") {
        return Ok(Certificates::default());
    }
    let roots = match &settings.tls.roots {
        Some(pem) => reqwest::Certificate::from_pem_bundle(pem).map_err(BuildError::Client)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .filter_map(|certificate| reqwest::Certificate::from_der(certificate).ok())
            .collect(),
    };
    let identity = settings.tls.identity.as_ref().map(|(certificate, key)| {
        let bundle = [key.as_slice(), b"\n", certificate.as_slice()].concat();
        reqwest::Identity::from_pem(&bundle)
    });
    Ok(Certificates {
        roots,
        identity: identity.transpose().map_err(BuildError::Client)?,
    })
}

#[cfg(feature = "grpc")]
pub(super) fn client_config(settings: &Settings) -> tonic::transport::ClientTlsConfig {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};

    let tls = ClientTlsConfig::new();
    let tls = match &settings.tls.roots {
        Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
        None => tls.with_enabled_roots(),
    };
    match &settings.tls.identity {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }
}
