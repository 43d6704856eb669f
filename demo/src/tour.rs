//! The tour: every request of the catalogue once, with its answer, its log lines, its trace, and a verdict.
//!
//! `scenario` is the table of what is sent and what must come back, `check` compares, and this file tells the story.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cli::Role;
use crate::logs::{LogLine, print};
use crate::stack::{Stack, StackError};
use crate::store::{Store, Trace, TraceId};
use crate::terminal::{Ink, Screen, draw};
use crate::waterfall::{Waterfall, human_duration};

use check::{Answer, Evidence, off};
use scenario::{SCENARIOS, Scenario};

mod check;
mod journal;
mod scenario;

pub use journal::Journal;

/// How long the spans and lines of a request may take to arrive once it is answered.
const ARRIVAL: Duration = Duration::from_secs(15);

const STORY: &str = "\
Two services, one ticket: \"my checkout failed\". Each service has its own log, and two lines with close timestamps
prove nothing: they may belong to two customers. Here a trace id travels with every request. The answer carries it, both
logs carry it, and every span of the one joined trace carries it: that is the proof.
";

/// What ends the tour before its end.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The services could not be started, or one died.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// No answer at all, not even a bad one.
    #[error("checkout did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// Ctrl-C.
    #[error("the tour was interrupted")]
    Interrupted,
}

/// Starts the services and runs all scenarios; tells whether each was as the table says.
///
/// # Errors
///
/// [`TourError`], when the tour cannot go on.
pub async fn run(stack: &mut Stack, journal: &Journal, screen: Screen) -> Result<bool, TourError> {
    let begun = Instant::now();
    print(STORY);
    let checkout = stack.start_services().await?.checkout;
    let guide = Guide {
        client: reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(TourError::Client)?,
        checkout,
        store: stack.store.clone(),
        journal,
        screen,
    };
    let mut verdicts = Vec::new();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        guide.heading(number, scenario);
        if scenario.without_inventory {
            stack.stop_service(Role::Inventory).await?;
        }
        let verdict = tokio::select! {
            verdict = guide.show(scenario) => verdict?,
            died = stack.service_died() => return Err(died.into()),
        };
        verdicts.push(verdict);
    }
    summary(&verdicts, begun.elapsed(), screen);
    Ok(verdicts.iter().all(|verdict| verdict.off.is_empty()))
}

/// What all stops of the tour need.
struct Guide<'a> {
    client: reqwest::Client,
    checkout: SocketAddr,
    store: Store,
    journal: &'a Journal,
    screen: Screen,
}

/// What came of one scenario.
struct Verdict {
    scenario: &'static Scenario,
    answer: String,
    spans: usize,
    /// Everything that is not as it should be.
    off: Vec<String>,
}

impl Guide<'_> {
    fn heading(&self, number: usize, scenario: &Scenario) {
        let title = format!("{} of {}: {}", number + 1, SCENARIOS.len(), scenario.title);
        let rule = "─".repeat(self.screen.width.saturating_sub(title.chars().count() + 4));
        print(
            &self
                .screen
                .paint(Ink::Bold, &format!("\n── {title} {rule}")),
        );
    }

    /// Runs one scenario and prints it.
    async fn show(&self, scenario: &'static Scenario) -> Result<Verdict, TourError> {
        let url = format!("http://{}/checkout", self.checkout);
        print(&format!("$ {}", scenario.curl(&url)));
        let request = self
            .client
            .post(&url)
            .header("content-type", scenario.media_type);
        let sent = Instant::now();
        let response = request.body(scenario.body()).send().await;
        let answer = Answer::read(response.map_err(TourError::NoAnswer)?).await;
        let answer = answer.map_err(TourError::NoAnswer)?;
        let took = human_duration(nanos(sent.elapsed()));
        print(&format!("HTTP {} after {took}", answer.status));
        if let Some(header) = &answer.traceresponse {
            print(&format!("traceresponse: {header}"));
        }
        print(&answer.body);

        let evidence = match answer.trace_id() {
            Some(id) => self.evidence(id, scenario).await,
            None => Evidence::default(),
        };
        self.logs(&evidence.lines);
        self.trace(evidence.trace.as_ref());
        let off = off(scenario, &answer, &evidence);
        self.verdict(&off, &evidence);
        Ok(Verdict {
            scenario,
            answer: format!("{} {}", answer.status, answer.code().unwrap_or_default()),
            spans: evidence.trace.map_or(0, |trace| trace.spans.len()),
            off,
        })
    }

    /// Trace and log lines, once they are complete or the time is up.
    async fn evidence(&self, id: TraceId, scenario: &Scenario) -> Evidence {
        let complete = |trace: &Trace| scenario.is_complete(trace);
        let text = id.to_string();
        let arrival = async {
            tokio::join!(
                self.store.wait_for(id, complete),
                self.journal.wait_for(&text, scenario.services()),
            )
        };
        // Whatever is missing then, the verdict will name it.
        let _ = timeout(ARRIVAL, arrival).await;
        Evidence {
            trace: self.store.trace(id),
            lines: self.journal.take(&text),
        }
    }

    fn logs(&self, lines: &[LogLine]) {
        print(
            &self
                .screen
                .paint(Ink::Dim, "\nlogs of both services with this trace id"),
        );
        for line in lines {
            print(&line.human(self.screen));
        }
    }

    fn trace(&self, trace: Option<&Trace>) {
        print(&self.screen.paint(Ink::Dim, "\ntrace"));
        if let Some(trace) = trace {
            print(draw(&Waterfall::of(trace), self.screen).trim_end());
        }
    }

    fn verdict(&self, off: &[String], evidence: &Evidence) {
        print("");
        if let (Some(trace), []) = (&evidence.trace, off) {
            let services = Waterfall::of(trace).services.join(" and ");
            let text = format!(
                "✓ one joined trace: {} spans of {services}",
                trace.spans.len()
            );
            print(&self.screen.paint(Ink::Good, &text));
        }
        for text in off {
            print(&self.screen.paint(Ink::Bad, &format!("✗ {text}")));
        }
    }
}

fn summary(verdicts: &[Verdict], took: Duration, screen: Screen) {
    let title = |verdict: &Verdict| verdict.scenario.name.chars().count();
    let width = verdicts.iter().map(title).max().unwrap_or(0);
    print(&screen.paint(Ink::Bold, "\nSummary"));
    for verdict in verdicts {
        let (ink, mark) = match verdict.off.len() {
            0 => (Ink::Good, "✓ as in the table".to_owned()),
            count => (Ink::Bad, format!("✗ {count} off")),
        };
        print(&format!(
            "{name:<width$}  {answer:<30} {spans:<8}  {mark}",
            name = verdict.scenario.name,
            answer = verdict.answer,
            spans = spans(verdict.spans),
            mark = screen.paint(ink, &mark),
        ));
    }
    let good = verdicts.iter().filter(|verdict| verdict.off.is_empty());
    let (good, all) = (good.count(), verdicts.len());
    print(&format!(
        "\n{good} of {all} as they should be, in {:.1} s.",
        took.as_secs_f64()
    ));
    print("To click through such traces in a browser: cargo run -p demo");
}

fn spans(count: usize) -> String {
    format!("{count} span{}", if count == 1 { "" } else { "s" })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
