//! Log lines are written in batches. If the output is read, no line is lost, torn or out of order, however the process
//! ends.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{self, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use shared::telemetry::Telemetry;

use crate::{
    child::{self, command, start, start_on},
    support::in_shell,
};

const THREADS: u64 = 4;
const LINES: u64 = 400;

/// Returns the length of a line. Some lines exceed the atomic write size of a pipe, and some exceed its capacity.
fn length(number: u64) -> usize {
    match number {
        _ if number.is_multiple_of(150) => 100_000,
        _ if number.is_multiple_of(20) => 5_000,
        _ => usize::try_from(number).unwrap(),
    }
}

pub(crate) fn many_threads() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the scope waits for them, and they have no trace"
    )]
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..LINES {
                    let text = "x".repeat(length(number));
                    if number.is_multiple_of(100) {
                        tracing::error!(thread, number, text, "one of many");
                    } else {
                        tracing::info!(thread, number, text, "one of many");
                    }
                }
            });
        }
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test is about how a process ends"
)]
pub(crate) fn abort() {
    tracing::info!("before");
    tracing::error!("expected");
    process::abort();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test is about how a process ends"
)]
pub(crate) fn log_and_exit(telemetry: Telemetry) {
    log_some();
    drop(telemetry);
    tracing::info!("after the end");
    process::exit(0);
}

fn log_some() {
    for number in 0..LINES {
        tracing::info!(number, "one of some");
    }
}

pub(crate) fn log_and_wait() {
    log_some();
    loop {
        thread::park();
    }
}

/// Number of log lines, which need far more memory than the buffer for unread lines.
const TOO_MANY: u64 = 60_000;

pub(crate) fn log_more_than_capacity() {
    let mut number = 0_u64;
    let mut log = || {
        if number.is_multiple_of(10_000) {
            tracing::error!(number, "one of {}", "x".repeat(100));
        } else {
            tracing::info!(number, "one of {}", "x".repeat(100));
        }
        number += 1;
    };
    (0..TOO_MANY).for_each(|_| log());
    eprintln!("LOGGED");
    loop {
        log();
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Number of log lines that exceeds the capacity of a pipe, but not the capacity of the buffer for a slow reader.
const MANY: u64 = 20_000;

#[expect(
    clippy::disallowed_methods,
    reason = "the test is about how a process ends"
)]
pub(crate) fn log_more_than_pipe_capacity(telemetry: Telemetry) {
    for number in 0..MANY {
        tracing::info!(number, "one of {}", "x".repeat(50));
    }
    drop(telemetry);
    process::exit(0);
}

/// Returns the log lines of this module in an output.
fn parse(output: &str) -> impl Iterator<Item = Value> {
    let lines = output.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    lines.filter(|line| line["target"] == module_path!())
}

fn messages(output: &str) -> Vec<String> {
    let messages = parse(output).map(|line| line["message"].as_str().unwrap().to_owned());
    messages.collect()
}

#[test]
fn lines_are_whole_and_ordered_per_thread() {
    for line in child::lines("many_threads", "pretty") {
        assert_eq!(line.matches("one of many").count(), 1, "{line}");
    }
    let mut next = BTreeMap::new();
    for line in child::lines("many_threads", "json") {
        let line: Value = serde_json::from_str(&line).unwrap();
        let number = line["number"].as_u64().unwrap();
        let next = next.entry(line["thread"].as_u64().unwrap()).or_insert(0);
        assert_eq!(number, *next);
        *next += 1;
        assert_eq!(line["text"].as_str().unwrap().len(), length(number));
    }
    let all = (0..THREADS).map(|thread| (thread, LINES));
    assert_eq!(next, all.collect());
}

#[test]
fn error_line_flushes_earlier_lines() {
    let output = child::output("abort", "json");
    assert!(!output.status.success());
    assert_eq!(messages(&output.stdout), ["before", "expected"]);
}

#[test]
fn line_after_shutdown_is_written_at_once() {
    let output = child::output("log_and_exit", "json");
    assert!(output.status.success());
    let messages = messages(&output.stdout);
    assert_eq!(messages.len() as u64, LINES + 1);
    assert_eq!(messages.last().unwrap(), "after the end");
}

#[test]
fn lines_are_flushed_without_further_logging() {
    let mut child = start("log_and_wait", "json");
    child.close_stdin();
    let mut output = String::new();
    let last = format!("\"number\":{}", LINES - 1);
    while !output.contains(&last) {
        output += &child.line().expect("the child waits");
        output += "\n";
    }
    child.kill();
    assert_eq!(child.line(), None);
    let numbers = parse(&output).map(|line| line["number"].as_u64().unwrap());
    assert!(numbers.eq(0..LINES));
}

#[test]
fn unread_log_drops_and_reports_lines() {
    let mut child = start("more_than_capacity", "json");
    child.close_stdin();
    assert_eq!(child.error_line(), "LOGGED");
    let mut numbers = Vec::new();
    let lost = loop {
        let line: Value =
            serde_json::from_str(&child.line().expect("the child keeps logging")).unwrap();
        if let Some(lost) = line["lost"].as_u64() {
            assert_eq!(line["level"], "ERROR");
            break lost;
        }
        numbers.extend(line["number"].as_u64());
    };
    child.kill();
    assert!(numbers.is_sorted());
    assert!(numbers.iter().copied().take(10_000).eq(0..10_000));
    assert_eq!(lost, numbers.last().unwrap() + 1 - numbers.len() as u64);
}

#[test]
fn lines_lost_at_exit_are_counted_on_standard_error() {
    let output = start("more_than_pipe_capacity", "json").output_read_late();
    assert!(output.status.success(), "{output:?}");
    let expected = " log lines lost: standard output did not accept them in time\n";
    let lost: u64 = output
        .stderr
        .strip_suffix(expected)
        .unwrap()
        .parse()
        .unwrap();
    let written = parse(&output.stdout).count() as u64;
    assert!(written > 0);
    assert_eq!(written + lost, MANY);
}

#[test]
fn non_blocking_standard_output_gets_every_line() {
    let (read, write) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&write, true).unwrap();
    let child = start_on(write, "more_than_pipe_capacity");
    let mut output = String::new();
    let mut read = BufReader::with_capacity(512, read);
    while read.read_line(&mut output).unwrap() > 0 {}
    let result = child.wait_with_output().unwrap();
    assert!(result.status.success(), "{result:?}");
    let numbers = parse(&output).map(|line| line["number"].as_u64().unwrap());
    assert!(numbers.eq(0..MANY));
}

#[test]
fn closed_standard_output_falls_back_to_standard_error() {
    let mut shell = in_shell("exec \"$0\" \"$@\" >&-", &command("log_and_exit", "json"));
    let output = shell.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let output = output.unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(messages(&stderr).len() as u64, LINES + 1);
}

#[test]
fn processes_sharing_pipe_keep_lines_whole() {
    let (read, mut write) = io::pipe().unwrap();
    // The pipe is nearly full and is read in small pieces, so that the processes block in the middle of writes.
    write.write_all("\n".repeat(60_000).as_bytes()).unwrap();
    let children = [(); 3].map(|()| start_on(write.try_clone().unwrap(), "log_and_exit"));
    drop(write);
    let mut output = String::new();
    let mut read = BufReader::with_capacity(512, read);
    while read.read_line(&mut output).unwrap() > 0 {}
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let messages = messages(&output).into_iter();
    let count = messages.filter(|message| message == "one of some").count();
    assert_eq!(count as u64, 3 * LINES);
}
