//! Compresses batches with gzip, to about a tenth of their size: while the queue fills up, and for
//! [`Compression::Gzip`](super::Compression).

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Compresses a request with gzip at the fastest level.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    encoder
        .write_all(plain)
        .expect("writing to a Vec cannot fail");
    let mut packed = encoder.finish().expect("writing to a Vec cannot fail");
    packed.shrink_to_fit();
    packed
}

/// Decompresses the output of [`pack`].
pub(super) fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(packed.len() * 8);
    GzDecoder::new(packed)
        .read_to_end(&mut plain)
        .expect("the output of pack is valid gzip");
    plain
}
