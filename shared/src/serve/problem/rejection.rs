//! Explains to the caller why a JSON body was rejected.

use std::error::Error;

use axum::extract::rejection::JsonRejection;
use http::StatusCode;
use tower_http::timeout::TimeoutError;

use super::{Problem, request_timeout, unread};
use crate::error::causes;

/// Maximum number of characters of a value that is quoted in an explanation.
const MAX_QUOTED: usize = 60;

pub(super) fn problem(rejection: &JsonRejection) -> Problem {
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

/// Describes the error in a JSON body. The description may quote parts of the body, because the caller sent them. If
/// the body could not be read, the description has no details, because such an error is internal.
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

/// Rewrites a serde error message for the caller, since serde's message names Rust types.
fn data_error(message: &str) -> String {
    let (message, _) = split_place(message);
    for kind in ["invalid type: ", "invalid value: "] {
        let Some(at) = message.find(kind) else {
            continue;
        };
        let field = message[..at].trim_end_matches(": ");
        let field = if field.is_empty() { "it" } else { field };
        // The value comes before the last `, expected ` and may contain the same text.
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
    // Other messages, such as those of a custom `Deserialize` implementation, are used unchanged.
    message.to_owned()
}

/// Splits a position such as ` at line 1 column 2` off the end of an error message.
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
