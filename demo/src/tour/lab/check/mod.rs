//! Compares the response of a pitfall with the received spans: the broken variant must break its trace as described,
//! and the fixed variant must not.

use viewer::attributes::hex;
use viewer::store::Trace;
use viewer::waterfall::Waterfall;

use super::pitfall::{Answer, Harm, Orphan};

/// Number of tasks that the broken variant of the pitfall `leaked-task` leaves running.
const LEAKED_TASKS: usize = 1;

/// The response and the received spans of one variant of a pitfall.
pub(super) struct Run {
    pub(super) answer: Answer,
    /// The trace of the request, or of the separate process, in which the pitfall was run.
    pub(super) own: Option<Trace>,
    /// Other traces, with spans that should be in the trace of the request.
    pub(super) apart: Vec<Trace>,
}

/// Returns the spans that the broken variant loses. The trace of the fixed variant must contain them all.
pub(super) fn lost<'a>(harm: &'a Harm, broken: &'a Answer) -> Vec<&'a str> {
    match harm {
        Harm::Leak { span } => vec![span],
        Harm::Split | Harm::Loss => broken.orphans.iter().map(|o| o.span.as_str()).collect(),
    }
}

/// Returns whether the spans of the trace form one tree and include these spans.
pub(super) fn is_joined_with(spans: &[&str], trace: &Trace) -> bool {
    Waterfall::of(trace).is_joined() && missing(spans, trace).is_empty()
}

/// Returns whether the trace contains the orphaned span and its spans form one tree.
pub(super) fn holds(orphan: &Orphan, trace: &Trace) -> bool {
    let is_it = |id: &[u8]| hex(id) == orphan.span_id;
    trace.spans.iter().any(|span| is_it(&span.id)) && Waterfall::of(trace).is_joined()
}

/// Returns the differences between the result of the broken variant and its description. `others` are all other
/// received traces.
pub(super) fn off_broken(harm: &Harm, broken: &Run, others: &[Trace]) -> Vec<String> {
    let mut off = Vec::new();
    match (harm, &broken.own) {
        (Harm::Loss, None) => {}
        (Harm::Loss, Some(_)) => off.push("its trace has arrived and should not".to_owned()),
        (_, own) => off.extend(not_joined(own.as_ref())),
    }
    match harm {
        Harm::Leak { span } => {
            off.extend(wrong_tasks(&broken.answer));
            if others
                .iter()
                .any(|trace| missing(&[span], trace).is_empty())
            {
                off.push(format!("{span} has arrived and should not"));
            }
        }
        Harm::Split | Harm::Loss if broken.answer.orphans.is_empty() => {
            off.push("it names no span that has fallen off".to_owned());
        }
        Harm::Split => off.extend(
            broken
                .answer
                .orphans
                .iter()
                .filter_map(|o| joined(o, broken)),
        ),
        Harm::Loss => {}
    }
    off
}

/// Returns the differences between the result of the fixed variant and one complete trace.
pub(super) fn off_fixed(harm: &Harm, fixed: &Run, lost: &[&str]) -> Vec<String> {
    let mut off: Vec<_> = not_joined(fixed.own.as_ref()).into_iter().collect();
    for orphan in &fixed.answer.orphans {
        off.push(format!("{} has fallen off", orphan.span));
    }
    for span in fixed.own.iter().flat_map(|trace| missing(lost, trace)) {
        off.push(format!("{span} is not in its trace"));
    }
    if matches!(harm, Harm::Leak { .. }) {
        off.extend(wrong_tasks(&fixed.answer));
    }
    off
}

/// Returns a description of the difference if an orphaned span is not in a separate trace.
fn joined(orphan: &Orphan, broken: &Run) -> Option<String> {
    let own = broken.own.as_ref();
    if own.is_some_and(|own| orphan.trace_id() == Some(own.id) || holds(orphan, own)) {
        return Some(format!("{} is in the request's trace", orphan.span));
    }
    let arrived = broken.apart.iter().any(|trace| holds(orphan, trace));
    (!arrived).then(|| format!("{} is not in a separate trace", orphan.span))
}

fn not_joined(trace: Option<&Trace>) -> Option<String> {
    match trace {
        None => Some("no span of it has arrived".to_owned()),
        Some(trace) if Waterfall::of(trace).is_joined() => None,
        Some(_) => Some("its trace is not joined".to_owned()),
    }
}

fn wrong_tasks(answer: &Answer) -> Option<String> {
    match answer.live_tasks {
        Some(LEAKED_TASKS) => None,
        Some(live) => Some(format!("{live} tasks are live, not {LEAKED_TASKS}")),
        None => Some("it does not say how many tasks are live".to_owned()),
    }
}

/// Returns the expected spans that occur in the trace fewer times than expected. Spans are identified by service and
/// name.
fn missing<'a>(spans: &[&'a str], trace: &Trace) -> Vec<&'a str> {
    let mut arrived: Vec<_> = trace
        .spans
        .iter()
        .map(|span| format!("{} {}", span.source.service, span.span.name))
        .collect();
    let is_missing = |span: &&&str| match arrived.iter().position(|name| name == **span) {
        Some(found) => {
            arrived.swap_remove(found);
            false
        }
        None => true,
    };
    spans.iter().filter(is_missing).copied().collect()
}

#[cfg(test)]
mod tests;
