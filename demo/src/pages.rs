//! The trace viewer: a list of recent traces at `/`, and each trace's waterfall at `/trace/{trace_id}`.
//!
//! Plain HTML made on the server, one style sheet, no script, nothing fetched from elsewhere.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::api;
use crate::cli::Role;
use crate::store::{Store, TraceId};

mod list;
mod span;
mod trace;

const STYLE: &str = include_str!("pages/style.css");
/// How many traces the list shows.
const RECENT: usize = 100;
/// How many colours the style sheet has for services.
const SERVICE_COLOURS: usize = 6;

/// The routes of the viewer's port: pages and API.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/", get(recent))
        .route("/trace/{trace_id}", get(waterfall))
        .fallback(no_such_page)
        .with_state(store.clone())
        .merge(api::router(store))
}

async fn recent(State(store): State<Store>) -> Response {
    let main = list::main(&store.recent(RECENT), store.lost());
    page(StatusCode::OK, "recent traces", Some(5), &main)
}

async fn waterfall(State(store): State<Store>, Path(id): Path<String>) -> Response {
    let id: TraceId = match id.parse() {
        Ok(id) => id,
        Err(error) => return message(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(trace) = store.trace(id) else {
        let main = trace::missing(id);
        return page(StatusCode::NOT_FOUND, "trace not found", Some(2), &main);
    };
    let arriving = trace::is_arriving(&trace);
    let title = format!("trace {id}");
    let main = trace::main(&trace, arriving);
    page(StatusCode::OK, &title, arriving.then_some(2), &main)
}

async fn no_such_page() -> Response {
    message(StatusCode::NOT_FOUND, "there is no such page")
}

fn message(status: StatusCode, text: &str) -> Response {
    let main = format!(
        r#"<h1>{}</h1><p><a href="/">recent traces</a></p>"#,
        Escaped(text)
    );
    page(status, text, None, &main)
}

/// A whole page around `main`, which loads itself again after `refresh` seconds.
fn page(status: StatusCode, title: &str, refresh: Option<u32>, main: &str) -> Response {
    let title = Escaped(title);
    let refresh = refresh.map_or_else(String::new, |seconds| {
        format!(r#"<meta http-equiv="refresh" content="{seconds}">"#)
    });
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{refresh}
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
{main}
</body>
</html>
"#
    );
    let headers = [
        (CACHE_CONTROL, "no-store"),
        // Spans carry what strangers sent. Should one ever get past the escaping, it still cannot run or load anything.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors http://127.0.0.1:* http://localhost:*",
        ),
    ];
    (status, headers, Html(html)).into_response()
}

/// A service's colour, from its name alone, so that it has the same one on every page.
fn colour(service: &str) -> usize {
    let own = [Role::Checkout, Role::Inventory].map(Role::name);
    own.iter()
        .position(|&role| role == service)
        .unwrap_or_else(|| {
            let sum: usize = service.bytes().map(usize::from).sum();
            own.len() + sum % (SERVICE_COLOURS - own.len())
        })
}

/// A service's name in its colour.
fn service(name: &str) -> String {
    let colour = colour(name);
    format!("<span class='service s{colour}'>{}</span>", Escaped(name))
}

/// Date and time of day to the millisecond, in UTC.
fn date_and_time(unix_nanos: u64) -> (String, String) {
    let time = UNIX_EPOCH + Duration::from_nanos(unix_nanos);
    let timestamp = humantime::format_rfc3339_millis(time).to_string();
    let (date, time) = timestamp
        .split_once('T')
        .expect("RFC 3339 has a T between date and time");
    (date.to_owned(), time.trim_end_matches('Z').to_owned())
}

/// A text as HTML shows it, in an element or in a quoted attribute.
struct Escaped<T>(T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_ref();
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests;
