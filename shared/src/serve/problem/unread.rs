//! [`check`]: rejects request bodies before any of them is read.

use axum::{RequestExt as _, extract::Request};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
};
use http_body::Body as _;

use super::Problem;

/// Applies the [`DefaultBodyLimit`](axum::extract::DefaultBodyLimit). Rejects a body whose `Content-Length` exceeds the
/// limit, and a body with a content coding that no layer has decoded.
pub(super) fn check(request: Request) -> Result<Request, Problem> {
    if is_encoded(request.headers()) {
        return Err(encoded());
    }
    let length = request.body().size_hint().lower();
    let request = request.with_limited_body();
    match request.body().size_hint().upper() {
        Some(limit) if limit < length => Err(too_large()),
        _ => Ok(request),
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// Returns the 415 response for an encoded body. Its header `Accept-Encoding` distinguishes it from the response for a
/// wrong media type (RFC 9110, section 12.5.3).
fn encoded() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Unsupported media type",
        "Send the body unencoded, without the header `Content-Encoding`.",
    )
    .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        "Payload too large",
        "The request body is larger than this endpoint accepts.",
    )
}
