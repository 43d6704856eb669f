//! The tour: sends every example request of the catalogue once and shows its response, log lines, trace and verdict;
//! then runs the pitfalls.
//!
//! The requests are in [`checkout::catalogue`]. `expected` has the expected results, `check` compares the responses
//! with them, and this file and `guide` print the output. `lab` runs, checks and prints the pitfalls, `summary` counts
//! the results, and `steps` pauses between scenes.

use std::time::{Duration, Instant};

use checkout::catalogue::Row;
use tokio::time::timeout;
use viewer::store::{Trace, TraceId};
use viewer::waterfall::human_duration;

use crate::logs::print;
use crate::role::Role;
use crate::stack::Stack;
use crate::terminal::Screen;

use check::{Answer, Evidence, off};
use guide::{ARRIVAL, Guide, joined};
use scenes::Scenes;
use steps::Steps;
use summary::{Verdict, summary};

mod check;
mod expected;
mod flags;
mod guide;
mod journal;
mod lab;
mod scenes;
mod steps;
mod summary;

pub use flags::TourFlags;
pub use guide::TourError;
pub use journal::Journal;

/// Checkout's timeout for inventory in the tour, unless `INVENTORY_TIMEOUT` is set. The timeout is far from the 1.2 s
/// of `item-slow` and the 30 s of `item-stuck`, so that both requests get the expected response even on a busy machine.
pub(crate) const INVENTORY_TIMEOUT: Duration = Duration::from_secs(5);

const STORY: &str = "
A ticket says \"my checkout failed\". Two services took part, each with its own log, and two lines with close timestamps
prove nothing: they may belong to two customers. Here a trace id travels with every request. The response, both logs and
every span of the trace carry it: that is the proof.

A span is one piece of work, such as a request, a query or a function. In the pictures below, each line is a span: its
service, its kind, its name, a bar from its start to its end, its duration and its error. A trace is all spans of one
request, even if several services created them. Each span is indented under its parent, the span that caused it; the
span without a parent is the root.
";

/// Starts the services and runs the scenes. Returns whether all results were as expected.
///
/// # Errors
///
/// Returns [`TourError`] if the tour has to stop early.
pub async fn run(
    stack: &mut Stack,
    journal: &Journal,
    screen: Screen,
    flags: &TourFlags,
) -> Result<bool, TourError> {
    let begun = Instant::now();
    print(&screen.prose(STORY));
    print("");
    let mut steps = Steps::new(flags.step, screen);
    let checkout = stack.start_services().await?.checkout;
    let guide = Guide {
        client: reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(TourError::Client)?,
        checkout,
        otlp: stack.otlp,
        ui: flags.keep.then_some(stack.ui),
        store: stack.store.clone(),
        journal,
        screen,
    };
    let verdicts = guide.lead(stack, &flags.scenes, &mut steps).await?;
    let took = begun.elapsed().saturating_sub(steps.waited);
    summary(&verdicts, took, screen);
    let next = match guide.ui {
        Some(ui) => format!("The traces are at http://{ui} until you press Ctrl-C."),
        None => "To click through such traces in a browser, add --keep.".to_owned(),
    };
    print(&screen.prose(&next));
    Ok(verdicts.iter().all(|verdict| verdict.off.is_empty()))
}

impl Guide<'_> {
    /// Runs the scenes: first those that need inventory, then those that need inventory to be stopped.
    async fn lead(
        &self,
        stack: &mut Stack,
        names: &[String],
        steps: &mut Steps,
    ) -> Result<Vec<Verdict>, TourError> {
        let pitfalls = self.pitfalls().await?;
        let scenes = Scenes::named(names, &pitfalls);
        let scene_count = scenes.count();
        let mut numbers = 1..;
        let mut heading = |title: &str| {
            let number = numbers.next().unwrap_or(scene_count);
            self.heading(&format!("{number} of {scene_count}: {title}"));
        };
        let mut verdicts = Vec::new();
        let with_inventory = async {
            for row in scenes.with_inventory {
                heading(&title(row));
                verdicts.push(self.show(row).await?);
                steps.pause().await;
            }
            if !scenes.pitfalls.is_empty() {
                self.enter_lab();
            }
            for pitfall in scenes.pitfalls {
                heading(&format!("pitfall {}", pitfall.name));
                verdicts.extend(self.show_pitfall(pitfall).await?);
                steps.pause().await;
            }
            Ok(())
        };
        unless_a_service_dies(stack, with_inventory).await?;
        if scenes.without_inventory.is_empty() {
            return Ok(verdicts);
        }
        stack.stop_service(Role::Inventory).await?;
        let without_inventory = async {
            for row in scenes.without_inventory {
                heading(&title(row));
                verdicts.push(self.show(row).await?);
                steps.pause().await;
            }
            Ok(())
        };
        unless_a_service_dies(stack, without_inventory).await?;
        Ok(verdicts)
    }

    /// Sends one example request of the catalogue and prints its results.
    async fn show(&self, row: &Row) -> Result<Verdict, TourError> {
        let url = self.url("/checkout");
        print(&format!("$ {}", row.curl(&self.url(""))));
        let request = self
            .client
            .post(&url)
            .header("content-type", row.media_type);
        let sent = Instant::now();
        let response = request.body(row.body.text()).send().await;
        let answer = Answer::read(response.map_err(TourError::NoAnswer)?).await;
        let answer = answer.map_err(TourError::NoAnswer)?;
        let took = human_duration(nanos(sent.elapsed()));
        print(&format!("HTTP {} after {took}", answer.status));
        if let Some(header) = answer.header("traceresponse") {
            print(&format!("traceresponse: {header}"));
        }
        print(&answer.body);

        let evidence = match answer.trace_id() {
            Some(id) => self.evidence(id, row).await,
            None => Evidence::default(),
        };
        self.logs(&evidence.lines);
        self.subheading("trace");
        if let Some(trace) = &evidence.trace {
            self.draw(trace);
        }
        let off = off(row, &answer, &evidence);
        self.verdict(&joined(evidence.trace.as_ref()), &off);
        Ok(Verdict {
            name: row.name.to_owned(),
            answer: format!("{} {}", answer.status, answer.code().unwrap_or_default()),
            spans: evidence.trace.map_or(0, |trace| trace.spans.len()),
            off,
        })
    }

    /// Returns the trace and log lines of a request once they are complete, or those that arrived before the timeout.
    async fn evidence(&self, id: TraceId, row: &Row) -> Evidence {
        let complete = |trace: &Trace| expected::is_complete(row, trace);
        let text = id.to_string();
        let arrival = async {
            tokio::join!(
                self.store.wait_for(id, complete),
                self.journal.wait_for(&text, expected::services(row)),
            )
        };
        // A timeout is not an error here: the verdict reports missing spans and log lines.
        let _ = timeout(ARRIVAL, arrival).await;
        Evidence {
            trace: self.store.trace(id),
            lines: self.journal.take(&text),
        }
    }
}

/// Returns the heading of a request's scene: the item or mistake in the request, and its description.
fn title(row: &Row) -> String {
    format!("{}: {}", row.name, row.what)
}

async fn unless_a_service_dies(
    stack: &mut Stack,
    stops: impl Future<Output = Result<(), TourError>>,
) -> Result<(), TourError> {
    tokio::select! {
        done = stops => done,
        died = stack.service_died() => Err(died.into()),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
