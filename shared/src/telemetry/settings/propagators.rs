//! `OTEL_PROPAGATORS`: the formats of the headers that carry the trace context and baggage.

use std::fmt::{self, Display};

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};

use super::variables::Variables;
use crate::propagation::{B3Propagator, BaggagePropagator, TraceContextPropagator};

const VARIABLE: &str = "OTEL_PROPAGATORS";
const DEFAULT: [&str; 2] = ["tracecontext", "baggage"];
const ALLOWED: &str = "tracecontext, baggage, b3, b3multi or none";

type Propagator = Box<dyn TextMapPropagator + Send + Sync>;

/// The names of the configured propagators, without duplicates.
#[derive(Debug)]
pub(in crate::telemetry) struct Propagators(Vec<String>);

impl Propagators {
    /// Combines all configured propagators into one propagator.
    pub(in crate::telemetry) fn composite(&self) -> TextMapCompositePropagator {
        TextMapCompositePropagator::new(self.0.iter().filter_map(|name| propagator(name)).collect())
    }
}

impl Display for Propagators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

pub(super) fn read(variables: &mut Variables<'_>) -> Propagators {
    let list = variables.text(VARIABLE).unwrap_or_default();
    let mut known: Vec<String> = Vec::new();
    let mut unknown = Vec::new();
    for name in list.split(',').map(str::trim) {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "" => {}
            "none" | "tracecontext" | "baggage" | "b3" | "b3multi" => {
                if !known.contains(&lower) {
                    known.push(lower);
                }
            }
            _ => unknown.push(name),
        }
    }
    let has_none = known.len() > 1 && known.iter().any(|name| name == "none");
    if has_none {
        known.retain(|name| name != "none");
    }
    if known.is_empty() {
        known = DEFAULT.map(str::to_owned).to_vec();
    }
    let instead = known.join(",");
    for name in unknown {
        variables.unusable(VARIABLE, name, ALLOWED, &instead);
    }
    if has_none {
        variables.unusable(
            VARIABLE,
            &list,
            "none alone, or a list without it",
            &instead,
        );
    }
    Propagators(known)
}

fn propagator(name: &str) -> Option<Propagator> {
    match name {
        "tracecontext" => Some(Box::new(TraceContextPropagator::new())),
        "baggage" => Some(Box::new(BaggagePropagator::new())),
        "b3" => Some(Box::new(B3Propagator::single_header())),
        "b3multi" => Some(Box::new(B3Propagator::multiple_headers())),
        _ => None,
    }
}
