//! The critical path: the spans that kept the request waiting. To shorten any of them shortens the whole; to shorten
//! another one does not.
//!
//! It is walked from the end: a span was waiting for that of its children which ended last, before that for the one that
//! ended last before that one began, and in between it worked itself. A child that outlives its parent kept nobody waiting.

use super::{Waterfall, fraction};

/// A piece of the critical path within one row, as fractions of the whole width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Where it begins.
    pub offset: f64,
    /// How long it is.
    pub width: f64,
}

/// The pieces of the critical path, for each row those in which nobody else kept it waiting.
#[derive(Debug)]
pub struct CriticalPath {
    pieces: Vec<Vec<(u64, u64)>>,
    start: u64,
    duration: u64,
}

/// Pieces nearer to each other than this fraction of the width are drawn as one.
const GAP: f64 = 0.002;

impl CriticalPath {
    /// Walks the path of the first root; without one there is none.
    pub fn of(waterfall: &Waterfall) -> Self {
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

    /// How long the request waited for this row itself, in nanoseconds.
    pub fn time(&self, row: usize) -> u64 {
        self.pieces[row]
            .iter()
            .map(|(begin, end)| end - begin)
            .sum()
    }

    /// What is drawn of it in this row.
    pub fn pieces(&self, row: usize) -> Vec<Piece> {
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
    fn children_one_after_the_other_are_all_on_the_path() {
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
    fn times_of_the_path_are_the_duration_of_the_root() {
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
    fn pieces_nobody_could_tell_apart_are_drawn_as_one() {
        let children =
            (0..1_000).map(|n| span("a", n + 2, Some(1), "c", n * 100 + 1..n * 100 + 100));
        let root = span("a", 1, None, "root", 0..100_000);
        let waterfall = Waterfall::of(&trace(children.chain([root]).collect()));
        let path = CriticalPath::of(&waterfall);
        assert_eq!(path.time(0), 1_000);
        assert_eq!(path.pieces(0).len(), 1);
    }
}
