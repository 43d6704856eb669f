//! [`Json`]: a JSON body whose rejections are problems, worded for the caller.

use std::{error::Error, fmt};

use axum::{
    extract::{FromRequest, Request, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Visitor},
};
use tower_http::timeout::TimeoutError;

use super::{Problem, request_timeout, unread};
use crate::error::causes;

/// Maximum number of characters of a value that an explanation quotes.
const MAX_QUOTED: usize = 60;

/// A JSON body, as extractor and as response. Like [`axum::Json`], but rejections are [`Problem`]s and a response ends
/// with a newline for display in a terminal.
///
/// As the last argument of a handler, it rejects a request with 400 `invalid_request` if the body is not JSON or does not
/// match the type (including a list instead of an object), 408 `request_timeout` if it does not arrive within
/// [`Limits::request_body_timeout`](crate::serve::Limits::request_body_timeout), 413 `payload_too_large`, and 415
/// `unsupported_media_type`, also for a `Content-Encoding` that no layer has decoded.
///
/// A body whose `Content-Length` exceeds the [limit](axum::extract::DefaultBodyLimit) is rejected before any of it is read, so
/// that a client that sent `Expect: 100-continue` does not send it.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let request = unread::check(request)?;
        match axum::Json::<Named<T>>::from_request(request, state).await {
            Ok(axum::Json(Named(value))) => Ok(Self(value)),
            Err(rejection) => Err(rejected(&rejection)),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut body) => {
                body.push(b'\n');
                let content_type = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, content_type)], body).into_response()
            }
            Err(error) => {
                tracing::error!(error = %error, "response not serializable as JSON");
                Problem::internal().into_response()
            }
        }
    }
}

fn rejected(rejection: &JsonRejection) -> Problem {
    match (rejection, rejection.status()) {
        (_, StatusCode::PAYLOAD_TOO_LARGE) => unread::too_large(),
        (JsonRejection::MissingJsonContentType(_), _) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            "Send the body as JSON, with the header `Content-Type: application/json`.",
        ),
        _ if causes(rejection).any(<dyn Error>::is::<TimeoutError>) => request_timeout(),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Invalid request",
            explain(rejection),
        ),
    }
}

/// Describes the mistake in the body. Parts of the body may be quoted, because the caller sent it. The error of a body that
/// did not arrive is internal.
fn explain(rejection: &JsonRejection) -> String {
    let cause = causes(rejection).last().map(ToString::to_string);
    match (rejection, cause) {
        (JsonRejection::JsonDataError(_), Some(cause)) => {
            format!("The request body cannot be used: {}.", data_error(&cause))
        }
        (JsonRejection::JsonSyntaxError(_), Some(cause)) => {
            let (cause, place) = split_place(&cause);
            let cause = match cause.rsplit_once(": ").map_or(cause, |(_, cause)| cause) {
                eof if eof.starts_with("EOF") => "it ends too early",
                cause => cause,
            };
            format!("The request body is not valid JSON: {cause}{place}.")
        }
        _ => "The request body cannot be read.".to_owned(),
    }
}

/// Translates the message of an error of serde, which names Rust types.
fn data_error(message: &str) -> String {
    let (message, _) = split_place(message);
    for kind in ["invalid type: ", "invalid value: "] {
        let Some(at) = message.find(kind) else {
            continue;
        };
        let field = message[..at].trim_end_matches(": ");
        let field = if field.is_empty() { "it" } else { field };
        // The value comes first and may contain the separator.
        let Some((unexpected, expected)) = message[at + kind.len()..].rsplit_once(", expected ")
        else {
            continue;
        };
        let (value, expected) = (found(unexpected), wanted(expected));
        return format!("{field}: must be {expected}, not {value}");
    }
    let quoted = |name: &str| {
        let (_, rest) = message.split_once(&format!("{name} `"))?;
        rest.split_once('`')
    };
    if let Some((field, _)) = quoted("missing field") {
        return format!("the field `{}` is missing", truncate(field));
    }
    if let Some((field, _)) = quoted("duplicate field") {
        return format!("the field `{}` is there twice", truncate(field));
    }
    for (name, noun) in [("unknown field", "field"), ("unknown variant", "value")] {
        if let Some((unknown, rest)) = quoted(name) {
            let unknown = truncate(unknown);
            return match rest.rsplit_once("expected ") {
                Some((_, allowed)) => {
                    let allowed = allowed.trim_start_matches("one of ");
                    let allowed = allowed.replace("` or `", "`, `");
                    format!("the {noun} `{unknown}` is not known; allowed: {allowed}")
                }
                None => format!("the {noun} `{unknown}` is not known"),
            };
        }
    }
    // A custom message of the type.
    message.to_owned()
}

