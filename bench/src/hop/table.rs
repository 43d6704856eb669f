//! Prints the results as a table. Variants are compared within a round, since the speed of a machine changes over minutes: a
//! ratio is the median of the rounds' ratios, not the ratio of the medians.

use std::fmt::Write as _;

use super::{measure::Measured, statistics::median};
use crate::variant::Variant;

/// The results of one variant: a row of the table.
pub(super) struct Row {
    pub(super) variant: Variant,
    pub(super) rounds: Vec<Measured>,
    pub(super) counted: Option<Measured>,
}

impl Row {
    pub(super) fn new(variant: Variant) -> Self {
        Self {
            variant,
            rounds: Vec::new(),
            counted: None,
        }
    }

    fn of_rounds(&self, what: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().map(what))
    }

    fn beside(&self, base: &Self, what: impl Fn(&Measured, &Measured) -> f64) -> Vec<f64> {
        let pairs = self.rounds.iter().zip(&base.rounds);
        pairs.map(|(this, base)| what(this, base)).collect()
    }

    fn allocations(&self) -> f64 {
        self.counted
            .as_ref()
            .map_or(f64::NAN, Measured::allocations)
    }
}

const HEAD: &str = "\
| variant | requests/s | of untraced (range) | CPU µs a request: A | B | A + B | added | allocations a request | added | spans arrived | attributes, bytes a span | log lines a request |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// Formats the table, each row compared with its baseline.
pub(super) fn markdown(rows: &[Row]) -> String {
    let mut table = HEAD.to_owned();
    for row in rows {
        let is_base = |other: &&Row| other.variant == row.variant.base();
        let base = rows.iter().find(is_base).unwrap_or(row);
        let ratios = row.beside(base, |this, base| {
            this.requests_a_second() / base.requests_a_second()
        });
        let lowest = ratios.iter().copied().fold(f64::NAN, f64::min);
        let highest = ratios.iter().copied().fold(f64::NAN, f64::max);
        let both = |measured: &Measured| measured.cpu().iter().sum::<f64>();
        let added = row.beside(base, |this, base| both(this) - both(base));
        let all = || row.rounds.iter().chain(&row.counted);
        let arrived = all().map(|measured| measured.received.spans).sum::<u64>();
        let ended = all().map(|measured| measured.ended).sum::<u64>();
        let latest = all().last();
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {} | {:.0} | {:.2} ({lowest:.2} to {highest:.2}) | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {arrived} of {ended} | {:.1}, {:.0} | {:.1} |",
            row.variant.name(),
            row.of_rounds(Measured::requests_a_second),
            median(ratios.iter().copied()),
            row.of_rounds(|measured| measured.cpu()[0]),
            row.of_rounds(|measured| measured.cpu()[1]),
            row.of_rounds(both),
            median(added),
            row.allocations(),
            row.allocations() - base.allocations(),
            latest.map_or(f64::NAN, Measured::attributes_a_span),
            latest.map_or(f64::NAN, Measured::bytes_a_span),
            row.of_rounds(|measured| measured.log_lines),
        );
    }
    table
}
