//! The critical path: the spans that the request waited for. If a span on the path were shorter, the request would be
//! shorter; the duration of any other span does not matter.
//!
//! The path is computed backwards from the end of a span. The span waited for the child that ended last, and before the
//! start of that child for the child that had ended last by then. Between these children, the span itself was working.
//! A child that outlives its parent is not on the path, since nothing waited for it.

use super::{Waterfall, fraction};

/// A part of the critical path within one row, as fractions of the width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    /// Start of the part, as a fraction of the width.
    pub(crate) offset: f64,
    /// Length of the part, as a fraction of the width.
    pub(crate) width: f64,
}

/// The critical path: for each row, the parts in which its span did not wait for a child.
#[derive(Debug)]
pub(crate) struct CriticalPath {
    pieces: Vec<Vec<(u64, u64)>>,
    start: u64,
    duration: u64,
}

/// Parts of the path that are closer together than this fraction of the width are drawn as one.
const GAP: f64 = 0.002;

impl CriticalPath {
    /// Computes the critical path of the first root, or of the first row if there is no root.
    pub(crate) fn of(waterfall: &Waterfall) -> Self {
        let rows = &waterfall.rows;
        let mut children = vec![Vec::new(); rows.len()];
        for (at, row) in rows.iter().enumerate() {
            if let Some(parent) = row.parent {
                children[parent].push(at);
            }
        }
        let mut pieces = vec![Vec::new(); rows.len()];
        let first = waterfall.first().map(|first| first.span.id);
        let top = rows.iter().position(|row| Some(row.span.id) == first);
        let mut open: Vec<usize> = top.into_iter().collect();
        while let Some(at) = open.pop() {
            let row = &rows[at];
            let mut waited_until = row.end();
            children[at].sort_by_key(|&child| std::cmp::Reverse(rows[child].end()));
            for &child in &children[at] {
                let inside =
                    rows[child].end() <= waited_until && rows[child].start() >= row.start();
                if !inside || rows[child].duration() == 0 {
                    continue;
                }
                pieces[at].push((rows[child].end(), waited_until));
                waited_until = rows[child].start();
                open.push(child);
            }
            pieces[at].push((row.start(), waited_until));
            pieces[at].retain(|(begin, end)| begin < end);
            pieces[at].reverse();
        }
        Self {
            pieces,
            start: waterfall.start,
            duration: waterfall.duration,
        }
    }

    /// Returns the time that the request waited for this row's span itself, without its children, in nanoseconds.
    pub(crate) fn time(&self, row: usize) -> u64 {
        self.pieces[row]
            .iter()
            .map(|(begin, end)| end - begin)
            .sum()
    }

    /// Returns the parts of the critical path to draw in this row.
    pub(crate) fn pieces(&self, row: usize) -> Vec<Piece> {
        let mut drawn: Vec<Piece> = Vec::new();
        for &(begin, end) in &self.pieces[row] {
            let offset = fraction(begin - self.start, self.duration);
            let width = fraction(end - begin, self.duration);
            match drawn.last_mut() {
                Some(last) if offset - (last.offset + last.width) < GAP => {
                    last.width = offset + width - last.offset;
                }
                _ => drawn.push(Piece { offset, width }),
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestSpan, span, trace};

    fn times(spans: Vec<TestSpan>) -> Vec<(String, u64)> {
        let waterfall = Waterfall::of(&trace(spans));
        let path = CriticalPath::of(&waterfall);
        let rows = waterfall.rows.iter().enumerate();
        rows.map(|(at, row)| (row.span.span.name.clone(), path.time(at)))
            .collect()
    }

    fn assert_times(spans: Vec<TestSpan>, expected: &[(&str, u64)]) {
        let times = times(spans);
        let times: Vec<_> = times.iter().map(|(name, t)| (name.as_str(), *t)).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn path_leads_by_the_child_that_ended_last() {
        assert_times(
            vec![
                span("a", 1, None, "root", 0..100),
                span("a", 2, Some(1), "short", 10..30),
                span("a", 3, Some(1), "long", 10..90),
                span("b", 4, Some(3), "callee", 20..80),
            ],
            &[("root", 20), ("short", 0), ("long", 20), ("callee", 60)],
        );
    }

    #[test]
    fn sequential_children_are_all_on_path() {
        assert_times(
            vec![
                span("a", 1, None, "root", 0..100),
                span("a", 2, Some(1), "first", 10..40),
                span("a", 3, Some(1), "second", 50..90),
            ],
            &[("root", 30), ("first", 30), ("second", 40)],
        );
    }

    #[test]
    fn child_that_outlives_its_parent_kept_nobody_waiting() {
        assert_times(
            vec![
                span("a", 1, None, "root", 0..100),
                span("a", 2, Some(1), "receipt", 90..400),
            ],
            &[("root", 100), ("receipt", 0)],
        );
    }

    #[test]
    fn path_times_sum_to_root_duration() {
        let sum: u64 = times(vec![
            span("a", 1, None, "root", 0..1_000),
            span("a", 2, Some(1), "one", 100..500),
            span("a", 3, Some(2), "two", 150..450),
            span("a", 4, Some(1), "three", 300..800),
            span("a", 5, Some(4), "four", 310..790),
        ])
        .iter()
        .map(|(_, time)| time)
        .sum();
        assert_eq!(sum, 1_000);
    }

    #[test]
    fn adjacent_tiny_pieces_are_merged() {
        let children =
            (0..1_000).map(|n| span("a", n + 2, Some(1), "c", n * 100 + 1..n * 100 + 100));
        let root = span("a", 1, None, "root", 0..100_000);
        let waterfall = Waterfall::of(&trace(children.chain([root]).collect()));
        let path = CriticalPath::of(&waterfall);
        assert_eq!(path.time(0), 1_000);
        assert_eq!(path.pieces(0).len(), 1);
    }
}
