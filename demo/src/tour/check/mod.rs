//! Compares the response, headers, trace and logs of an example request with the catalogue.

use checkout::catalogue::Row;
use reqwest::header::HeaderMap;
use serde_json::Value;
use shared::propagation::response_span;
use viewer::LogLine;
use viewer::attributes::hex;
use viewer::store::{Trace, TraceId};
use viewer::waterfall::{Position, Waterfall};

use super::expected;

/// The response to a request.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    json: Value,
}

/// The trace and log lines of a request.
#[derive(Default)]
pub(super) struct Evidence {
    pub(super) trace: Option<Trace>,
    pub(super) lines: Vec<LogLine>,
}

impl Answer {
    pub(super) async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await?;
        Ok(Self {
            status,
            headers,
            json: serde_json::from_str(&body).unwrap_or_default(),
            body,
        })
    }

    /// Returns the `code` in the problem details of the response.
    pub(super) fn code(&self) -> Option<&str> {
        self.json["code"].as_str()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the trace id in the response headers.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.header_trace_id()?.parse().ok()
    }

    fn header_trace_id(&self) -> Option<String> {
        response_span(&self.headers).map(|span| span.trace_id().to_string())
    }
}

/// Returns the differences from the expected result, one sentence each.
pub(super) fn off(row: &Row, answer: &Answer, evidence: &Evidence) -> Vec<String> {
    let mut off = of_answer(row, answer);
    match &evidence.trace {
        Some(trace) => off.extend(of_trace(row, answer, trace)),
        None => off.push("no span of this request has arrived".to_owned()),
    }
    for service in expected::services(row) {
        if !evidence.lines.iter().any(|line| line.service == *service) {
            off.push(format!("no log line of {service} carries the trace id"));
        }
    }
    off
}

fn of_answer(row: &Row, answer: &Answer) -> Vec<String> {
    let mut off = Vec::new();
    if answer.status != row.status {
        off.push(format!(
            "the status is {}, not {}",
            answer.status, row.status
        ));
    }
    if answer.code() != row.code {
        let (is, wanted) = (answer.code().unwrap_or("none"), row.code.unwrap_or("none"));
        off.push(format!("the code is {is}, not {wanted}"));
    }
    let media_type = match row.code {
        Some(_) => "application/problem+json",
        None => "application/json",
    };
    let in_header = answer.header("content-type").unwrap_or_default();
    if !in_header.starts_with(media_type) {
        off.push(format!(
            "the content-type is {in_header:?}, not {media_type}"
        ));
    }
    let in_header = answer.header_trace_id();
    if in_header.is_none() {
        off.push(format!(
            "traceresponse is {:?}, not 00-trace-span-flags",
            answer.header("traceresponse")
        ));
    }
    let in_body = answer.json["trace_id"].as_str();
    if in_body != in_header.as_deref() {
        off.push(format!(
            "the body says trace {in_body:?}, the header {in_header:?}"
        ));
    }
    off
}

fn of_trace(row: &Row, answer: &Answer, trace: &Trace) -> Vec<String> {
    let waterfall = Waterfall::of(trace);
    let mut off = Vec::new();
    let (roots, orphans) = (
        waterfall.count(Position::Root),
        waterfall.count(Position::Orphan),
    );
    if !waterfall.is_joined() {
        off.push(format!(
            "the trace is not joined: {roots} roots, {orphans} spans without their parent"
        ));
    }
    for missing in expected::missing(row, trace) {
        off.push(format!("the trace has no span {missing}"));
    }
    for service in &waterfall.services {
        if !expected::services(row).contains(&service.as_str()) {
            off.push(format!("{service} has a part in the trace and should not"));
        }
    }
    if let Some(root) = waterfall.first() {
        let named = response_span(&answer.headers).map(|span| span.span_id().to_string());
        let is = hex(&root.span.id);
        if named.as_ref() != Some(&is) {
            off.push(format!(
                "the root span is {is}, but traceresponse names {named:?}"
            ));
        }
        if root.error().is_some() != (row.status >= 500) {
            off.push(format!(
                "the root span's error is {:?} with status {}",
                root.error(),
                row.status
            ));
        }
    }
    off
}

#[cfg(test)]
mod tests;
