//! What waits for long is kept compressed, at a tenth of its size, and sent so where `OTEL_EXPORTER_OTLP_COMPRESSION` says it.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Compresses, as fast as it goes.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    encoder
        .write_all(plain)
        .expect("a Vec takes what is written");
    let mut packed = encoder.finish().expect("a Vec takes what is written");
    packed.shrink_to_fit();
    packed
}

/// What [`pack`] was given.
pub(super) fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(packed.len() * 8);
    GzDecoder::new(packed)
        .read_to_end(&mut plain)
        .expect("what was packed here can be unpacked");
    plain
}