/// Splits off ` at line 1 column 2`.
fn split_place(message: &str) -> (&str, &str) {
    match message.rfind(" at line ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    }
}

fn found(unexpected: &str) -> String {
    let quoted = |kind: &str| {
        let value = unexpected.strip_prefix(kind)?;
        Some(value.strip_prefix('`')?.trim_end_matches('`'))
    };
    if let Some(number) = quoted("integer ").or_else(|| quoted("floating point ")) {
        return format!("the number {}", truncate(number));
    }
    if let Some(value) = quoted("boolean ") {
        return value.to_owned();
    }
    if let Some(text) = unexpected.strip_prefix("string ") {
        return format!("the string {}", truncate(text));
    }
    match unexpected {
        "null" | "unit value" | "Option value" => "null",
        "sequence" => "a list",
        "map" => "an object",
        _ => "that",
    }
    .to_owned()
}

fn wanted(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => {
            "a whole number, without decimal point and exponent"
        }
        "f32" | "f64" => "a number",
        "a string" | "string" | "a borrowed string" => "a string",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        expected if expected.starts_with("struct ") => "an object",
        expected if expected.starts_with("a ") || expected.starts_with("an ") => expected,
        _ => "of another type",
    }
}

fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

/// Deserializes structs from objects only. Serde also accepts a list with the fields in order.
struct Named<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(StructAsMap(deserializer)).map(Self)
    }
}

struct StructAsMap<D>(D);

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*)),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self $(, $argument: $type)*, visitor: V) -> Result<V::Value, D::Error> {
                self.0.$method($($argument,)* visitor)
            }
        )+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for StructAsMap<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward! {
        deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(),
        deserialize_i128(), deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
        deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(), deserialize_string(),
        deserialize_bytes(), deserialize_byte_buf(), deserialize_option(), deserialize_unit(),
        deserialize_unit_struct(name: &'static str), deserialize_newtype_struct(name: &'static str), deserialize_seq(),
        deserialize_tuple(len: usize), deserialize_tuple_struct(name: &'static str, len: usize), deserialize_map(),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]), deserialize_identifier(),
        deserialize_ignored_any(),
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its rejections are tested")]
    struct Order {
        item_id: String,
        #[serde(default)]
        quantity: i64,
        #[serde(default)]
        gift: bool,
        #[serde(default)]
        tags: Vec<String>,
    }

    async fn detail(body: &str) -> String {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let Json(order) = match Json::<Order>::from_request(request, &()).await {
            Err(problem) => return problem.detail.into_owned(),
            Ok(order) => order,
        };
        panic!("accepted {body} as {order:?}");
    }

    #[tokio::test]
    async fn rejections_name_field_and_rule_in_plain_words() {
        let whole = "must be a whole number, without decimal point and exponent, not";
        let allowed = "allowed: `item_id`, `quantity`, `gift`, `tags`";
        for (body, reason) in [
            (
                r#"["a", 5]"#,
                "it: must be an object, not a list".to_owned(),
            ),
            ("7", "it: must be an object, not the number 7".to_owned()),
            ("null", "it: must be an object, not null".to_owned()),
            ("{}", "the field `item_id` is missing".to_owned()),
            (
                r#"{"item_id": 7}"#,
                "item_id: must be a string, not the number 7".to_owned(),
            ),
            (
                r#"{"item_id": "a", "quantity": 82.0}"#,
                format!("quantity: {whole} the number 82.0"),
            ),
            (
                r#"{"item_id": "a", "quantity": 8.2e1}"#,
                format!("quantity: {whole} the number 82.0"),
            ),
            (
                r#"{"item_id": "a", "quantity": 9999999999999999999}"#,
                format!("quantity: {whole} the number 9999999999999999999"),
            ),
            (
                r#"{"item_id": "a", "quantity": ", expected x"}"#,
                format!(r#"quantity: {whole} the string ", expected x""#),
            ),
            (
                r#"{"item_id": "a", "quantity": null}"#,
                format!("quantity: {whole} null"),
            ),
            (
                r#"{"item_id": "a", "gift": {}}"#,
                "gift: must be true or false, not an object".to_owned(),
            ),
            (
                r#"{"item_id": "a", "tags": ["b", true]}"#,
                "tags[1]: must be a string, not true".to_owned(),
            ),
            (
                r#"{"item_id": "a", "qty": 5}"#,
                format!("the field `qty` is not known; {allowed}"),
            ),
            (
                r#"{"item_id": "a", "item_id": "b"}"#,
                "the field `item_id` is there twice".to_owned(),
            ),
        ] {
            let expected = format!("The request body cannot be used: {reason}.");
            assert_eq!(detail(body).await, expected, "{body}");
        }
        for (body, reason) in [
            ("", "it ends too early at line 1 column 0"),
            (r#"{"item_id":"#, "it ends too early at line 1 column 11"),
            ("{]", "key must be a string at line 1 column 2"),
        ] {
            let expected = format!("The request body is not valid JSON: {reason}.");
            assert_eq!(detail(body).await, expected, "{body}");
        }
    }

    #[tokio::test]
    async fn long_value_is_truncated() {
        let body = format!(
            r#"{{"item_id": "a", "quantity": "{}"}}"#,
            "x".repeat(10_000)
        );
        assert!(detail(&body).await.len() < 300);
    }
}
