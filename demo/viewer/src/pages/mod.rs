//! The trace viewer: the list of traces at `/`, a trace at `/trace/{trace_id}`, and two traces at `/compare`.
//!
//! Each page is HTML from the server and complete without JavaScript. The URL contains the opened rows, the folded rows
//! and the search text. When a trace changes (`live`) or the user clicks, the script `live.js` fetches the page of the
//! URL again and replaces the changed parts. Requests with a foreign `Host` header are rejected (`host`). A page with
//! `?uiEmbed=v0` can be shown in a frame of another page, like Jaeger's pages.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, HOST};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, http::HeaderMap, middleware};
use maud::html;

use crate::api;
use crate::otlp_json::Written;
use crate::related::related;
use crate::store::{InvalidTraceId, Store, Trace, TraceId};
use crate::summary::Summaries;

mod back_link;
mod compare;
mod details;
mod filter;
mod host;
mod lines;
mod list;
mod live;
mod notes;
mod rows;
mod shell;
mod state;
mod text;
mod trace;
mod trace_page;
mod view;

pub use back_link::BackLink;
use filter::Filter;
use state::Viewer;
use trace_page::TracePage;
use view::View;

/// The query parameters of a URL. If a name is repeated, the last value counts.
type Parameters = Query<HashMap<String, String>>;

/// Returns the routes of the viewer's port: pages and API.
pub fn router(store: Store, back_link: BackLink) -> Router {
    let viewer = Viewer {
        summaries: Arc::new(Summaries::new(store.clone())),
        store: store.clone(),
        back_link,
    };
    Router::new()
        .route("/", get(traces))
        .route("/trace/{trace_id}", get(one_trace))
        .route("/trace/{trace_id}/otlp.json", get(download))
        .route("/compare", get(two_traces))
        .route("/live", get(live::changes))
        .fallback(no_such_page)
        .with_state(viewer)
        .merge(api::router(store))
        .layer(middleware::from_fn(host::require_own))
}

async fn traces(State(viewer): State<Viewer>, Query(parameters): Parameters) -> Response {
    let filter = Filter::read(&parameters);
    if let Some(id) = filter
        .trace_id()
        .filter(|id| viewer.store.trace(*id).is_some())
    {
        return Redirect::to(&format!("/trace/{id}")).into_response();
    }
    let page = list::main(&viewer, &filter);
    viewer.shell("Traces").here("/").lively().answer(&page)
}

async fn one_trace(
    State(viewer): State<Viewer>,
    Path(id): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Response {
    let id: TraceId = match id.parse() {
        Ok(id) => id,
        Err(error) => return message(&viewer, StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let view = View::read(&parameters);
    let shell = viewer.shell("Trace").embedded(view.embedded).watching(id);
    let Some(trace) = viewer.store.trace(id) else {
        let main = trace::waiting(id, viewer.store.lines(id).as_slice(), &view);
        return shell
            .looks_again(trace::LOOK_AGAIN)
            .status(StatusCode::NOT_FOUND)
            .answer(&main);
    };
    let all = viewer.summaries.all();
    let shown = TracePage {
        lines: &viewer.store.lines(id),
        related: &related(id, &all),
        all: &all,
        view: &view,
        host: headers.get(HOST).and_then(|host| host.to_str().ok()),
        ..TracePage::of(&trace)
    };
    let shell = shell.titled(&shown.title());
    match shown.settles_in() {
        Some(time) => shell.looks_again(time),
        None => shell,
    }
    .answer(&trace::main(&shown))
}

/// Returns the trace as an OTLP/JSON file for other tools.
async fn download(State(viewer): State<Viewer>, Path(id): Path<String>) -> Response {
    match find(&viewer, &id) {
        Ok(trace) => {
            let file = format!("attachment; filename=\"trace-{}.json\"", trace.id);
            (
                [(CONTENT_DISPOSITION, file)],
                Json(Written(api::otlp(&trace))),
            )
                .into_response()
        }
        Err((status, text)) => message(&viewer, status, &text),
    }
}

async fn two_traces(State(viewer): State<Viewer>, Query(parameters): Parameters) -> Response {
    let side = |name: &str| {
        let id = parameters.get(name).map_or("", String::as_str);
        find(&viewer, id.trim())
    };
    match (side("a"), side("b")) {
        (Ok(left), Ok(right)) => viewer
            .shell("Compare")
            .answer(&compare::main(&left, &right)),
        (Err((status, text)), _) | (_, Err((status, text))) => message(&viewer, status, &text),
    }
}

async fn no_such_page(State(viewer): State<Viewer>) -> Response {
    message(&viewer, StatusCode::NOT_FOUND, "there is no such page")
}

/// Parses a trace id and finds its trace, or returns an error page.
fn find(viewer: &Viewer, id: &str) -> Result<Trace, (StatusCode, String)> {
    let id: TraceId = id
        .parse()
        .map_err(|error: InvalidTraceId| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let missing = || {
        (
            StatusCode::NOT_FOUND,
            format!("no span of trace {id} is here"),
        )
    };
    viewer.store.trace(id).ok_or_else(missing)
}

fn message(viewer: &Viewer, status: StatusCode, text: &str) -> Response {
    let main = html! {
        h1 { (status.as_str()) }
        p.note { (text::shown(text, text::LINE)) }
    };
    viewer.shell("Not here").status(status).answer(&main)
}

#[cfg(test)]
mod tests;
