//! Compares two traces: their common spans and the durations of these spans.
//!
//! Spans correspond if they have the same service, kind and name under the same parent. If there are several such
//! spans, they are paired in order.

use std::collections::HashMap;

use crate::waterfall::{Row, Waterfall};

/// A span that is in one or in both of the compared traces.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    /// Number of ancestors.
    pub(crate) depth: usize,
    /// The row of the span in the first trace, if there is one.
    pub(crate) left: Option<&'a Row>,
    /// The row of the span in the second trace, if there is one.
    pub(crate) right: Option<&'a Row>,
}

impl<'a> Pair<'a> {
    /// Returns the row in the first trace, or else in the second trace.
    pub(crate) fn any(&self) -> Option<&'a Row> {
        self.left.or(self.right)
    }
}

/// Returns the spans of both traces in tree order. Corresponding spans form one pair.
pub(crate) fn compare<'a>(left: &'a Waterfall, right: &'a Waterfall) -> Vec<Pair<'a>> {
    let (lefts, rights) = (children(left), children(right));
    let mut pairs = Vec::new();
    let mut open = vec![(None, None, 0)];
    while let Some((in_left, in_right, depth)) = open.pop() {
        if in_left.is_some() || in_right.is_some() {
            pairs.push(Pair {
                depth: depth - 1,
                left: in_left.map(|at: usize| &left.rows[at]),
                right: in_right.map(|at: usize| &right.rows[at]),
            });
        }
        // Roots have no parent in either trace. A span that is only in one trace has no children in the other trace.
        let below = |of: &HashMap<Option<usize>, Vec<usize>>, at: Option<usize>| {
            let has = depth == 0 || at.is_some();
            has.then(|| of.get(&at).cloned())
                .flatten()
                .unwrap_or_default()
        };
        let matched = matched(
            (left, &below(&lefts, in_left)),
            (right, &below(&rights, in_right)),
        );
        let matched = matched.into_iter().rev();
        open.extend(matched.map(|(left, right)| (left, right, depth + 1)));
    }
    pairs
}

fn children(waterfall: &Waterfall) -> HashMap<Option<usize>, Vec<usize>> {
    let mut children: HashMap<_, Vec<_>> = HashMap::new();
    for (at, row) in waterfall.rows.iter().enumerate() {
        children.entry(row.parent).or_default().push(at);
    }
    children
}

/// Merges sibling spans: those that are only in the second trace are inserted at their position among the siblings in
/// the first trace.
fn matched(
    (left, lefts): (&Waterfall, &[usize]),
    (right, rights): (&Waterfall, &[usize]),
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut rest: Vec<usize> = rights.to_vec();
    let mut pairs = Vec::new();
    for &at in lefts {
        let wanted = key(left, at);
        let found = rest.iter().position(|&other| key(right, other) == wanted);
        let before = found.unwrap_or(0);
        pairs.extend(rest.drain(..before).map(|other| (None, Some(other))));
        let same = found.map(|_| rest.remove(0));
        pairs.push((Some(at), same));
    }
    pairs.extend(rest.into_iter().map(|other| (None, Some(other))));
    pairs
}

fn key(waterfall: &Waterfall, at: usize) -> (&str, &str, &str) {
    let row = &waterfall.rows[at];
    (
        &waterfall.services[row.service],
        row.kind(),
        &row.span.span.name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestSpan, span, trace};

    fn compared(left: Vec<TestSpan>, right: Vec<TestSpan>) -> Vec<(String, usize, bool, bool)> {
        let (left, right) = (Waterfall::of(&trace(left)), Waterfall::of(&trace(right)));
        let pairs = compare(&left, &right);
        pairs
            .iter()
            .map(|pair| {
                let name = pair.any().unwrap().span.span.name.clone();
                (name, pair.depth, pair.left.is_some(), pair.right.is_some())
            })
            .collect()
    }

    fn row(name: &str, depth: usize, left: bool, right: bool) -> (String, usize, bool, bool) {
        (name.to_owned(), depth, left, right)
    }

    #[test]
    fn common_spans_align_and_others_keep_position() {
        let broken = vec![
            span("a", 1, None, "root", 0..9),
            span("a", 2, Some(1), "check", 1..2),
            span("a", 3, Some(1), "charge", 5..6),
        ];
        let fixed = vec![
            span("a", 1, None, "root", 0..9),
            span("a", 2, Some(1), "check", 1..2),
            span("a", 4, Some(1), "reserve", 3..4),
            span("b", 5, Some(4), "reserve", 3..4),
            span("a", 3, Some(1), "charge", 5..6),
        ];
        assert_eq!(
            compared(broken, fixed),
            [
                row("root", 0, true, true),
                row("check", 1, true, true),
                row("reserve", 1, false, true),
                row("reserve", 2, false, true),
                row("charge", 1, true, true),
            ]
        );
    }

    #[test]
    fn repeated_spans_are_compared_in_their_order() {
        let with = |count: u64| {
            let attempts = (2..2 + count).map(|id| span("a", id, Some(1), "attempt", id..id + 1));
            attempts
                .chain([span("a", 1, None, "root", 0..99)])
                .collect()
        };
        assert_eq!(
            compared(with(3), with(1)),
            [
                row("root", 0, true, true),
                row("attempt", 1, true, true),
                row("attempt", 1, true, false),
                row("attempt", 1, true, false),
            ]
        );
    }
}
