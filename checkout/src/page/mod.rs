//! The page at `/`: a button for each request of the catalogue and for each pitfall. The page shows the answer and the
//! trace of every request. Traces are shown in frames from the trace UI.
//!
//! [`catalogue`](crate::catalogue) lists the requests and [`pitfalls`] the pitfalls. `html` renders the page, and
//! `orders`, `lab` and `primer` render its sections; `script.js` sends the requests.

mod commands;
mod html;
mod lab;
mod orders;
mod primer;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use reqwest::Url;
use shared::problem;
use uuid::Uuid;

use crate::config::BaseUrl;
use crate::pitfalls;

/// The URLs of the trace UI.
struct TraceUi {
    /// The first page of the trace UI.
    home: Url,
    /// The URL of a trace, without the trace id.
    traces: Url,
    /// The origin of the trace UI, whose pages may be shown in frames.
    origin: String,
}

/// Routes `GET /` and the source files of the pitfalls. The router is merged after the layers, so that opening the page
/// is not traced.
pub(crate) fn router(trace_ui_url: &BaseUrl) -> Router {
    let home = trace_ui_url.join(&[""]);
    let traces = trace_ui_url.join(&["trace", ""]);
    let origin = traces.origin().ascii_serialization();
    let trace_ui = TraceUi {
        home,
        traces,
        origin,
    };
    Router::new()
        .route("/", get(show))
        .route("/pitfalls/{name}/source", get(source))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(Arc::new(trace_ui))
}

async fn show(State(trace_ui): State<Arc<TraceUi>>, request: HeaderMap) -> impl IntoResponse {
    // The nonce is new for each response. The browser runs only the script and applies only the style with this nonce.
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

/// Returns the source file of a pitfall as text.
async fn source(name: Result<Path<String>, PathRejection>) -> Response {
    let pitfall = name.ok().and_then(|Path(name)| pitfalls::named(&name));
    match pitfall {
        Some(pitfall) => {
            let nosniff = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
            (nosniff, pitfall.source.text).into_response()
        }
        None => problem::not_found().await.into_response(),
    }
}

/// Returns the base URL under which the page was requested, for the commands on it.
fn base(request: &HeaderMap) -> String {
    let host = request
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // Readers paste the commands into a shell, so the host must not contain characters with a meaning there.
    let is_plain = |host: &&str| {
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
    };
    let host = host.filter(is_plain).unwrap_or("localhost:8080");
    format!("http://{host}")
}
