//! The page at `/`: a button for each row of the catalogue, and under each answer the link to its trace.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use uuid::Uuid;

use crate::config::BaseUrl;

const NONCE: &str = "{{nonce}}";
const TRACE_URL: &str = "{{trace_url}}";

/// The page, complete but for its nonce.
#[derive(Clone)]
pub(crate) struct Page(Arc<str>);

impl Page {
    pub(crate) fn new(trace_ui_url: &BaseUrl) -> Self {
        // A serialized URL has no quotes or angle brackets left; only `&` means something else inside of HTML.
        let trace_url = trace_ui_url
            .join(&["trace", ""])
            .as_str()
            .replace('&', "&amp;");
        Self(
            include_str!("page.html")
                .replace(TRACE_URL, &trace_url)
                .into(),
        )
    }
}

pub(crate) async fn show(State(Page(html)): State<Page>) -> impl IntoResponse {
    // Nothing runs on this page but what was sent with it: script and style are known by a nonce that is new each time.
    let nonce = Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, Html(html.replace(NONCE, &nonce)))
}
