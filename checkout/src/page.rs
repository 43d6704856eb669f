//! The page at `/`: a button for each row of the catalogue and for each pitfall, and beside them what came of it, with
//! the trace as the trace UI shows it.
//!
//! [`catalogue`](crate::catalogue) is what can be sent, `html` is how it looks, and `script.js` sends it.

mod html;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use reqwest::Url;
use shared::problem;
use uuid::Uuid;

use crate::config::BaseUrl;

/// Where a browser finds the traces.
struct TraceUi {
    /// What a trace id is appended to.
    traces: Url,
    /// Of those pages, which this one shows in frames.
    origin: String,
}

/// `GET /`. Merged after the layers, so that opening the page is not traced.
pub(crate) fn router(trace_ui_url: &BaseUrl) -> Router {
    let traces = trace_ui_url.join(&["trace", ""]);
    let origin = traces.origin().ascii_serialization();
    Router::new()
        .route("/", get(show))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(Arc::new(TraceUi { traces, origin }))
}

async fn show(State(trace_ui): State<Arc<TraceUi>>, request: HeaderMap) -> impl IntoResponse {
    // Nothing runs on this page but what was sent with it: script and style are known by a nonce that is new each time.
    let nonce = Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; \
         frame-src {origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        origin = trace_ui.origin
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "same-origin".to_owned()),
    ];
    let page = html::page(&nonce, &base(&request), &trace_ui);
    (headers, Html(page.into_string()))
}

/// Where the reader has found this page, for the commands on it.
fn base(request: &HeaderMap) -> String {
    let host = request
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // The commands are pasted into shells: whoever sends the header, nothing in it may mean something to one.
    let is_plain = |host: &&str| {
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
    };
    let host = host.filter(is_plain).unwrap_or("localhost:8080");
    format!("http://{host}")
}
