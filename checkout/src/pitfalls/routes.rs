//! `GET /pitfalls` lists the pitfalls. `POST /pitfalls/{name}` runs the broken form of a pitfall, or the fixed form
//! with `?fixed=true`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use shared::error::chain;
use shared::problem::{Json, Problem};

use super::leaked_task::LIFETIME;
use super::{Finding, Form, Harm, Lab, LabError, PITFALLS, Pitfall, Run, SpanRef};
use crate::inventory::{Inventory, InventoryError};

pub(crate) fn router(inventory: Arc<Inventory>) -> Router {
    Router::new()
        .route("/pitfalls", get(list))
        .route("/pitfalls/{name}", post(run))
        .with_state(Arc::new(Lab::new(inventory)))
}

#[derive(Serialize)]
struct List {
    pitfalls: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    mistake: &'static str,
    looks: &'static str,
    harm: Harm,
    instead: &'static str,
    source: &'static str,
    /// The way to run the broken form: a request to checkout, or a command.
    broken: String,
    fixed: String,
}

/// The result of running a pitfall, as JSON.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) pitfall: &'static str,
    pub(super) fixed: bool,
    /// The result, in one sentence.
    pub(super) happened: String,
    /// The trace id of the request. Absent while tracing is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<String>,
    /// The spans that should be in the request's trace but are not.
    pub(super) orphans: Vec<SpanRef>,
    /// The number of leaked tasks, if the pitfall leaks any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live_tasks: Option<usize>,
}

// Unknown parameters are rejected, so that a typo such as `?fix=true` does not run the broken form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default)]
    fixed: bool,
}

async fn list() -> Json<List> {
    let pitfalls = PITFALLS.iter().map(Entry::of).collect();
    Json(List { pitfalls })
}

async fn run(
    State(lab): State<Arc<Lab>>,
    name: Result<Path<String>, PathRejection>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let pitfall = name
        .ok()
        .and_then(|Path(name)| super::named(&name))
        .ok_or_else(unknown_pitfall)?;
    let Query(Parameters { fixed }) = parameters.map_err(|_| invalid_parameters())?;
    let form = if fixed {
        &pitfall.fixed
    } else {
        &pitfall.broken
    };
    match &form.run {
        Run::Process(command) => Err(needs_a_process(command)),
        Run::Request(run) => Ok(Json(Answer::of(pitfall, fixed, run(&lab).await?))),
    }
}

impl Entry {
    fn of(pitfall: &Pitfall) -> Self {
        let how = |form: &Form, query: &str| match form.run {
            Run::Request(_) => format!("POST /pitfalls/{}{query}", pitfall.name),
            Run::Process(command) => command.to_owned(),
        };
        Self {
            name: pitfall.name,
            mistake: pitfall.mistake,
            looks: pitfall.looks,
            harm: pitfall.harm,
            instead: pitfall.instead,
            source: pitfall.source.path,
            broken: how(&pitfall.broken, ""),
            fixed: how(&pitfall.fixed, "?fixed=true"),
        }
    }
}

impl Answer {
    fn of(pitfall: &Pitfall, fixed: bool, finding: Finding) -> Self {
        let trace_id = shared::span::trace_id();
        let happened = match trace_id {
            Some(_) => finding.happened.into_owned(),
            None => "Tracing is off (OTEL_SDK_DISABLED), so no trace can break.".to_owned(),
        };
        let mut orphans = finding.spans;
        orphans.retain(|span| Some(&span.trace_id) != trace_id.as_ref());
        Self {
            pitfall: pitfall.name,
            fixed,
            happened,
            trace_id,
            orphans,
            live_tasks: finding.live_tasks,
        }
    }
}

fn unknown_pitfall() -> Problem {
    let names = super::pitfall_names().collect::<Vec<_>>().join(", ");
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_pitfall",
        "Unknown pitfall",
        format!("The lab has no such pitfall. It has {names}."),
    )
}

fn invalid_parameters() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "Invalid request",
        "The only query parameter is `fixed`, and it must be true or false.",
    )
}

fn needs_a_process(command: &str) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "needs_a_process",
        "Needs a separate process",
        format!(
            "This pitfall needs a process that exits, but checkout keeps running. Run it with `{command}`."
        ),
    )
}

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        tracing::error!(error = chain(&error), "pitfall not shown");
        match error {
            LabError::Inventory(error) => {
                let status = match error {
                    InventoryError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                let detail = "The pitfall calls inventory, which did not answer. See that it runs, then try again.";
                Self::new(status, error.code(), "Inventory did not answer", detail)
                    .with_retry_after(Duration::from_secs(1))
            }
            LabError::TooManyTasks { live } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_tasks",
                "Too many tasks",
                format!(
                    "{live} leaked tasks are live, and checkout takes no more. Here each ends after ten minutes; in a real service only a restart ends them."
                ),
            )
            .with_retry_after(LIFETIME),
            LabError::Task(_) | LabError::Join(_) | LabError::Thread(_) => Self::internal(),
        }
    }
}
