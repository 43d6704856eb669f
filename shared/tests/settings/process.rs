//! [`Process`]: a service in a child process with the given environment variables.

use std::{net::SocketAddr, ops::Deref};

use serde_json::Value;

use crate::{
    service::{ADDRESS, COUNTS},
    support::{
        Child, Output, command,
        wire::{Message, forward},
    },
};

pub(crate) use crate::service::DEADLINE;

/// A running service.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
}

/// The output of a service that has ended.
pub(crate) struct Said {
    output: Output,
    /// The numbers of ended, exported and lost spans.
    pub(crate) spans: [u64; 3],
    pub(crate) counts: Value,
}

impl Process {
    /// Starts a service with only these environment variables, and waits until it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        match Self::try_start(variables) {
            Ok(process) => process,
            Err(error) => panic!("the service did not start with {variables:?}: {error}"),
        }
    }

    /// Returns the standard error of a service that fails to start with these environment variables.
    pub(crate) fn refused(variables: &[(&str, &str)]) -> String {
        match Self::try_start(variables) {
            Ok(_) => panic!("the service started with {variables:?}"),
            Err(error) => error,
        }
    }

    fn try_start(variables: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = command("service::service", "service");
        let mut child = Child::start(command.envs(variables.iter().copied()));
        let address = child.find(|line| Some(line.strip_prefix(ADDRESS)?.to_owned()));
        let Some(address) = address else {
            let output = child.output();
            assert!(!output.status.success());
            return Err(output.stderr);
        };
        Ok(Self {
            child,
            address: address.parse().unwrap(),
        })
    }

    /// Makes the service call another service twice, which records four spans. Returns the response of the service and
    /// the two calls.
    pub(crate) fn forward(&self, lines: &[Vec<u8>]) -> (Message, [Message; 2]) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(forward(self.address, lines))
    }

    /// Makes the service end this many spans. Returns the span counters of the service.
    pub(crate) fn end_spans(&mut self, number: usize) -> Value {
        self.order(&format!("spans {number}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with different spans of 4 kB each.
    pub(crate) fn end_random_spans(&mut self, number: usize) -> Value {
        self.order(&format!("random {number}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with a span that has this text in every text field.
    pub(crate) fn end_long_span(&mut self, text: &str) -> Value {
        self.order(&format!("long {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with two spans on one thread, one of which ends with the thread.
    pub(crate) fn end_span_with_its_thread(&mut self) -> Value {
        self.order("kept span")
    }

    /// Like [`end_spans`](Self::end_spans), but with a span that failed with this error text.
    pub(crate) fn end_failed_span(&mut self, text: &str) -> Value {
        self.order(&format!("failed {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with five spans and fifty log lines that have errors with this text.
    pub(crate) fn record_errors(&mut self, text: &str) -> Value {
        self.order(&format!("errors {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with one span of this many bytes.
    pub(crate) fn end_span_of(&mut self, bytes: usize) -> Value {
        self.order(&format!("wide {bytes}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with one span in each of this many scopes.
    pub(crate) fn end_span_in_each_scope(&mut self, scopes: usize) -> Value {
        self.order(&format!("scopes {scopes}"))
    }

    /// Returns the span counters of the service.
    pub(crate) fn counts(&mut self) -> Value {
        self.order("")
    }

    fn order(&mut self, order: &str) -> Value {
        self.child.send(order);
        let counts = |line: &str| serde_json::from_str(line.strip_prefix(COUNTS)?).ok();
        self.child.find(counts).unwrap_or_else(|| {
            let (lines, errors) = (self.child.take_skipped(), self.child.errors());
            panic!("the service has ended: {lines:#?}\n{errors}")
        })
    }

    /// Returns the next log line with this message.
    pub(crate) fn log(&mut self, message: &str) -> Value {
        self.child.log(message)
    }

    /// Stops the service, which records one more span.
    pub(crate) fn stop(self) -> Said {
        let output = self.child.output();
        assert!(output.status.success(), "{output:?}");
        let mut lines = output.stdout.lines().rev();
        let counts = lines.find_map(|line| line.strip_prefix(COUNTS));
        let counts: Value = serde_json::from_str(counts.expect("the counts are printed")).unwrap();
        assert_eq!(counts["waiting"], 0);
        Said {
            spans: [
                number(&counts["ended"]),
                number(&counts["exported"]),
                lost(&counts),
            ],
            counts,
            output,
        }
    }
}

impl Deref for Said {
    type Target = Output;

    fn deref(&self) -> &Output {
        &self.output
    }
}

impl Said {
    /// Returns the logged reasons why the collector did not accept spans.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let logs = self.logs();
        let reasons = logs.iter().filter_map(|log| log["reason"].as_str());
        reasons.map(str::to_owned).collect()
    }

    /// Returns the exporter that the start-up log line names.
    pub(crate) fn exporter(&self) -> String {
        let logs = self.logs();
        let log = logs.iter().find_map(|log| log["exporter"].as_str());
        log.expect("the exporter is logged").to_owned()
    }

    /// Returns the proxy that the start-up log line names.
    pub(crate) fn proxy(&self) -> Option<String> {
        let logs = self.logs();
        let start = logs.iter().find(|log| log["exporter"].is_string());
        let start = start.expect("the exporter is logged");
        start["proxy"].as_str().map(ToOwned::to_owned)
    }

    /// Returns the standard output and the standard error of the service.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Returns the number of dropped spans, for any reason.
pub(crate) fn lost(counts: &Value) -> u64 {
    counts["lost"]
        .as_object()
        .unwrap()
        .values()
        .map(number)
        .sum()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
