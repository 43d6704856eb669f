//! Decompresses gzip bodies. Every OTLP receiver must accept gzip, and the Collector's exporters use it by default.

use std::io::{self, Read as _};

use axum::body::Bytes;
use flate2::read::MultiGzDecoder;

/// The reason why a body cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the body is larger than {0} bytes once it is decompressed")]
    TooLarge(usize),
    #[error("the body is not gzip")]
    Invalid(#[source] io::Error),
}

/// Decompresses a body of up to `limit` decompressed bytes. Never allocates more than `limit` bytes.
pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Bytes, Error> {
    let mut plain = Vec::new();
    let more = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    let mut decoder = MultiGzDecoder::new(body).take(more);
    decoder.read_to_end(&mut plain).map_err(Error::Invalid)?;
    if plain.len() > limit {
        return Err(Error::TooLarge(limit));
    }
    Ok(plain.into())
}
