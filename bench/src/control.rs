//! How `hop` and its processes speak: commands come as lines on standard input, answers go out as lines of JSON on standard
//! error, and the end of the input is the end of the process. Standard output is left to the log.

use std::{
    io::{BufRead as _, stdin},
    net::SocketAddr,
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What a process says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "hop", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The first thing it says.
    Listening { address: SocketAddr },
    /// A service measures from now on.
    Measuring,
    /// A service has answered what it had to and sent its spans: the last thing it says.
    Ended(Cost),
    /// What the sink has received so far.
    Received(Received),
}

/// What a service has cost since it was told to measure, the sending of its last spans included.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// User and system, of all threads.
    pub(crate) cpu_us: f64,
    /// 0 in a round that does not count them.
    pub(crate) allocations: u64,
}

/// What arrived at the sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Received {
    /// Distinct spans.
    pub(crate) spans: u64,
    /// Spans that came more than once.
    pub(crate) repeated: u64,
    /// All of the spans' attributes.
    pub(crate) attributes: u64,
    pub(crate) bytes: u64,
}

/// What a process is told.
pub(crate) const MEASURE: &str = "measure";
pub(crate) const COUNT: &str = "count";

impl Said {
    pub(crate) fn say(&self) -> anyhow::Result<()> {
        eprintln!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Does as it is told on a thread of its own; the receiver learns when standard input has ended.
pub(crate) fn obey(mut does: impl FnMut(&str) + Send + 'static) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            does(line.trim());
        }
        // Whoever was to be told has ended already.
        let _ = ended.send(());
    });
    end
}
