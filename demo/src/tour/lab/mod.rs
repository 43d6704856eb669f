//! Shows the pitfalls of checkout in the tour: the broken variant of each, followed by the fixed variant.
//!
//! `pitfall` parses checkout's descriptions of the pitfalls, `check` compares the descriptions with the received spans,
//! and this file prints the results.

use std::process::Stdio;

use tokio::time::timeout;
use viewer::store::{Trace, TraceId};

use super::guide::{ARRIVAL, Guide, TourError, joined};
use super::summary::{Verdict, count};
use crate::logs::print;
use crate::processes::{command, exports_to};
use crate::terminal::Ink;

use check::{Run, holds, is_joined_with, lost, off_broken, off_fixed};
pub(super) use pitfall::Pitfall;
use pitfall::{Answer, Harm, List};

mod check;
mod pitfall;

const STORY: &str = "
Now the lab: small mistakes that break a trace although every response is correct and no error is logged. Each runs once
broken and once fixed, so the second picture shows what is missing from the first.

The context identifies the trace and the span to which the current work belongs. It has to be passed on with the work: by
code to a task or a thread of the same program, in the header traceparent to another service. Work without it starts a
separate trace, which does not appear in the request's trace. A span is exported only after its work has ended, and not at
once: it waits in a queue, so that many spans are sent together.";

