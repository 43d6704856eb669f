//! Detects clock skew that a trace proves: a service cannot start to handle a call before the call starts or after it
//! ends.

use super::Waterfall;

/// The difference between the clock of a service and the clock of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skew {
    /// The service whose clock differs from the caller's clock.
    pub(crate) service: String,
    /// The calling service.
    pub(crate) caller: String,
    /// Minimum clock difference in nanoseconds.
    pub(crate) by: u64,
    /// Whether the service's clock is behind the caller's clock; otherwise it is ahead.
    pub(crate) is_behind: bool,
}

/// Returns the largest skew of each pair of services.
pub(crate) fn of(waterfall: &Waterfall) -> Vec<Skew> {
    let mut skews: Vec<Skew> = Vec::new();
    for row in &waterfall.rows {
        let Some(parent) = row.parent.map(|at| &waterfall.rows[at]) else {
            continue;
        };
        let behind = parent.start().saturating_sub(row.start());
        let ahead = row.start().saturating_sub(parent.end());
        if parent.service == row.service || behind.max(ahead) == 0 {
            continue;
        }
        let skew = Skew {
            service: waterfall.services[row.service].clone(),
            caller: waterfall.services[parent.service].clone(),
            by: behind.max(ahead),
            is_behind: behind > 0,
        };
        let known = skews.iter_mut();
        let mut known = known.filter(|k| k.service == skew.service && k.caller == skew.caller);
        match known.next() {
            Some(known) if known.by < skew.by => *known = skew,
            Some(_) => (),
            None => skews.push(skew),
        }
    }
    skews
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestSpan, span, trace};

    fn skews(callee: TestSpan) -> Vec<(u64, bool)> {
        let trace = trace(vec![span("a", 1, None, "call", 1_000..2_000), callee]);
        let skews = of(&Waterfall::of(&trace));
        skews.iter().map(|skew| (skew.by, skew.is_behind)).collect()
    }

    #[test]
    fn callee_starting_before_call_has_slow_clock() {
        assert_eq!(
            skews(span("b", 2, Some(1), "late clock", 400..900)),
            [(600, true)]
        );
    }

    #[test]
    fn callee_starting_after_call_has_fast_clock() {
        assert_eq!(
            skews(span("b", 2, Some(1), "early clock", 2_500..2_600)),
            [(500, false)]
        );
    }

    #[test]
    fn late_or_local_work_shows_no_skew() {
        assert_eq!(skews(span("b", 2, Some(1), "outlives", 1_500..9_000)), []);
        assert_eq!(skews(span("a", 2, Some(1), "own task", 5_000..9_000)), []);
    }
}
