//! `OTEL_PROPAGATORS`: which headers are read and written.

use std::fmt::{self, Display};

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};

use super::variables::Variables;
use crate::propagation::{B3Propagator, BaggagePropagator, TraceContextPropagator};

const VARIABLE: &str = "OTEL_PROPAGATORS";
const DEFAULT: [&str; 2] = ["tracecontext", "baggage"];

type Propagator = Box<dyn TextMapPropagator + Send + Sync>;

/// The names of those that are used, each once.
#[derive(Debug)]
pub(in crate::telemetry) struct Propagators(Vec<String>);

impl Propagators {
    /// All of them as one.
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
    if known.is_empty() {
        known = DEFAULT.map(str::to_owned).to_vec();
    }
    for name in unknown {
        variables.unusable(VARIABLE, name, known.join(","));
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