impl Guide<'_> {
    /// Returns the pitfalls of checkout.
    pub(super) async fn pitfalls(&self) -> Result<Vec<Pitfall>, TourError> {
        let list = self.client.get(self.url("/pitfalls")).send().await;
        let list = list.and_then(reqwest::Response::error_for_status);
        let list = list.map_err(TourError::NoPitfalls)?.json().await;
        let List { pitfalls } = list.map_err(TourError::NoPitfalls)?;
        Ok(pitfalls)
    }

    pub(super) fn enter_lab(&self) {
        self.heading("the lab: how traces break");
        print(&self.screen.prose(STORY));
    }

    /// Runs the broken and the fixed variant of a pitfall and prints the results.
    pub(super) async fn show_pitfall(&self, pitfall: &Pitfall) -> Result<[Verdict; 2], TourError> {
        let harm = &pitfall.harm;
        // A process exports its spans in the order in which they end. Both variants run before either is checked: once
        // the spans of the fixed variant have arrived, no more spans of the broken variant can arrive.
        let broken = self.answer(&pitfall.broken, false).await?;
        let fixed = self.answer(&pitfall.fixed, true).await?;
        let broken = self.broken(harm, broken).await;
        let lost = lost(harm, &broken.answer);
        let fixed = self.fixed(fixed, &lost).await;

        print(&self.screen.entry("mistake", &pitfall.mistake));
        print(&self.screen.entry("symptom", &pitfall.looks));
        let mut others = self.store.recent(usize::MAX);
        others.retain(|trace| fixed.answer.trace_id() != Some(trace.id));
        let off = [
            off_broken(harm, &broken, &others),
            off_fixed(harm, &fixed, &lost),
        ];
        self.show_form(harm, "broken", &pitfall.broken, &broken, 0);
        self.verdict(&proved(harm, &broken), &off[0]);
        let tasks = broken.answer.live_tasks.unwrap_or(0);
        self.show_form(harm, "fixed", &pitfall.fixed, &fixed, tasks);
        self.verdict(&joined(fixed.own.as_ref()), &off[1]);
        print("");
        print(&self.screen.entry("instead", &pitfall.instead));
        print(&self.screen.entry("source", &pitfall.source));
        let [off_broken, off_fixed] = off;
        Ok([
            verdict(pitfall, "broken", &broken, off_broken),
            verdict(pitfall, "fixed", &fixed, off_fixed),
        ])
    }

    /// Runs one variant of a pitfall, which is a request to checkout or a separate process.
    async fn answer(&self, how: &str, fixed: bool) -> Result<Answer, TourError> {
        let text = match how.strip_prefix("POST ") {
            Some(path) => self.request(path).await.map_err(TourError::NoAnswer)?,
            None => self.process(fixed).await.map_err(TourError::Process)?,
        };
        Ok(Answer::read(text))
    }

    async fn request(&self, path: &str) -> Result<String, reqwest::Error> {
        let response = self.client.post(self.url(path)).send().await?;
        response.text().await
    }

    /// Runs a pitfall in a separate process. Returns the response among the process's output lines or, if there is
    /// none, the output or an error message.
    async fn process(&self, fixed: bool) -> std::io::Result<String> {
        let arguments = ["unflushed-exit", "--fixed"];
        let arguments = &arguments[..if fixed { 2 } else { 1 }];
        let mut variables = exports_to(self.otlp).to_vec();
        // With a long delay and a large batch size, only a shutdown exports spans before the process ends, even on a
        // slow machine.
        variables.push(("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()));
        variables.push(("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512".to_owned()));
        let mut command = command(arguments, &variables)?;
        let Ok(output) = timeout(ARRIVAL, command.stdin(Stdio::null()).output()).await else {
            return Ok(format!("The process did not end within {ARRIVAL:?}."));
        };
        let output = output?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Ok(format!(
                "The process ended with {}: {stderr}",
                output.status
            ));
        }
        let stdout = String::from_utf8_lossy(&output.stdout);
        let answer = stdout.lines().find(|line| Answer::is_one(line));
        Ok(answer.unwrap_or(&stdout).to_owned())
    }

    /// Collects the traces of the broken variant of a pitfall.
    async fn broken(&self, harm: &Harm, answer: Answer) -> Run {
        let own = match (answer.trace_id(), harm) {
            (None, _) => None,
            // The process has exited, so no more spans can arrive.
            (Some(id), Harm::Loss) => self.store.trace(id),
            (Some(id), _) => self.arrived(id, |own| is_joined_with(&[], own)).await,
        };
        self.with_orphans(answer, own).await
    }

    /// Collects the traces of the fixed variant of a pitfall.
    async fn fixed(&self, answer: Answer, lost: &[&str]) -> Run {
        let own = match answer.trace_id() {
            Some(id) => self.arrived(id, |own| is_joined_with(lost, own)).await,
            None => None,
        };
        self.with_orphans(answer, own).await
    }

    async fn with_orphans(&self, answer: Answer, own: Option<Trace>) -> Run {
        let mut apart: Vec<Trace> = Vec::new();
        for orphan in &answer.orphans {
            let Some(id) = orphan.trace_id() else {
                continue;
            };
            let known = answer.trace_id() == Some(id) || apart.iter().any(|trace| trace.id == id);
            if !known {
                apart.extend(self.arrived(id, |trace| holds(orphan, trace)).await);
            }
        }
        Run { answer, own, apart }
    }

    /// Returns the trace once it is complete, or the spans received before the timeout.
    async fn arrived(&self, id: TraceId, complete: impl Fn(&Trace) -> bool) -> Option<Trace> {
        let trace = timeout(ARRIVAL, self.store.wait_for(id, complete)).await;
        trace.ok().or_else(|| self.store.trace(id))
    }

    /// Prints the request or command of one variant of a pitfall and its results. `tasks` is the number of tasks that
    /// were waiting before the request.
    fn show_form(&self, harm: &Harm, name: &str, how: &str, run: &Run, tasks: usize) {
        print(&self.screen.paint(Ink::Bold, &format!("\n{name}")));
        match how.strip_prefix("POST ") {
            Some(path) => print(&format!("$ curl -X POST '{}'", self.url(path))),
            None => print(&format!("$ {how}")),
        }
        print(&self.screen.prose(&run.answer.happened));
        let whose = match harm {
            Harm::Split | Harm::Leak { .. } => "request",
            Harm::Loss => "process",
        };
        if let Some(id) = run.answer.trace_id() {
            self.subheading(&format!("the {whose}'s trace, {id}"));
            match &run.own {
                Some(own) => self.draw(own),
                None => print("(empty: not one span of it has arrived)"),
            }
        }
        for trace in &run.apart {
            self.subheading(&format!(
                "another trace, {}, of work that belongs to the one above",
                trace.id
            ));
            self.draw(trace);
        }
        if let Some(live) = run.answer.live_tasks {
            self.subheading("tasks that wait although their request is over");
            print(&format!("{tasks} before this request, {live} after it"));
        }
    }
}

/// Returns the statement that the traces of a broken variant prove.
fn proved(harm: &Harm, broken: &Run) -> String {
    let mut lost = lost(harm, &broken.answer);
    lost.dedup();
    let lost = lost.join(" and ");
    let told = match harm {
        Harm::Split => "is not in the request's trace but in another",
        Harm::Leak { .. } => "is in no trace",
        Harm::Loss => "is in no trace, and the process that had it is gone",
    };
    format!("broken as described: \"{lost}\" {told}")
}

fn verdict(pitfall: &Pitfall, form: &str, run: &Run, off: Vec<String>) -> Verdict {
    let traces = || run.own.iter().chain(&run.apart);
    Verdict {
        name: pitfall.name.clone(),
        answer: format!("{form}: {}", count(traces().count(), "trace")),
        spans: traces().map(|trace| trace.spans.len()).sum(),
        off,
    }
}
