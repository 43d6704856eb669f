//! The summary of the tour: one line per scene, and the number of passed scenes.

use std::time::Duration;

use crate::logs::print;
use crate::terminal::{Ink, Screen};

/// The result of one request, or of one variant of a pitfall.
pub(super) struct Verdict {
    pub(super) name: String,
    /// The response in a few words.
    pub(super) answer: String,
    /// Number of received spans.
    pub(super) spans: usize,
    /// The differences from the expected result, one sentence each.
    pub(super) off: Vec<String>,
}

pub(super) fn summary(verdicts: &[Verdict], took: Duration, screen: Screen) {
    let widest = |of: fn(&Verdict) -> &str| {
        let widths = verdicts.iter().map(|verdict| of(verdict).chars().count());
        widths.max().unwrap_or(0)
    };
    let (name, answer) = (
        widest(|verdict| &verdict.name),
        widest(|verdict| &verdict.answer),
    );
    print(&screen.paint(Ink::Bold, "\nSummary"));
    for verdict in verdicts {
        let (ink, mark) = match verdict.off.len() {
            0 => (Ink::Good, "✓ as it should be".to_owned()),
            count => (Ink::Bad, format!("✗ {count} off")),
        };
        print(&format!(
            "{:<name$}  {:<answer$}  {:<8}  {}",
            verdict.name,
            verdict.answer,
            count(verdict.spans, "span"),
            screen.paint(ink, &mark),
        ));
    }
    let good = verdicts.iter().filter(|verdict| verdict.off.is_empty());
    let (good, all) = (good.count(), verdicts.len());
    print(&format!(
        "\n{good} of {all} as they should be, in {:.1} s.",
        took.as_secs_f64()
    ));
}

/// Formats a number with its noun: `1 span`, `2 spans`.
pub(super) fn count(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}
