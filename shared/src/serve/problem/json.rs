//! [`Json`]: a JSON body whose rejections are [`Problem`]s with an explanation for the caller.

use std::fmt;

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Visitor},
};

use super::{Problem, rejection, unread};

/// A JSON body, as extractor and as response. Like [`axum::Json`], but rejections are [`Problem`]s, and a response ends
/// with a newline for display in a terminal.
///
/// As the last argument of a handler, `Json` rejects a request with 400 `invalid_request` if the body is not JSON or
/// does not match the type (for example, a list instead of an object), with 408 `request_timeout` if the body does not
/// arrive within [`Limits::request_body_timeout`](crate::serve::Limits::request_body_timeout), with 413
/// `payload_too_large` if the body is too large, and with 415 `unsupported_media_type` if the `Content-Type` is not
/// JSON or no layer has decoded the `Content-Encoding`.
///
/// A body whose `Content-Length` exceeds the [limit](axum::extract::DefaultBodyLimit) is rejected before any of it is
/// read. A client that sent `Expect: 100-continue` then does not send the body.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let request = unread::check(request)?;
        match axum::Json::<Named<T>>::from_request(request, state).await {
            Ok(axum::Json(Named(value))) => Ok(Self(value)),
            Err(rejection) => Err(rejection::problem(&rejection)),
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

/// Deserializes structs from JSON objects only. Serde would also accept a list of the field values in order.
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
