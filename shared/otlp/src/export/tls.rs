//! [`Tls`]: the roots that verify the collector's certificate, and the client certificate.

use std::fmt;

use super::{BuildError, settings::Settings};

/// Certificates for `https://` endpoints, as PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// Root certificates that the collector's certificate is checked against. `None` for those of the system.
    pub roots: Option<Vec<u8>>,
    /// Client certificate and its unencrypted private key, for collectors that demand one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Tls {
    /// Omits the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

/// The certificates for building an HTTP client.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    pub(super) roots: Vec<reqwest::Certificate>,
    pub(super) identity: Option<reqwest::Identity>,
}

/// Returns the certificates for HTTP, or none if neither the endpoint nor the proxy uses TLS.
///
/// Reads the roots of the system here, because reqwest's default verifier logs an error for each attempt.
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
