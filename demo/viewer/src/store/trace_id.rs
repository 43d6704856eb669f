//! Trace ids.

use std::fmt;
use std::str::FromStr;

use crate::attributes::hex;

/// The 16 bytes shared by all spans of a trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The error if a text is not a valid trace id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a trace id: expected 32 hex digits, not all of them 0")]
pub struct InvalidTraceId(String);

impl TraceId {
    /// Creates an id from 16 bytes, which must not all be 0.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        (bytes != [0; 16]).then_some(Self(bytes))
    }
}

impl FromStr for TraceId {
    type Err = InvalidTraceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .and_then(|number| Self::from_bytes(&number.to_be_bytes()))
            .ok_or_else(|| InvalidTraceId(text.to_owned()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TRACE_ID;

    #[test]
    fn trace_id_is_32_nonzero_hex_digits() {
        assert_eq!(TRACE_ID.parse::<TraceId>().unwrap().to_string(), TRACE_ID);
        let upper = TRACE_ID.to_uppercase().parse::<TraceId>().unwrap();
        assert_eq!(upper.to_string(), TRACE_ID);
        let zeroes = "0".repeat(32);
        let signed = format!("+{}", &TRACE_ID[1..]);
        for wrong in ["", "4bf9", &zeroes, &signed, &format!("{TRACE_ID}0")] {
            assert!(wrong.parse::<TraceId>().is_err(), "{wrong}");
        }
    }
}
