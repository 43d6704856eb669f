//! The protocol between `hop` and its processes. Commands are lines on standard input, replies are lines of JSON on standard
//! error, and the end of the input ends the process. Standard output is for the log.

use std::{
    io::{BufRead as _, stdin},
    net::SocketAddr,
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A message from a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "hop", rename_all = "snake_case")]
pub(crate) enum Message {
    /// The first message: a service or the sink listens at this address.
    Listening { address: SocketAddr },
    /// A service has started measuring.
    Measuring,
    /// The last message: a service has answered its requests and exported its spans.
    Ended(Cost),
    /// The counts of the spans that the sink has received so far.
    Received(Received),
}

/// The cost of a service since [`MEASURE`], including the export of its last spans.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// User and system time of all threads, in µs.
    pub(crate) cpu_us: f64,
    /// Number of allocations; 0 in rounds that do not count allocations.
    pub(crate) allocations: u64,
}

/// Counts of the spans that arrived at the sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Received {
    /// Number of distinct spans.
    pub(crate) spans: u64,
    /// Number of repeated arrivals of spans.
    pub(crate) repeated: u64,
    /// Number of attributes of all distinct spans.
    pub(crate) attributes: u64,
    pub(crate) bytes: u64,
}

/// Command for a service: start measuring.
pub(crate) const MEASURE: &str = "measure";
/// Command for the sink: report the spans received so far.
pub(crate) const COUNT: &str = "count";

impl Message {
    pub(crate) fn send(&self) -> anyhow::Result<()> {
        eprintln!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Calls `handle` for each command, on a separate thread. The receiver resolves when standard input ends.
pub(crate) fn on_command(mut handle: impl FnMut(&str) + Send + 'static) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            handle(line.trim());
        }
        // The receiver is gone if the process is ending already.
        let _ = ended.send(());
    });
    end
}
