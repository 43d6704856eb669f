//! [`Output`]: the output of a child process.

use std::process::ExitStatus;

use serde_json::Value;

/// The output of a child process that has ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    /// The standard output, without the lines that a test has already read.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Returns the JSON lines of the standard output.
    pub(crate) fn logs(&self) -> Vec<Value> {
        let lines = self.stdout.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).expect("a log line is JSON"))
            .collect()
    }

    /// Returns the log lines with this message.
    pub(crate) fn logs_with(&self, message: &str) -> Vec<Value> {
        let mut logs = self.logs();
        logs.retain(|log| log["message"] == message);
        logs
    }

    /// Returns the only log line with this message.
    pub(crate) fn log(&self, message: &str) -> Value {
        let logs = self.logs_with(message);
        let [log] = &logs[..] else {
            panic!("one line `{message}`: {}", self.stdout);
        };
        log.clone()
    }

    /// Returns the messages of all log lines at level WARN.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut logs = self.logs();
        logs.retain(|log| log["level"] == "WARN");
        logs.iter()
            .map(|log| log["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
