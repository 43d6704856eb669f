//! State and output functions that all scenes of the tour share, such as addresses, received traces and log lines.

use std::net::SocketAddr;
use std::time::Duration;

use viewer::LogLine;
use viewer::store::{Store, Trace};
use viewer::waterfall::Waterfall;

use super::journal::Journal;
use super::summary::count;
use crate::drawing::draw;
use crate::logs::{human, print};
use crate::stack::StackError;
use crate::terminal::{Ink, Screen};

/// Maximum time from a response until its spans and log lines arrive. The limit is generous, since the tour continues
/// as soon as they have arrived.
pub(super) const ARRIVAL: Duration = Duration::from_mins(1);

/// An error that ends the tour early.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The services could not be started, or a service exited early.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The HTTP client could not be created.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// Checkout did not respond.
    #[error("checkout did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The list of pitfalls could not be read.
    #[error("checkout does not list its pitfalls at GET /pitfalls")]
    NoPitfalls(#[source] reqwest::Error),
    /// The process of a pitfall could not be started.
    #[error("cannot start the process of a pitfall")]
    Process(#[source] std::io::Error),
    /// Ctrl-C or another signal ended the tour.
    #[error("the tour was interrupted")]
    Interrupted,
}

/// State shared by all scenes.
pub(super) struct Guide<'a> {
    pub(super) client: reqwest::Client,
    pub(super) checkout: SocketAddr,
    pub(super) otlp: SocketAddr,
    /// Address of the trace viewer, if the viewer keeps running after the tour.
    pub(super) ui: Option<SocketAddr>,
    pub(super) store: Store,
    pub(super) journal: &'a Journal,
    pub(super) screen: Screen,
}

impl Guide<'_> {
    pub(super) fn heading(&self, title: &str) {
        let rule = "─".repeat(self.screen.width.saturating_sub(title.chars().count() + 4));
        let heading = format!("\n── {title} {rule}");
        print(&self.screen.paint(Ink::Bold, &heading));
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.checkout)
    }

    pub(super) fn logs(&self, lines: &[LogLine]) {
        self.subheading("logs of both services with this trace id");
        for line in lines
            .iter()
            .filter(|line| self.journal.verbosity.shows(line))
        {
            print(&human(line, self.screen));
        }
    }

    pub(super) fn subheading(&self, text: &str) {
        print("");
        print(&self.screen.paint(Ink::Dim, &self.screen.prose(text)));
    }

    pub(super) fn draw(&self, trace: &Trace) {
        print(draw(&Waterfall::of(trace), self.screen).trim_end());
        if let Some(ui) = self.ui {
            let link = format!("http://{ui}/trace/{}", trace.id);
            print(&self.screen.paint(Ink::Dim, &link));
        }
    }

    /// Prints the differences from the expected result or, if there are none, the statement that the result proves.
    pub(super) fn verdict(&self, proved: &str, off: &[String]) {
        print("");
        if off.is_empty() {
            let proved = self.screen.prose(&format!("✓ {proved}"));
            print(&self.screen.paint(Ink::Good, &proved));
        }
        for text in off {
            let text = self.screen.prose(&format!("✗ {text}"));
            print(&self.screen.paint(Ink::Bad, &text));
        }
    }
}

/// Returns the statement that a trace proves if its spans form one tree.
pub(super) fn joined(trace: Option<&Trace>) -> String {
    let spans = trace.map_or(0, |trace| trace.spans.len());
    let services = trace.map_or_else(Vec::new, |trace| Waterfall::of(trace).services);
    let services = services.join(" and ");
    format!("one joined trace: {} of {services}", count(spans, "span"))
}
