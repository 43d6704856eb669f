//! Compares response, headers, trace and logs with the catalogue.

use checkout::catalogue::Row;
use serde_json::Value;
use viewer::LogLine;
use viewer::attributes::hex;
use viewer::store::{Trace, TraceId};
use viewer::waterfall::{Place, Waterfall};

use super::expected;

/// The answer to a request.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) traceresponse: Option<String>,
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
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (media_type, traceresponse) = (header("content-type"), header("traceresponse"));
        let status = response.status().as_u16();
        let body = response.text().await?;
        Ok(Self {
            status,
            media_type: media_type.unwrap_or_default(),
            traceresponse,
            json: serde_json::from_str(&body).unwrap_or_default(),
            body,
        })
    }

    /// The problem's `code`.
    pub(super) fn code(&self) -> Option<&str> {
        self.json["code"].as_str()
    }

    /// Returns the trace id of the response's header.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.header_ids()?.0.parse().ok()
    }

    /// Trace id and span id of a well-formed `traceresponse`.
    fn header_ids(&self) -> Option<(&str, &str)> {
        let parts: Vec<_> = self.traceresponse.as_deref()?.split('-').collect();
        match parts[..] {
            ["00", trace, span, flags] => {
                (trace.len() == 32 && span.len() == 16 && flags.len() == 2).then_some((trace, span))
            }
            _ => None,
        }
    }
}

/// Returns the differences, one sentence each.
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
    if !answer.media_type.starts_with(media_type) {
        off.push(format!(
            "the content-type is {:?}, not {media_type}",
            answer.media_type
        ));
    }
    let in_header = answer.header_ids().map(|(trace, _)| trace);
    if in_header.is_none() {
        off.push(format!(
            "traceresponse is {:?}, not 00-trace-span-flags",
            answer.traceresponse
        ));
    }
    let in_body = answer.json["trace_id"].as_str();
    if in_body != in_header {
        off.push(format!(
            "the body says trace {in_body:?}, the header {in_header:?}"
        ));
    }
    off
}

fn of_trace(row: &Row, answer: &Answer, trace: &Trace) -> Vec<String> {
    let waterfall = Waterfall::of(trace);
    let mut off = Vec::new();
    let (roots, orphans) = (waterfall.count(Place::Root), waterfall.count(Place::Orphan));
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
        let (is, wanted) = (
            hex(&root.span.id),
            answer.header_ids().map(|(_, span)| span),
        );
        if wanted != Some(is.as_str()) {
            off.push(format!(
                "the root span is {is}, but traceresponse names {wanted:?}"
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
