//! The TLS certificate files: the root certificates that verify a collector's certificate, and the client
//! certificate with its key. The files are read when telemetry is initialized, which fails if a file is
//! missing or unusable.

use std::{fs, path::Path};

use super::{super::variables::Variables, signal::Signal};
use crate::config::ConfigError;

/// The client's certificate and private key, as PEM.
type Identity = (Vec<u8>, Vec<u8>);

/// Returns whether the private key can be parsed and belongs to the certificate.
fn is_usable((certificate, key): &Identity) -> bool {
    let bundle = [key.as_slice(), b"\n", certificate.as_slice()].concat();
    let Ok(identity) = reqwest::Identity::from_pem(&bundle) else {
        return false;
    };
    #[expect(clippy::disallowed_methods, reason = "it sends nothing")]
    let client = reqwest::Client::builder();
    client.tls_certs_only([]).identity(identity).build().is_ok()
}

pub(super) fn roots(
    variables: &mut Variables<'_>,
    signal: &Signal,
) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some((variable, value)) = variables.first(signal.certificate) else {
        return Ok(None);
    };
    match certificates(Path::new(&value)) {
        Some(pem) => Ok(Some(pem)),
        None => Err(ConfigError {
            variable,
            value,
            expects: "the path of a readable file with certificates in PEM format",
        }),
    }
}

pub(super) fn identity(
    variables: &mut Variables<'_>,
    signal: &Signal,
) -> Result<Option<Identity>, ConfigError> {
    let certificate = variables.first(signal.client_certificate);
    let key = variables.first(signal.client_key);
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some((variable, value)), None) => Err(ConfigError {
            variable,
            value,
            expects: "its private key in OTEL_EXPORTER_OTLP_CLIENT_KEY, which is not set",
        }),
        (None, Some((variable, value))) => Err(ConfigError {
            variable,
            value,
            expects: "its certificate in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, which is not set",
        }),
        (Some((variable, value)), Some(key)) => {
            let Some(certificate) = certificates(Path::new(&value)) else {
                return Err(ConfigError {
                    variable,
                    value,
                    expects: "the path of a readable file with certificates in PEM format",
                });
            };
            let identity = fs::read(&key.1).map(|key| (certificate, key));
            let identity = identity.ok().filter(is_usable);
            identity.map(Some).ok_or(ConfigError {
                variable: key.0,
                value: key.1,
                expects: "the path of a readable file with the unencrypted private key of the client certificate in PEM \
                          format",
            })
        }
    }
}

fn certificates(path: &Path) -> Option<Vec<u8>> {
    let pem = fs::read(path).ok()?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).ok()?;
    (!certificates.is_empty()).then_some(pem)
}
