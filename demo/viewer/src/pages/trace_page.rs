//! The data of a trace's page.

use std::sync::Arc;
use std::time::Duration;

use super::view::View;
use crate::LogLine;
use crate::related::Related;
use crate::store::Trace;
use crate::summary::{Pitfall, Summary};
use crate::waterfall::Waterfall;

/// Time after the last received span during which more spans are expected. Exporters send every five seconds by
/// default.
const ARRIVING: Duration = Duration::from_secs(10);

/// A trace and the data of its page.
pub(super) struct TracePage<'a> {
    pub(super) trace: &'a Trace,
    pub(super) waterfall: Waterfall,
    pub(super) lines: &'a [Arc<LogLine>],
    pub(super) related: &'a [Related],
    pub(super) all: &'a [Arc<Summary>],
    pub(super) view: &'a View,
    /// The `Host` header of the request for the page.
    pub(super) host: Option<&'a str>,
}

impl<'a> TracePage<'a> {
    pub(super) fn of(trace: &'a Trace) -> Self {
        const NOTHING: &View = &View::EMPTY;
        Self {
            trace,
            waterfall: Waterfall::of(trace),
            lines: &[],
            related: &[],
            all: &[],
            view: NOTHING,
            host: None,
        }
    }

    /// Returns the name of the trace and, if the trace ran a pitfall, the name of the pitfall.
    pub(super) fn title(&self) -> String {
        let first = self.waterfall.first();
        let name = first.map_or("trace", |first| &first.span.span.name);
        match first.and_then(Pitfall::of) {
            Some(pitfall) => format!("{name}, {}", pitfall.text()),
            None => name.to_owned(),
        }
    }

    /// Returns the time until no more spans are expected and the note on missing spans changes.
    pub(super) fn settles_in(&self) -> Option<Duration> {
        let age = self.trace.last_arrival.elapsed().unwrap_or_default();
        ARRIVING.checked_sub(age).filter(|rest| !rest.is_zero())
    }

    /// Returns whether more spans are expected.
    pub(super) fn is_arriving(&self) -> bool {
        self.settles_in().is_some()
    }
}
