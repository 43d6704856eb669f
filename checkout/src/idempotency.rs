//! The header `Idempotency-Key`, with which a caller may repeat an order if the response did not arrive.
//!
//! The header follows the IETF draft `draft-ietf-httpapi-idempotency-key-header`. The key is a UUID and becomes the id
//! of the order, which inventory reserves once: checkout stores nothing, so a repeated request finds its order after a
//! restart and through another instance.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::error::ApiError;
use crate::order::InvalidOrder;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The idempotency key of a request, if the request has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdempotencyKey(pub(crate) Option<Uuid>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(read(&parts.headers)?))
    }
}

/// Reads the key as a UUID, with or without the quotes that the draft requires. The nil UUID is refused: programs that
/// forget to set a key would all send it.
fn read(headers: &HeaderMap) -> Result<Option<Uuid>, InvalidOrder> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let unquoted = text.map(|text| {
        text.strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text)
    });
    let key = unquoted.and_then(|text| Uuid::try_parse(text).ok());
    match key.filter(|key| !key.is_nil()) {
        Some(key) => Ok(Some(key)),
        None => Err(InvalidOrder::IdempotencyKey),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]]) -> Result<Option<Uuid>, InvalidOrder> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn key_is_uuid_with_or_without_quotes() {
        let key = Uuid::from_u128(0x8e03_978e_40d5_43e8_bc93_6894_a57f_9324);
        assert_eq!(of(&[]).unwrap(), None);
        for value in [
            &b"8e03978e-40d5-43e8-bc93-6894a57f9324"[..],
            b"8E03978E-40D5-43E8-BC93-6894A57F9324",
            b"\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        ] {
            assert_eq!(of(&[value]).unwrap(), Some(key));
        }
    }

    #[test]
    fn invalid_key_is_refused() {
        let key = &b"8e03978e-40d5-43e8-bc93-6894a57f9324"[..];
        for values in [
            &[&b""[..]][..],
            &[b"order-1"],
            &[b"\"8e03978e-40d5-43e8-bc93-6894a57f9324"],
            &[b"00000000-0000-0000-0000-000000000000"],
            &[b"\xff"],
            &[key, key],
        ] {
            assert!(of(values).is_err(), "{values:?}");
        }
    }
}
