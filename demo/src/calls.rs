//! Calls between services, from the stored spans: count, duration, failures.

use std::collections::{BTreeMap, HashSet};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::attributes;
use crate::store::{SpanId, Trace};
use crate::waterfall::{Row, Waterfall};

/// A caller or callee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A caller that sends no spans, such as a browser or a script.
    Outside,
    /// A service that sends spans.
    Service(String),
    /// A database, by its system name.
    Database(String),
    /// A called server that sent no span, by its address.
    Silent(String),
}

impl Party {
    /// Returns the name.
    pub fn name(&self) -> &str {
        match self {
            Self::Outside => "outside",
            Self::Service(name) | Self::Database(name) | Self::Silent(name) => name,
        }
    }
}

/// All calls from one party to another.
#[derive(Debug, Default)]
pub struct Calls {
    /// Duration of each call, in nanoseconds.
    durations: Vec<u64>,
    /// Number of failed calls.
    pub failed: usize,
}

/// Calls by caller and callee.
pub type CallMap = BTreeMap<(Party, Party), Calls>;

impl Calls {
    /// Returns the number of calls.
    pub fn count(&self) -> usize {
        self.durations.len()
    }

    /// Returns a percentile of the durations, in nanoseconds.
    pub fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(0)
    }

    fn add(&mut self, row: &Row) {
        self.durations.push(row.duration());
        self.failed += usize::from(row.error().is_some());
    }
}

/// Adds the calls of a trace.
pub fn add(map: &mut CallMap, trace: &Trace) {
    let waterfall = Waterfall::of(trace);
    let service = |row: &Row| waterfall.services[row.service].clone();
    let mut answered: HashSet<SpanId> = HashSet::new();
    for row in &waterfall.rows {
        let Some(parent) = row.parent.map(|parent| &waterfall.rows[parent]) else {
            if row.span.span.kind() == SpanKind::Server {
                let edge = (Party::Outside, Party::Service(service(row)));
                map.entry(edge).or_default().add(row);
            }
            continue;
        };
        if parent.service != row.service {
            answered.insert(parent.span.id);
            let edge = (
                Party::Service(service(parent)),
                Party::Service(service(row)),
            );
            map.entry(edge).or_default().add(row);
        }
    }
    for row in &waterfall.rows {
        if row.span.span.kind() != SpanKind::Client || answered.contains(&row.span.id) {
            continue;
        }
        if let Some(callee) = callee(row) {
            let edge = (Party::Service(service(row)), callee);
            map.entry(edge).or_default().add(row);
        }
    }
}

fn callee(row: &Row) -> Option<Party> {
    if let Some(system) = row.attribute(attributes::DB_SYSTEM_NAME) {
        return Some(Party::Database(system));
    }
    let address = row.attribute(attributes::SERVER_ADDRESS)?;
    let port = row.attribute(attributes::SERVER_PORT);
    Some(Party::Silent(match port {
        Some(port) => format!("{address}:{port}"),
        None => address,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, request, span, trace};

    fn service(name: &str) -> Party {
        Party::Service(name.to_owned())
    }

    #[test]
    fn calls_are_counted_with_failures() {
        let mut query = call("inventory", 4, Some(3), "SELECT stock", 12..14);
        query.set("db.system.name", "sqlite");
        let mut unanswered =
            call("checkout", 5, Some(1), "POST /reservations", 30..40).failed("connect");
        unanswered.set("server.address", "127.0.0.1");
        unanswered.set("server.port", "8081");
        let mut map = CallMap::new();
        add(
            &mut map,
            &trace(vec![
                request("checkout", 1, "POST /checkout", 0..100),
                call("checkout", 2, Some(1), "GET /check", 10..20),
                span("inventory", 3, Some(2), "GET /check", 11..19).failed("panic"),
                query,
                unanswered,
            ]),
        );
        let edges: Vec<_> = map
            .iter()
            .map(|((from, to), calls)| {
                (from, to, calls.count(), calls.failed, calls.percentile(50))
            })
            .collect();
        let (checkout, inventory) = (service("checkout"), service("inventory"));
        assert_eq!(
            edges,
            [
                (&Party::Outside, &checkout, 1, 0, 100),
                (&checkout, &inventory, 1, 1, 8),
                (
                    &checkout,
                    &Party::Silent("127.0.0.1:8081".to_owned()),
                    1,
                    1,
                    10
                ),
                (&inventory, &Party::Database("sqlite".to_owned()), 1, 0, 2),
            ]
        );
    }

    #[test]
    fn percentiles_are_calls_that_happened() {
        let calls = Calls {
            durations: (1..=100).rev().collect(),
            failed: 0,
        };
        assert_eq!([50, 95, 100].map(|p| calls.percentile(p)), [50, 95, 100]);
        assert_eq!(Calls::default().percentile(95), 0);
    }
}
