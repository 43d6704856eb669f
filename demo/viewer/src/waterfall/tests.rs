use super::*;
use crate::testing::{span, trace};

fn rows(waterfall: &Waterfall) -> Vec<(&str, usize, Position)> {
    let rows = waterfall.rows.iter();
    rows.map(|row| (row.span.span.name.as_str(), row.depth, row.position))
        .collect()
}

fn assert_close(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn children_follow_parent_by_start_time() {
    let waterfall = Waterfall::of(&trace(vec![
        span("b", 4, Some(3), "grandchild", 60..70),
        span("a", 3, Some(1), "second", 50..80),
        span("a", 1, None, "root", 0..100),
        span("a", 2, Some(1), "first", 10..40),
    ]));
    assert_eq!(
        rows(&waterfall),
        [
            ("root", 0, Position::Root),
            ("first", 1, Position::Child),
            ("second", 1, Position::Child),
            ("grandchild", 2, Position::Child),
        ]
    );
    assert!(waterfall.is_joined());
    assert_eq!(waterfall.services, ["a", "b"]);
    assert_eq!(waterfall.duration, 100);
    assert_close(waterfall.rows[3].offset, 0.6);
    assert_close(waterfall.rows[3].width, 0.1);
}

#[test]
fn orphan_keeps_its_children() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "root", 0..100),
        span("b", 3, Some(2), "orphan", 10..20),
        span("b", 4, Some(3), "child", 11..12),
    ]));
    assert_eq!(
        rows(&waterfall),
        [
            ("root", 0, Position::Root),
            ("orphan", 0, Position::Orphan),
            ("child", 1, Position::Child),
        ]
    );
    assert!(!waterfall.is_joined());
}

#[test]
fn trace_with_two_roots_is_not_joined() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "one", 0..10),
        span("a", 2, None, "two", 20..30),
    ]));
    assert_eq!(waterfall.count(Position::Root), 2);
    assert!(!waterfall.is_joined());
}

#[test]
fn skewed_clock_keeps_bars_on_the_axis() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "root", 1_000..2_000),
        span("b", 2, Some(1), "from the past", 0..500),
        span("b", 3, Some(1), "beyond the end", 1_900..4_000),
    ]));
    assert_eq!((waterfall.start, waterfall.duration), (0, 4_000));
    for row in &waterfall.rows {
        assert!(row.offset >= 0.0 && row.offset + row.width <= 1.0 + 1e-9);
    }
}

#[test]
fn zero_and_negative_durations_are_zero() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "instant", 5..5),
        span(
            "a",
            2,
            Some(1),
            "backwards",
            std::ops::Range { start: 5, end: 0 },
        ),
    ]));
    assert_eq!(waterfall.duration, 0);
    for row in &waterfall.rows {
        assert_eq!(row.duration(), 0);
        assert_close(row.width, 0.0);
    }
}

#[test]
fn deep_tree_needs_no_deep_stack() {
    let depth = 5_000;
    let chain = (1..=depth).map(|id| {
        let parent = (id > 1).then(|| id - 1);
        span("a", id, parent, "link", id..2 * depth)
    });
    let waterfall = Waterfall::of(&trace(chain.collect()));
    assert_eq!(waterfall.rows.last().unwrap().depth, 4_999);
    assert!(waterfall.is_joined());
}

#[test]
fn cyclic_parents_still_get_rows() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, Some(2), "hen", 0..1),
        span("a", 2, Some(1), "egg", 1..2),
        span("a", 3, Some(3), "own parent", 2..3),
    ]));
    assert_eq!(
        rows(&waterfall),
        [
            ("hen", 0, Position::Orphan),
            ("egg", 1, Position::Child),
            ("own parent", 0, Position::Orphan),
        ]
    );
}

#[test]
fn error_is_its_type() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "fine", 0..1),
        span("a", 2, Some(1), "broken", 0..1).failed("timeout"),
    ]));
    assert_eq!(waterfall.rows[0].error(), None);
    assert_eq!(waterfall.rows[1].error().as_deref(), Some("timeout"));
}

#[test]
fn rows_know_parent_and_descendant_count() {
    let waterfall = Waterfall::of(&trace(vec![
        span("a", 1, None, "root", 0..100),
        span("a", 2, Some(1), "first", 10..40),
        span("a", 3, Some(2), "grandchild", 11..12),
        span("a", 4, Some(1), "second", 50..80),
        span("a", 5, Some(9), "orphan", 60..70),
    ]));
    let tree: Vec<_> = waterfall.rows.iter().map(|r| (r.parent, r.below)).collect();
    assert_eq!(
        tree,
        [
            (None, 3),
            (Some(0), 1),
            (Some(1), 0),
            (Some(0), 0),
            (None, 0)
        ]
    );
}
